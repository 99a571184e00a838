"""Who works on a ticket, and whom its case names: metadata that only ever comes in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import UNSET

from casebridge.domain.watermarks import Arrival, Weight
from casebridge_core import Person, TicketEvent


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a ticket, None when nobody has.

    ``since`` is the time of the news that said so, ``seen_at`` the vendor's time of the newest news
    (the watermark), ``noted_at`` when, by our clock, the newest news of the ticket came in.
    """

    person: Person | None = None
    since: datetime | None = None
    seen_at: datetime | None = None
    noted_at: datetime | None = None


class AssigneeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The assignment after an event, and whether the ticket has to be read to tell."""

    assignment: Assignment
    asks: bool = False


def decide_assignee(known: Assignment, event: TicketEvent, arrival: Arrival) -> AssigneeDecision:
    """Decide who has the ticket. An event may tell less of a person than is known: no name."""
    told = event.assignee
    if told is UNSET:
        return AssigneeDecision(assignment=known)
    weight = arrival.weigh(known.seen_at, known.noted_at)
    if _id_of(told) == _id_of(known.person):
        if weight is Weight.LEAVE:
            return AssigneeDecision(assignment=known)
        person = _completed(told, known.person)
        return AssigneeDecision(assignment=_seen(known, person, known.since, arrival))
    if weight is Weight.TAKE:
        return AssigneeDecision(assignment=_seen(known, told, arrival.moment, arrival))
    return AssigneeDecision(assignment=known, asks=weight is Weight.ASK)


def assignee_of_case(assignments: Iterable[Assignment]) -> Person | None:
    """Return whom a case names: of those who have one of its tickets, the one assigned last."""
    assigned = [each for each in assignments if each.person is not None and each.since is not None]
    newest = max(assigned, key=lambda each: (each.since, _id_of(each.person)), default=None)
    return newest.person if newest is not None else None


def _seen(
    known: Assignment, person: Person | None, since: datetime | None, arrival: Arrival
) -> Assignment:
    return Assignment(
        person=person,
        since=since,
        seen_at=arrival.advance(known.seen_at),
        noted_at=known.noted_at,
    )


def _completed(told: Person | None, known: Person | None) -> Person | None:
    if told is None or known is None:
        return told
    return Person(id=told.id, name=told.name or known.name, email=told.email or known.email)


def _id_of(person: Person | None) -> str | None:
    return person.id if person is not None else None
