"""What is written into a record: the fields of a new ticket and of a status change (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core.documents import describe, plain_text, shorten
from casebridge_core.templates import fill
from casebridge_servicenow.columns import CORRELATION
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from casebridge_core import CaseProjection, StatusChange, Ticket
    from casebridge_servicenow.config import ServiceNowConfig

CORRELATION_DISPLAY: Final = "Casebridge"
"""Stands in ``correlation_display`` of every ticket of ours."""

FILLED_FIELDS: Final = frozenset(
    {
        "short_description",
        "description",
        "impact",
        "urgency",
        "correlation_display",
        "number",
        "state",
    }
)
"""What a new ticket always holds: the bridge's fields, and those that ServiceNow fills itself."""

_LONG_TEXTS: Final = frozenset({"short_description", "description"})
_TITLE_LIMIT: Final = 160
_DESCRIPTION_LIMIT: Final = 4000
"""The lengths of ``task.short_description`` and ``task.description`` as they are shipped."""


def new_ticket(config: ServiceNowConfig, projection: CaseProjection) -> dict[str, str]:
    """Return the fields of a new ticket.

    ``priority`` is not among them: ServiceNow computes it from impact and urgency.
    """
    priority = config.priority_of(projection.severity)
    optional = {
        "caller_id": config.caller_id,
        "category": config.category,
        "assignment_group": config.assignment_group,
    }
    return {
        **{name: str(fill(value, projection)) for name, value in config.extra_fields.items()},
        **{name: value for name, value in optional.items() if value},
        "short_description": shorten(" ".join(projection.title.split()), _TITLE_LIMIT),
        "description": shorten(plain_text(describe(projection)), _DESCRIPTION_LIMIT),
        "impact": str(priority.impact),
        "urgency": str(priority.urgency),
        "correlation_display": CORRELATION_DISPLAY,
        CORRELATION: projection.correlation_key,
    }


def notes_on(written: Mapping[str, str], stored: Row, correlation_field: str) -> tuple[str, ...]:
    """Tell what of a new ticket ServiceNow did not store as it was written.

    It drops without a word what an access rule closes or the table lacks. Source: ServiceNow, Table
    API; long texts may be trimmed and are only missed when nothing is left of them.
    """
    notes = []
    if value_of(stored.get(CORRELATION)) != written[CORRELATION]:
        notes.append(
            f"{correlation_field} was not stored: let the integration account write it, or a second"
            " ticket may be created after a broken connection"
        )
    if value_of(stored.get("correlation_display")) != CORRELATION_DISPLAY:
        notes.append(
            "correlation_display was not stored: let the integration account write it, since the"
            " business rule and the listing of changes go by it"
        )
    others = {name: text for name, text in written.items() if not name.startswith("correlation_")}
    lost = [name for name, text in others.items() if text and not value_of(stored.get(name))]
    if lost:
        notes.append(f"came back empty: {', '.join(sorted(lost))}")
    changed = [
        name
        for name, text in others.items()
        if name not in _LONG_TEXTS and _words(value_of(stored.get(name))) not in ([], _words(text))
    ]
    if changed:
        notes.append(f"came back with another value: {', '.join(sorted(changed))}")
    return tuple(notes)


def _words(text: str) -> list[str]:
    # ServiceNow stores line breaks in its own way.
    return text.split()


def status_change(
    config: ServiceNowConfig,
    ticket: Ticket,
    change: StatusChange,
    state: str,
    present: Row,
) -> dict[str, str]:
    """Return the fields that bring a ticket to a state, given by its code.

    ``present`` is the record as it is. A close code and close notes of a person are kept, unless
    the change is forced. ``incident_state``, the legacy twin, goes along where the table has it.
    """
    model = config.states
    fields = {"state": state}
    if "incident_state" in present:
        fields["incident_state"] = state
    if state in model.closing:
        closing = {
            "close_code": config.close_code,
            "close_notes": close_notes(config.close_notes, ticket, change),
        }
        fields |= {
            name: text
            for name, text in closing.items()
            if text and (change.forced or not value_of(present.get(name)))
        }
    if state == model.holding:
        held = {"hold_reason": config.hold_reason, "comments": config.hold_comment}
        fields |= {name: text for name, text in held.items() if text}
    return fields


def close_notes(template: str, ticket: Ticket, change: StatusChange) -> str:
    """Fill the placeholders of the close notes."""
    return template.format(
        status=change.status,
        ticket=ticket.ref.key,
        correlation_key=ticket.correlation_key or "",
        reason=change.reason,
    ).strip()
