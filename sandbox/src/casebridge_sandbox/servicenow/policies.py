"""Data policies and business rules: what a write must bring, and what it sets.

Source: ServiceNow, "Incident state model", "Resolve and close an incident", and "Data
policy"; the mandatory fields are those of the usual data policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.errors import (
    acl_refusal,
    data_policy_refusal,
    refused,
    rule_refusal,
)
from casebridge_sandbox.servicenow.records import JOURNALS
from casebridge_sandbox.servicenow.rows import stamp
from casebridge_sandbox.servicenow.tables import ServiceNowTable
from casebridge_sandbox.tickets import Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario

__all__ = ("Write", "check_write", "consequences", "may_write")

_CLOSE_RULE = ("Only administrators close incidents", "c105e0000000000000000000000000c1")
_STATE_RULE = ("Refuse a change of state", "57a7e0000000000000000000000057a7")
_AWAITING_CALLER = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A write to a record, before it is done.

    Attributes:
        table: The table.
        ticket: The record, or None when it is being inserted.
        person: Who writes.
        state: The new state, or None when it stays.
        values: The other columns of the write.
    """

    table: ServiceNowTable
    ticket: Ticket | None
    person: Person
    state: str | None
    values: Mapping[str, object]

    @property
    def before(self) -> str | None:
        """The state before, or None for an insert."""
        return self.ticket.status if self.ticket else None

    @property
    def target(self) -> str:
        """The state after."""
        return self.state or self.before or self.table.workflow.initial

    def after(self, column: str) -> object:
        """Return what a column holds after the write."""
        present = self.ticket.fields.get(column) if self.ticket else None
        return self.values.get(column, present)


def check_write(scenario: ServiceNowScenario, write: Write) -> None:
    """Apply access controls, business rules, and data policies to a write.

    Args:
        scenario: The scenario.
        write: The write.

    Raises:
        Refusal: With 403 if one of them does not allow it.
    """
    moves = write.target != write.before
    if not may_write(scenario, write.table, write.person):
        raise refused(403, "User Not Authorized", "Failed API level ACL Validation")
    if write.before == (write.table.final or "") and scenario.closed_is_read_only:
        if moves or set(write.values) - set(JOURNALS):
            raise acl_refusal("Update")
    elif moves:
        _check_rules(scenario, write)
    if labels := _missing(scenario, write):
        raise data_policy_refusal(labels)


def _check_rules(scenario: ServiceNowScenario, write: Write) -> None:
    workflow = write.table.workflow
    known = write.before is not None and workflow.status(write.target) is not None
    if known and not workflow.edges(str(write.before), write.target):
        raise rule_refusal(write.table.name, *_STATE_RULE)
    final = write.target == write.table.final
    if final and scenario.only_admins_close and not write.person.admin:
        raise rule_refusal(write.table.name, *_CLOSE_RULE)


def _missing(scenario: ServiceNowScenario, write: Write) -> list[str]:
    """Return the labels of the mandatory fields that are empty after the write."""
    mandatory: list[tuple[str, str]] = []
    if scenario.require_caller and "caller_id" not in write.table.lacks:
        mandatory.append(("caller_id", "Caller"))
    if scenario.require_close_fields and write.target in write.table.explained:
        mandatory += [("close_code", "Resolution code"), ("close_notes", "Resolution notes")]
    holds = scenario.require_hold_reason and write.target == write.table.holding
    if holds:
        mandatory.append(("hold_reason", "On hold reason"))
    labels = [label for column, label in mandatory if not write.after(column)]
    entering = write.before != write.target or "hold_reason" in write.values
    if holds and entering and write.after("hold_reason") == _AWAITING_CALLER:
        labels += [] if write.values.get("comments") else ["Additional comments"]
    return labels


def may_write(scenario: ServiceNowScenario, table: ServiceNowTable, person: Person) -> bool:
    """Tell whether an account may write to a table; only the integration's own is asked."""
    asked = person.id == scenario.user_id and not person.admin and table.writers
    return not asked or bool(set(scenario.roles) & set(table.writers))


def consequences(
    table: ServiceNowTable, ticket: Ticket | None, person: Person, state: str | None, now: datetime
) -> dict[str, object]:
    """Return the columns that a change of state sets by itself.

    Args:
        table: The table.
        ticket: The record, or None when it is being inserted.
        person: Who changes it.
        state: The new state, or None when it stays.
        now: The present moment.
    """
    if state is None or (ticket is not None and ticket.status == state):
        return {}
    changed: dict[str, object] = {}
    if state in table.resolving:
        changed |= {"resolved_at": stamp(now), "resolved_by": person.id}
    elif state in table.closing:
        changed |= {"closed_at": stamp(now), "closed_by": person.id}
    else:
        changed |= dict.fromkeys(("resolved_at", "resolved_by", "closed_at", "closed_by"))
    if state != table.holding:
        changed["hold_reason"] = None
    return changed
