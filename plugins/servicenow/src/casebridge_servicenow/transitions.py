"""Bringing a ticket to a state: what is written, which way, and what a refusal means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_core import (
    CaseStatus,
    InvalidRequest,
    NativeStatus,
    PushError,
    StatusChange,
    Ticket,
    TicketRef,
    TransitionRejected,
)
from casebridge_servicenow.fields import status_change
from casebridge_servicenow.refusals import RefusedByRule
from casebridge_servicenow.state_models import CLOSED, RESOLVED
from casebridge_servicenow.statuses import is_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.statuses import StateModel
    from casebridge_servicenow.values import Row


async def move(client: ServiceNowClient, ref: TicketRef, change: StatusChange) -> Ticket:
    """Bring a ticket to a state, unless it is there, and read it back.

    Raises:
        TransitionRejected: a rule of the instance refuses it, or the state does not exist.
    """
    row = await client.row(ref)
    ticket = client.ticket(row)
    model = client.config.states
    if _is_there(model, ticket.status, change):
        return ticket
    target = await _state(client, change.native)
    if ticket.status.matches(target.id or target.name):
        return ticket
    try:
        await _write(client, ticket, change, target, row)
    except RefusedByRule as refused:
        raise await _rejected(client, refused, ticket, target) from refused
    except InvalidRequest as denied:
        if model.final is None or ticket.status.id != model.final:
            raise
        raise TransitionRejected(
            f"{ref.key} is {ticket.status.name} and cannot be written any more: reopen it in"
            f" ServiceNow to bring it to {target.name}. {denied}"
        ) from denied
    return await client.fetch(ref)


async def _state(client: ServiceNowClient, native: str) -> NativeStatus:
    """Return the state that a code or label of the status map means on this instance.

    A label is looked up in the instance; a stock one is known where the instance shows no choices
    or shows them in another language.
    """
    model = client.config.states
    if is_code(native):
        return model.named(native)
    code = model.code_of(native)
    try:
        choices = await client.choices("state")
    except PushError:
        if code is None:
            raise
        choices = ()
    wanted = native.strip().casefold()
    for value, label in choices:
        if label.strip().casefold() == wanted:
            return NativeStatus(id=value, name=label)
    if code is not None and (not choices or code in dict(choices)):
        return model.named(code)
    raise TransitionRejected(
        f"{client.config.table} has no state {native!r}: correct the connector's status map",
        allowed=_shown(choices),
    )


async def _write(
    client: ServiceNowClient, ticket: Ticket, change: StatusChange, target: NativeStatus, row: Row
) -> None:
    """Write a state, step by step up the ladder where a rule refuses the straight way.

    ServiceNow publishes no transitions, and instances that guard the state model let nobody skip a
    step. What a broken-off walk has reached is where the next one starts.
    """
    model, sys_id = client.config.states, ticket.ref.external_id

    def fields(state: str) -> dict[str, str]:
        return status_change(client.config, ticket, change, state, row)

    state = target.id or target.name
    try:
        await client.table.patch(sys_id, fields(state))
    except RefusedByRule as refused:
        way = model.way(ticket.status.id, state)
        if refused.fields or len(way) < 2:  # noqa: PLR2004 - one step is the straight way
            raise
        reached = ticket.status
        for step in way:
            try:
                await client.table.patch(sys_id, fields(step))
            except RefusedByRule as stuck:
                where = f"it stands at {reached.name}: {stuck}"
                raise RefusedByRule(where, fields=stuck.fields) from stuck
            reached = model.named(step)


def _is_there(model: StateModel, status: NativeStatus, change: StatusChange) -> bool:
    """Tell whether a ticket is where a change wants it.

    An incident that ServiceNow closed after it was resolved is past Resolved, not short of it.
    """
    resolves = model.final == CLOSED and model.code_of(change.native) == RESOLVED
    closed_for_good = resolves and status.id == CLOSED
    return status.matches(change.native) or (
        closed_for_good and change.status is CaseStatus.CLOSED and not change.forced
    )


async def _rejected(
    client: ServiceNowClient, refused: RefusedByRule, ticket: Ticket, target: NativeStatus
) -> TransitionRejected:
    names = ", ".join(refused.fields)
    cure = f" It asks for {names}: set them in the connector or in ServiceNow." if names else ""
    for name in ("close_code", "hold_reason"):
        if name in refused.fields:
            cure += await _offer(client, name)
    return TransitionRejected(
        f"ServiceNow refuses to take {ticket.ref.key} from {ticket.status.name} to {target.name}:"
        f" {refused}.{cure}",
        missing_fields=refused.fields,
    )


async def _offer(client: ServiceNowClient, name: str) -> str:
    """Return what the instance offers for a field that it asks for, where that can be seen."""
    try:
        choices = await client.choices(name)
    except PushError:
        return ""
    return f" {name} is one of: {', '.join(_shown(choices))}." if choices else ""


def _shown(choices: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(value if value == label else f"{label} ({value})" for value, label in choices)
