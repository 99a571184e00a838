"""Data policies and business rules: what a write must bring, and what it sets.

Source: ServiceNow, "Incident state model", "Resolve and close an incident", and "Data
policy"; the mandatory fields are those of the usual data policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from casebridge_sandbox.servicenow.errors import acl_refusal, data_policy_refusal, rule_refusal
from casebridge_sandbox.servicenow.records import JOURNALS
from casebridge_sandbox.servicenow.rows import stamp
from casebridge_sandbox.servicenow.scenario import ServiceNowScenario, ServiceNowTable
from casebridge_sandbox.tickets import Person, Ticket

__all__ = ("check_write", "consequences")

_CLOSE_RULE = ("Only administrators close incidents", "c105e0000000000000000000000000c1")
_STATE_RULE = ("Refuse a change of state", "57a7e0000000000000000000000057a7")
_AWAITING_CALLER = "1"


def check_write(  # noqa: PLR0913 - a policy looks at all of it
    scenario: ServiceNowScenario,
    table: ServiceNowTable,
    ticket: Ticket | None,
    person: Person,
    state: str | None,
    values: Mapping[str, object],
) -> None:
    """Apply the data policies and business rules to a write.

    Args:
        scenario: The scenario.
        table: The table.
        ticket: The record, or None when it is being inserted.
        person: Who writes.
        state: The new state, or None when it stays.
        values: The other columns of the write.

    Raises:
        Refusal: With 403 if one of them does not allow it.
    """
    present: Mapping[str, object] = ticket.fields if ticket else {}
    before = ticket.status if ticket else None
    target = state or before or table.workflow.initial

    def missing(*columns: tuple[str, str]) -> list[str]:
        return [label for name, label in columns if not values.get(name, present.get(name))]

    if before == "7" and scenario.closed_is_read_only:
        touched = set(values) - set(JOURNALS)
        if touched or (state is not None and state != before):
            raise acl_refusal("Update")
    if state is not None and before is not None and state != before:
        if table.workflow.status(state) and not table.workflow.edges(before, state):
            raise rule_refusal(table.name, *_STATE_RULE)
        if state == "7" and scenario.only_admins_close and not person.admin:
            raise rule_refusal(table.name, *_CLOSE_RULE)
    wanted: list[str] = []
    if scenario.require_caller:
        wanted += missing(("caller_id", "Caller"))
    if scenario.require_close_fields and target in ("6", "7"):
        wanted += missing(("close_code", "Resolution code"), ("close_notes", "Resolution notes"))
    if scenario.require_hold_reason and target == "3":
        wanted += missing(("hold_reason", "On hold reason"))
        reason = values.get("hold_reason", present.get("hold_reason"))
        entering = before != "3" or "hold_reason" in values
        if reason == _AWAITING_CALLER and entering and not values.get("comments"):
            wanted.append("Additional comments")
    if wanted:
        raise data_policy_refusal(wanted)


def consequences(
    ticket: Ticket | None, person: Person, state: str | None, now: datetime
) -> dict[str, object]:
    """Return the columns that a change of state sets by itself.

    Args:
        ticket: The record, or None when it is being inserted.
        person: Who changes it.
        state: The new state, or None when it stays.
        now: The present moment.
    """
    if state is None or (ticket is not None and ticket.status == state):
        return {}
    changed: dict[str, object] = {}
    match state:
        case "6":
            changed |= {"resolved_at": stamp(now), "resolved_by": person.id}
        case "7":
            changed |= {"closed_at": stamp(now), "closed_by": person.id}
        case "1" | "2" | "3":
            changed |= dict.fromkeys(("resolved_at", "resolved_by", "closed_at", "closed_by"))
        case _:
            pass
    if state != "3":
        changed["hold_reason"] = None
    return changed
