"""The inbound decision: what a ticket's event means for the case.

One pure function, used by the webhook, the reconciler and a replay alike. Its order is its meaning:
first what makes an event worthless (stale, our own), then what makes it redundant (the echo), then
what it asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from casebridge_core import CaseStatus, NativeStatus, TicketEvent


class Reason(StrEnum):
    """Why an event did not change the case's status."""

    NO_STATUS = "no_status_change"
    STALE = "stale"
    OWN_WRITE = "own_write"
    PUSH_IN_FLIGHT = "push_in_flight"
    LAST_KNOWN = "last_known_status"
    ALREADY_THERE = "already_there"
    SUPERSEDED = "superseded_by_case"
    UNMAPPED = "unmapped_status"
    TICKET_DELETED = "ticket_deleted"
    DUPLICATE = "duplicate_delivery"
    UNLINKED = "unlinked_ticket"
    UNRECOGNISED = "unrecognised_payload"
    AMBIGUOUS = "ambiguous_payload"
    MALFORMED = "malformed_payload"
    PLUGIN_FAILED = "plugin_failed"
    CONNECTOR_DISABLED = "connector_disabled"


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs to know of the case.

    ``trail`` are the statuses it has held, most recent first, the current one included.
    """

    status: CaseStatus
    trail: tuple[CaseStatus, ...]
    status_changed_at: datetime


class RefState(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs to know of the ticket's ref.

    ``settled_status`` is the case status on which both sides last agreed and ``settled_native`` the
    native status that stood for it (until then: the one that the ticket was minted with);
    ``status_seen_at`` is the vendor's time of the newest status known (the watermark) and
    ``status_noted_at`` when, by our clock, the news of it came in;
    ``own_account`` is the bridge's account at the vendor; ``pushing`` is true while a status push
    of ours is under way.
    """

    settled_status: CaseStatus | None = None
    settled_native: NativeStatus | None = None
    status_seen_at: datetime | None = None
    status_noted_at: datetime | None = None
    own_account: str | None = None
    pushing: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Either ``apply`` names the case's new status, or ``reason`` says why it keeps its own."""

    apply: CaseStatus | None = None
    reason: Reason | None = None


def decide(
    case: CaseState,
    ref: RefState,
    event: TicketEvent,
    *,
    meanings: Sequence[CaseStatus],
    received_at: datetime,
) -> Decision:
    """Decide what an event means for its case's status.

    ``meanings`` are the case statuses that the event's native status can stand for, most likely
    first (`VendorHooks.meanings_of`): what the maps say, and every status that is projected to it.
    ``received_at`` is when the event came in, which for a replay is long ago.
    """
    if event.deleted:
        return Decision(reason=Reason.TICKET_DELETED)
    if event.status is None:
        return Decision(reason=Reason.NO_STATUS)
    if _is_stale(event, ref, received_at):
        return Decision(reason=Reason.STALE)
    if event.actor is not None and event.actor.id == ref.own_account:
        return Decision(reason=Reason.OWN_WRITE)
    if _is_same(event.status, ref.settled_native):
        return Decision(reason=Reason.LAST_KNOWN)
    if case.status in meanings:
        return Decision(reason=Reason.ALREADY_THERE)
    if ref.pushing and (event.actor is None or ref.own_account is None):
        return Decision(reason=Reason.PUSH_IN_FLIGHT)
    if not meanings:
        return Decision(reason=Reason.UNMAPPED)
    if _is_superseded(case, ref, event.occurred_at or received_at):
        return Decision(reason=Reason.SUPERSEDED)
    return Decision(apply=_held_last(case.trail, meanings))


def _is_stale(event: TicketEvent, ref: RefState, received_at: datetime) -> bool:
    """Tell whether newer news is known; an event that tells no time is as old as its receipt."""
    if event.occurred_at is None:
        return ref.status_noted_at is not None and received_at < ref.status_noted_at
    return ref.status_seen_at is not None and event.occurred_at < ref.status_seen_at


def _is_same(status: NativeStatus, known: NativeStatus | None) -> bool:
    return known is not None and (
        status.matches(known.name) or (known.id is not None and status.matches(known.id))
    )


def _is_superseded(case: CaseState, ref: RefState, at: datetime) -> bool:
    """Tell whether the case moved on after the event, with a push still to come.

    The case is the source of truth: a ticket that was moved before the case was (a webhook in
    flight) is brought to the case's status by the pending push.
    """
    return ref.settled_status is not case.status and at < case.status_changed_at


def _held_last(trail: Sequence[CaseStatus], meanings: Sequence[CaseStatus]) -> CaseStatus:
    return next((status for status in trail if status in meanings), meanings[0])
