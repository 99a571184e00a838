"""Bringing a ticket to a state: what is written, which way, and what a refusal means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_core import (
    CaseStatus,
    InvalidRequest,
    NativeStatus,
    StatusChange,
    Ticket,
    TicketRef,
    TransitionRejected,
)
from casebridge_servicenow.fields import status_change
from casebridge_servicenow.refusals import RefusedByRule
from casebridge_servicenow.statuses import CLOSED, IN_PROGRESS, NEW, ON_HOLD, RESOLVED
from casebridge_servicenow.values import value_of

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient


async def move(client: ServiceNowClient, ref: TicketRef, change: StatusChange) -> Ticket:
    """Bring a ticket to a state, unless it is there, and read it back.

    Raises:
        TransitionRejected: a rule of the instance refuses it, or the state does not exist.
    """
    row = await client.row(ref)
    ticket = client.ticket(row)
    if _is_there(ticket.status, change):
        return ticket
    target = await _state(client, change.native)
    if ticket.status.matches(target.id or target.name):
        return ticket
    filled = frozenset(name for name in ("close_code", "close_notes") if value_of(row.get(name)))
    values = status_change(client.config, ticket, change, target, filled=filled)
    try:
        await _write(client, ticket, target, values)
    except RefusedByRule as refused:
        raise _rejected(refused, ticket, target) from refused
    except InvalidRequest as denied:
        if ticket.status.id != CLOSED:
            raise
        raise TransitionRejected(
            f"{ref.key} is {ticket.status.name} and cannot be written any more: reopen it in"
            f" ServiceNow to bring it to {target.name}. {denied}"
        ) from denied
    return await client.fetch(ref)


async def _state(client: ServiceNowClient, native: str) -> NativeStatus:
    """Return the state that a code or label of the status map means on this instance."""
    model = client.config.states
    code = model.code_of(native)
    if code is not None:
        return NativeStatus(id=code, name=model.labels.get(code, native))
    choices = await client.choices("state")
    wanted = native.strip().casefold()
    for value, label in choices:
        if label.strip().casefold() == wanted:
            return NativeStatus(id=value, name=label)
    raise TransitionRejected(
        f"{client.config.table} has no state {native!r}: correct the connector's status map",
        allowed=tuple(f"{label} ({value})" for value, label in choices),
    )


async def _write(
    client: ServiceNowClient, ticket: Ticket, target: NativeStatus, values: dict[str, str]
) -> None:
    """Write a state, by way of In Progress where a rule refuses the straight way.

    ServiceNow publishes no transitions; instances that guard the state model let a ticket be
    resolved only after somebody has worked on it.
    """
    sys_id, table = ticket.ref.external_id, client.config.table
    try:
        await client.api.patch(table, sys_id, values, ("sys_id",))
    except RefusedByRule as refused:
        not_started = ticket.status.id in {NEW, ON_HOLD} and target.id in {RESOLVED, CLOSED}
        if table != "incident" or refused.fields or not not_started:
            raise
        started = {"state": IN_PROGRESS, "incident_state": IN_PROGRESS}
        await client.api.patch(table, sys_id, started, ("sys_id",))
        await client.api.patch(table, sys_id, values, ("sys_id",))


def _is_there(status: NativeStatus, change: StatusChange) -> bool:
    """Tell whether a ticket is where a change wants it.

    An incident that ServiceNow closed after it was resolved is past Resolved, not short of it.
    """
    closed_for_good = status.id == CLOSED and change.native == RESOLVED
    return status.matches(change.native) or (
        closed_for_good and change.status is CaseStatus.CLOSED and not change.forced
    )


def _rejected(refused: RefusedByRule, ticket: Ticket, target: NativeStatus) -> TransitionRejected:
    names = ", ".join(refused.fields)
    cure = f" It asks for {names}: set them in the connector or in ServiceNow." if names else ""
    return TransitionRejected(
        f"ServiceNow refuses to take {ticket.ref.key} from {ticket.status.name} to {target.name}:"
        f" {refused}.{cure}",
        missing_fields=refused.fields,
    )
