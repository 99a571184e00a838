"""What is written into a record: the fields of a new ticket and of a status change (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core.documents import describe, plain_text, shorten
from casebridge_servicenow.statuses import INCIDENT, ON_HOLD

if TYPE_CHECKING:
    from casebridge_core import CaseProjection, NativeStatus, StatusChange, Ticket
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

_TITLE_LIMIT: Final = 160
_DESCRIPTION_LIMIT: Final = 4000
"""The lengths of ``task.short_description`` and ``task.description`` as they are shipped."""


def new_ticket(config: ServiceNowConfig, projection: CaseProjection) -> dict[str, str]:
    """Return the fields of a new ticket, as the Table API takes them.

    ``priority`` is not among them: ServiceNow computes it from impact and urgency.
    """
    priority = config.priority_of(projection.severity)
    optional = {
        "caller_id": config.caller_id,
        "category": config.category,
        "assignment_group": config.assignment_group,
    }
    return {
        **config.extra_fields,
        **{name: value for name, value in optional.items() if value},
        "short_description": shorten(" ".join(projection.title.split()), _TITLE_LIMIT),
        "description": shorten(plain_text(describe(projection)), _DESCRIPTION_LIMIT),
        "impact": str(priority.impact),
        "urgency": str(priority.urgency),
        "correlation_display": CORRELATION_DISPLAY,
        config.correlation_field: projection.correlation_key,
    }


def status_change(
    config: ServiceNowConfig,
    ticket: Ticket,
    change: StatusChange,
    target: NativeStatus,
    *,
    filled: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """Return the fields that bring a ticket to ``target``, whose ``id`` is the code to write.

    ``filled`` names the fields that already hold something: the close code and the close notes of
    a person are kept, unless the change is forced.
    """
    state = target.id or target.name
    fields = {"state": state}
    if config.table == "incident":
        fields["incident_state"] = state
    if config.states.closes(state, target.name):
        closing = {
            "close_code": config.close_code,
            "close_notes": close_notes(config.close_notes, ticket, change),
        }
        kept = frozenset() if change.forced else filled
        fields |= {name: text for name, text in closing.items() if text and name not in kept}
    if config.states is INCIDENT and state == ON_HOLD and config.hold_reason:
        fields["hold_reason"] = config.hold_reason
    return fields


def close_notes(template: str, ticket: Ticket, change: StatusChange) -> str:
    """Fill the placeholders of the close notes."""
    return template.format(
        status=change.status,
        ticket=ticket.ref.key,
        correlation_key=ticket.correlation_key or "",
        reason=change.reason,
    ).strip()
