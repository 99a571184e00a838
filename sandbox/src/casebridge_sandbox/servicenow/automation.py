"""What ServiceNow does by itself: children of a resolved parent, and closing after some days.

Source: ServiceNow, "Parent and child incident state synchronization" and "Resolve and close an
incident".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from casebridge_sandbox.servicenow.policies import consequences
from casebridge_sandbox.tickets import Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.desk import Desk
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
    from casebridge_sandbox.servicenow.tables import ServiceNowTable

__all__ = ("close_what_is_old", "resolve_children")

_SYSTEM: Final = Person(id="system", name="system", display_name="System Administrator")


def resolve_children(
    scenario: ServiceNowScenario, desk: Desk, parent: Ticket, person: Person, now: datetime
) -> None:
    """Resolve what hangs on a parent that was resolved, in the name of who resolved it."""
    table = scenario.table(parent.project)
    if not scenario.parent_resolves_children or table is None:
        return
    if parent.status not in table.resolving:
        return
    explained = {name: parent.fields.get(name) for name in ("close_code", "close_notes")}
    for child in list(desk.tickets.values()):
        if child.fields.get("parent_incident") != parent.id or _is_done(table, child):
            continue
        changes = consequences(table, child, person, parent.status, now)
        desk.update(child, person, status=parent.status, fields={**explained, **changes})


def close_what_is_old(scenario: ServiceNowScenario, desk: Desk, now: datetime) -> None:
    """Close what has been resolved for the days of the scenario."""
    if scenario.auto_close_days <= 0:
        return
    latest = now - timedelta(days=scenario.auto_close_days)
    for ticket in list(desk.tickets.values()):
        table = scenario.table(ticket.project)
        final = table.final if table else None
        if table and final and ticket.status in table.resolving and ticket.updated <= latest:
            changes = consequences(table, ticket, _SYSTEM, final, now)
            desk.update(ticket, _SYSTEM, status=final, fields=changes)


def _is_done(table: ServiceNowTable, ticket: Ticket) -> bool:
    return ticket.status in {*table.resolving, *table.closing}
