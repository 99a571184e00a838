"""Bringing an issue to a status: one live transition after another, each read back.

Only what Jira offers at this moment is used, so a walk that was cut off half-way goes on from where
the issue stands. A 2xx is not success: what counts is the status that is read afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from casebridge_core import (
    InvalidRequest,
    NativeStatus,
    PushError,
    StatusChange,
    Ticket,
    TicketRef,
    TransitionRejected,
)
from casebridge_jira.failures import Conflict
from casebridge_jira.statuses import CATEGORY_OF_CASE, KNOWN_STATUSES, means
from casebridge_jira.tickets import read_status
from casebridge_jira.transitions import (
    Hop,
    Settings,
    Transition,
    detours,
    direct_hops,
    follow,
    identity,
    is_target,
    refuse,
    retreat,
    start,
)

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient

MOST_STEPS: Final = 10
"""How many transitions one push may try."""


async def move_ticket(client: JiraClient, ref: TicketRef, change: StatusChange) -> Ticket:
    """Bring an issue to ``change.native`` and return it as read back.

    With ``change.forced`` the way may lead through statuses of the done category; Jira has no call
    that goes past its workflow altogether.

    Raises:
        TransitionRejected: the workflow does not allow it, with what is missing and what it allows.
    """
    ticket = await client.ticket(ref.external_id)
    if ticket.status.matches(change.native):
        return ticket
    target = _stock_status(change.native)
    offers = await client.transitions(ref.external_id)
    if not direct_hops(offers, target, _settings(client), start(ticket.status)):
        target = await _known_target(client, ticket, change)
    return await _walk(client, ticket, target, forced=change.forced)


async def workflow_statuses(
    client: JiraClient, project: str, issue_type: str | None = None
) -> tuple[NativeStatus, ...]:
    """Return the statuses of a project's workflows, or of one issue type's.

    Source: Atlassian, Jira Cloud REST v3, Projects, Get all statuses for project.
    """
    answer = await client.read(f"/project/{project}/statuses")
    types = (
        [each for each in answer if isinstance(each, Mapping)] if isinstance(answer, list) else []
    )
    chosen = [each for each in types if issue_type in (each.get("name"), each.get("id"))]
    found: dict[str, NativeStatus] = {}
    for each in chosen or types:
        for value in each.get("statuses") or ():
            if (status := read_status(value)) is not None:
                found.setdefault(identity(status), status)
    return tuple(found.values())


async def _walk(
    client: JiraClient, ticket: Ticket, target: NativeStatus, *, forced: bool
) -> Ticket:
    external_id, settings = ticket.ref.external_id, _settings(client)
    trail = start(ticket.status)
    for _ in range(MOST_STEPS):
        if is_target(ticket.status, target):
            return ticket
        offers = await client.transitions(external_id)
        final = direct_hops(offers, target, settings, trail)
        detour = detours(offers, ticket.status, target, settings, trail, through_done=forced)
        hop = next(iter(final or detour), None) or retreat(offers, settings, trail)
        if hop is None:
            raise _no_way(ticket.status, target, offers)
        try:
            await client.transition(external_id, hop.transition.id, hop.fields)
        except Conflict:
            ticket = await client.ticket(external_id)
            continue
        except InvalidRequest as refusal:
            if len(final) == 1:
                raise _asks_for_more(hop, refusal, offers) from refusal
            trail = refuse(trail, hop)
            continue
        before, ticket = ticket, await client.ticket(external_id)
        if identity(ticket.status) == identity(before.status):
            if len(final) == 1:
                raise _not_taken(hop, ticket.status, offers)
            trail = refuse(trail, hop)
        trail = follow(trail, ticket.status)
    if is_target(ticket.status, target):
        return ticket
    raise TransitionRejected(
        f'"{target.name}" was not reached within {MOST_STEPS} transitions; the issue stands in'
        f' "{ticket.status.name}"'
    )


async def _known_target(client: JiraClient, ticket: Ticket, change: StatusChange) -> NativeStatus:
    """Return the target with its category, by what the project's workflows have.

    A name that none of them has stands for the first status of the same category that, coming
    back, can stand for the case's status: "Done" may then find "Resolved" or "Erledigt". The
    settings can switch that off.
    """
    try:
        known = await workflow_statuses(client, ticket.ref.key.rpartition("-")[0])
    except PushError:
        return _stock_status(change.native)
    if found := next((s for s in known if s.matches(change.native)), None):
        return found
    category = CATEGORY_OF_CASE[change.status]
    alike = [
        s for s in known if s.category is category and means(client.connector, s, change.status)
    ]
    if client.config.category_fallback and alike:
        return next((s for s in alike if is_target(s, ticket.status)), alike[0])
    if not known:
        return _stock_status(change.native)
    names = tuple(status.name for status in known)
    raise TransitionRejected(
        f'The project has no status "{change.native}". It has: {_listed(names)}. Map the case'
        f' status "{change.status}" to one of these in the connector\'s status map.',
        allowed=names,
    )


def _settings(client: JiraClient) -> Settings:
    return lambda status: client.config.fields_for_status(status.name, status.id)


def _stock_status(native: str) -> NativeStatus:
    known = next((status for status in KNOWN_STATUSES if status.matches(native)), None)
    return known or NativeStatus(name=native)


def _no_way(
    here: NativeStatus, target: NativeStatus, offers: Sequence[Transition]
) -> TransitionRejected:
    allowed = _names(offers)
    if not allowed:
        return TransitionRejected(
            f'Jira offers no transition out of "{here.name}". The account may lack the permission'
            ' "Transition issues", or the workflow ends there.'
        )
    return TransitionRejected(
        f'Jira\'s workflow has no way from "{here.name}" to "{target.name}". From there it allows:'
        f" {_listed(allowed)}. Add a transition in Jira, or change the connector's status map.",
        allowed=allowed,
    )


def _asks_for_more(
    hop: Hop, refusal: InvalidRequest, offers: Sequence[Transition]
) -> TransitionRejected:
    names = {field.id: field for field in hop.transition.fields}
    missing = refusal.fields or tuple(field.id for field in hop.unmet)
    choices = [
        f"{names[name].name} (allowed: {_listed(values)})"
        for name in missing
        if name in names and (values := _values(names[name].allowed))
    ]
    told = f'Jira refused the transition "{hop.transition.name}" to "{hop.transition.to.name}"'
    cure = ""
    if missing:
        cure = (
            f" It asks for: {_listed(missing)}. Set it under transition_fields for"
            f' "{hop.transition.to.name}".'
        )
    if choices:
        cure += f" {'; '.join(choices)}."
    return TransitionRejected(
        f"{told}: {refusal}.{cure}", missing_fields=missing, allowed=_names(offers)
    )


def _not_taken(hop: Hop, here: NativeStatus, offers: Sequence[Transition]) -> TransitionRejected:
    return TransitionRejected(
        f'Jira accepted the transition "{hop.transition.name}" to "{hop.transition.to.name}", yet'
        f' the issue still stands in "{here.name}". Look for an automation that moves it back.',
        allowed=_names(offers),
    )


def _names(offers: Iterable[Transition]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(offer.to.name for offer in offers))


def _values(allowed: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = (value.get("name") or value.get("value") for value in allowed)
    return tuple(name for name in found if isinstance(name, str))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
