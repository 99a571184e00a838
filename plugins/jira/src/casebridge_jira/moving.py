"""Bringing an issue to a status: one live transition after another, each read back.

Only what Jira offers at this moment is used, so a walk that was cut off half-way goes on from where
the issue stands. A 2xx is not success: what counts is the status that is read afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import InvalidRequest, NativeStatus, PushError, StatusChange, Ticket, TicketRef
from casebridge_jira.rejections import (
    asks_for_more,
    no_way,
    not_taken,
    out_of_steps,
    unknown_status,
)
from casebridge_jira.statuses import CATEGORY_OF_CASE, KNOWN_STATUSES, means
from casebridge_jira.transitions import (
    Hop,
    Settings,
    Trail,
    Transition,
    choose,
    follow,
    identity,
    is_target,
    refuse,
    start,
)

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient

MOST_STEPS: Final = 10
"""How many looks at the open transitions one push may take."""


async def move_ticket(client: JiraClient, ref: TicketRef, change: StatusChange) -> Ticket:
    """Bring an issue to ``change.native`` and return it as read back.

    With ``change.forced`` the way may lead through statuses of the done category; Jira has no call
    that goes past its workflow altogether.

    Raises:
        TransitionRejected: the workflow does not allow it, with what is missing and what it allows.
    """
    ticket = await client.ticket(ref.external_id)
    target, looked_up, trail = _stock_status(change.native), False, start(ticket.status)
    for _ in range(MOST_STEPS):
        if is_target(ticket.status, target):
            return ticket
        offers = await client.transitions(ref.external_id)
        hop = choose(offers, ticket.status, target, _settings(client), trail, forced=change.forced)
        if not looked_up and (hop is None or not hop.final):
            target, looked_up = await _known_target(client, ticket, change), True
        elif hop is None:
            raise no_way(ticket.status, target, offers)
        else:
            ticket, trail = await _take(client, ticket, hop, trail, offers)
    if is_target(ticket.status, target):
        return ticket
    raise out_of_steps(ticket.status, target, MOST_STEPS)


async def _take(
    client: JiraClient, ticket: Ticket, hop: Hop, trail: Trail, offers: tuple[Transition, ...]
) -> tuple[Ticket, Trail]:
    """Perform one transition and return the issue as it is then, and the trail to it."""
    external_id = ticket.ref.external_id
    try:
        await client.transition(external_id, hop.transition.id, hop.fields)
    except InvalidRequest as refusal:
        if hop.last:
            raise asks_for_more(hop, refusal, offers) from refusal
        return ticket, refuse(trail, hop)
    moved = await client.ticket(external_id)
    if identity(moved.status) != identity(ticket.status):
        return moved, follow(trail, moved.status)
    if hop.last:
        raise not_taken(hop, moved.status, offers)
    return moved, refuse(trail, hop)


async def _known_target(client: JiraClient, ticket: Ticket, change: StatusChange) -> NativeStatus:
    """Return the target with its category, by what the project's workflows have.

    A name that none of them has stands for the first status of the same category that, coming
    back, can stand for the case's status: "Done" may then find "Resolved" or "Erledigt". The
    settings can switch that off.
    """
    try:
        known = await client.workflow_statuses(ticket.ref.key.rpartition("-")[0])
    except PushError:
        known = ()
    named = next((status for status in known if status.matches(change.native)), None)
    if named is not None or not known:
        return named or _stock_status(change.native)
    category = CATEGORY_OF_CASE[change.status]
    alike = [
        s for s in known if s.category is category and means(client.connector, s, change.status)
    ]
    if not alike or not client.config.category_fallback:
        raise unknown_status(change.native, change.status, known)
    return next((status for status in alike if is_target(status, ticket.status)), alike[0])


def _settings(client: JiraClient) -> Settings:
    return lambda status: client.config.fields_for_status(status.name, status.id)


def _stock_status(native: str) -> NativeStatus:
    known = next((status for status in KNOWN_STATUSES if status.matches(native)), None)
    return known or NativeStatus(name=native)
