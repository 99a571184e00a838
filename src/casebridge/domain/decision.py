"""The status decision: what a ticket's event means for the status of its case.

Its order is its meaning: first what makes an event worthless (our own, stale), then what makes it
redundant (the echo), then what it asks for. Where the order of things cannot be told, nothing is
guessed: the ticket is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from casebridge.domain.watermarks import Arrival, Source, Weight
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
    VERIFY_ASKED = "verify_asked"
    UNMAPPED = "unmapped_status"
    TICKET_DELETED = "ticket_deleted"
    DUPLICATE = "duplicate_delivery"
    UNLINKED = "unlinked_ticket"
    UNRECOGNISED = "unrecognised_payload"
    AMBIGUOUS = "ambiguous_payload"
    MALFORMED = "malformed_payload"
    PLUGIN_FAILED = "plugin_failed"
    CONNECTOR_DISABLED = "connector_disabled"
    BRIDGE_OFF = "bridge_off"


_OPEN: Final = frozenset(
    {
        Reason.AMBIGUOUS,
        Reason.BRIDGE_OFF,
        Reason.CONNECTOR_DISABLED,
        Reason.DUPLICATE,
        Reason.MALFORMED,
        Reason.PLUGIN_FAILED,
        Reason.UNLINKED,
        Reason.UNMAPPED,
        Reason.UNRECOGNISED,
    }
)
FINAL: Final = frozenset(Reason) - _OPEN
"""Why an event is dealt with for good; for any other reason it may be dealt with the next time."""


class CaseState(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs to know of the case.

    ``trail`` are the statuses it has held, most recent first, the current one included.
    """

    status: CaseStatus
    trail: tuple[CaseStatus, ...]
    status_changed_at: datetime


class RefState(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision needs to know of the ticket's status.

    ``settled_status`` is the case status on which both sides last agreed and ``settled_native`` the
    native status that stood for it; ``ticket_status`` is the newest native status known (at first:
    the one that the ticket was minted with), ``status_seen_at`` the vendor's time of it (the
    watermark) and ``status_noted_at`` when, by our clock, news of it came in. ``own_account`` is
    the bridge's account at the vendor. ``pushing`` is true while a status push of ours is under
    way, ``unclear`` while one that failed may have moved the ticket, ``given_up`` while nobody
    pushes although a push is missing.
    """

    settled_status: CaseStatus | None = None
    settled_native: NativeStatus | None = None
    ticket_status: NativeStatus | None = None
    status_seen_at: datetime | None = None
    status_noted_at: datetime | None = None
    own_account: str | None = None
    pushing: bool = False
    unclear: bool = False
    given_up: bool = False


class StatusDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Either ``apply`` names the case's new status, or ``reason`` says why it keeps its own."""

    apply: CaseStatus | None = None
    reason: Reason | None = None

    @property
    def is_noted(self) -> bool:
        """Whether the event's status is the newest that is known of the ticket."""
        return self.reason in _NOTED

    @property
    def is_seen(self) -> bool:
        """Whether what is older than the event is stale from now on."""
        return self.is_noted or self.reason is Reason.OWN_WRITE

    @property
    def asks(self) -> bool:
        """Whether the ticket has to be read before its status is known."""
        return self.reason in {Reason.VERIFY_ASKED, Reason.PUSH_IN_FLIGHT}


_NOTED: Final = {
    None,
    Reason.LAST_KNOWN,
    Reason.ALREADY_THERE,
    Reason.UNMAPPED,
    Reason.SUPERSEDED,
}


def decide_status(
    case: CaseState,
    ref: RefState,
    event: TicketEvent,
    *,
    meanings: Sequence[CaseStatus],
    arrival: Arrival,
) -> StatusDecision:
    """Decide what an event means for its case's status.

    ``meanings`` are the case statuses that the event's native status can stand for, most likely
    first (`VendorHooks.meanings_of`): what the maps say, and every status that is projected to it.
    """
    reason = _reason_to_stay(case, ref, event, meanings, arrival)
    if reason is not None:
        return StatusDecision(reason=reason)
    return StatusDecision(apply=_held_last(case.trail, meanings))


def _reason_to_stay(
    case: CaseState,
    ref: RefState,
    event: TicketEvent,
    meanings: Sequence[CaseStatus],
    arrival: Arrival,
) -> Reason | None:
    if event.status is None:
        return Reason.NO_STATUS
    if is_own_write(event, ref):
        return Reason.OWN_WRITE
    weight = arrival.weigh(ref.status_seen_at, ref.status_noted_at)
    if weight is Weight.LEAVE:
        return Reason.STALE
    if weight is Weight.ASK and not is_same(event.status, ref.ticket_status):
        return Reason.VERIFY_ASKED
    is_settled = is_same(event.status, ref.settled_native or ref.ticket_status)
    if is_settled and not ref.pushing:
        return Reason.LAST_KNOWN
    if case.status in meanings:
        return Reason.ALREADY_THERE
    if is_settled or _may_be_our_own_hop(event, ref):
        return Reason.PUSH_IN_FLIGHT
    if not meanings:
        return Reason.UNMAPPED
    if _is_superseded(case, ref, arrival):
        return Reason.SUPERSEDED
    return None


def is_own_write(event: TicketEvent, ref: RefState) -> bool:
    """Tell whether the bridge's own account caused the event."""
    return event.actor is not None and event.actor.id == ref.own_account


def is_same(status: NativeStatus, known: NativeStatus | None) -> bool:
    """Tell whether a status is the known one, by id or by name."""
    return known is not None and (
        status.matches(known.name) or (known.id is not None and status.matches(known.id))
    )


def _may_be_our_own_hop(event: TicketEvent, ref: RefState) -> bool:
    """Tell whether nobody is named by whom a hop of our push could be told from a human's move."""
    return (ref.pushing or ref.unclear) and (event.actor is None or ref.own_account is None)


def _is_superseded(case: CaseState, ref: RefState, arrival: Arrival) -> bool:
    """Tell whether the case moved on after the event, with a push still to come.

    The case is the source of truth: a ticket that was moved before the case was (a webhook in
    flight) is brought to the case's status by the pending push. So is one of which it cannot be
    told: a list shows when anything changed last, and a time that is still to come is from a clock
    that cannot be compared with ours.
    """
    if ref.settled_status is case.status:
        return False
    if arrival.source is Source.LISTED:
        return True
    if arrival.moment > arrival.received_at:
        return not ref.given_up
    return arrival.moment < case.status_changed_at


def _held_last(trail: Sequence[CaseStatus], meanings: Sequence[CaseStatus]) -> CaseStatus:
    return next((status for status in trail if status in meanings), meanings[0])
