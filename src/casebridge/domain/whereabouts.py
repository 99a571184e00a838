"""Where a ticket is: whether it still exists, and under what key people find it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto

import msgspec

from casebridge.domain.watermarks import Arrival, Source, Weight
from casebridge_core import TicketEvent


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a ticket's existence and key.

    ``key_seen_at`` and ``gone_seen_at`` are the vendor's times of the newest key and of the
    deletion, ``status_seen_at`` that of the newest status: a ticket that had one was there.
    ``noted_at`` is when, by our clock, the newest news of the ticket came in.
    """

    key: str | None = None
    key_seen_at: datetime | None = None
    gone: bool = False
    gone_seen_at: datetime | None = None
    status_seen_at: datetime | None = None
    noted_at: datetime | None = None


class Fate(Enum):
    """What became of a ticket: it is there, it went just now, it is gone, it is back."""

    THERE = auto()
    DELETED = auto()
    GONE = auto()
    BACK = auto()


class WhereaboutsDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says of a ticket's whereabouts.

    ``key`` is the new key, None when the old one stays. ``asks`` is true when the ticket has to be
    read to tell.
    """

    fate: Fate = Fate.THERE
    key: str | None = None
    asks: bool = False

    @property
    def is_there(self) -> bool:
        """Whether anything else that the event says can bear on the ticket."""
        return self.fate in {Fate.THERE, Fate.BACK}


def decide_whereabouts(
    known: Whereabouts, event: TicketEvent, arrival: Arrival, *, own: bool
) -> WhereaboutsDecision:
    """Decide whether the ticket still exists, and what it is called.

    ``own`` is whether the bridge itself caused the event.
    """
    if event.deleted:
        return _decide_deletion(known, arrival)
    if known.gone:
        back = _is_back(known, event, arrival) and not own
        return WhereaboutsDecision(fate=Fate.BACK if back else Fate.GONE, asks=back)
    weight = _weight_of_key(known, event, arrival)
    return WhereaboutsDecision(
        key=event.key if weight is Weight.TAKE else None, asks=weight is Weight.ASK
    )


def _decide_deletion(known: Whereabouts, arrival: Arrival) -> WhereaboutsDecision:
    """Believe a deletion, unless the ticket was seen after it: then it has to be read."""
    if known.gone:
        return WhereaboutsDecision(fate=Fate.GONE)
    seen = known.status_seen_at
    seen_since = arrival.at is not None and seen is not None and arrival.at < seen
    if seen_since and arrival.readable:
        return WhereaboutsDecision(asks=True)
    return WhereaboutsDecision(fate=Fate.DELETED)


def _is_back(known: Whereabouts, event: TicketEvent, arrival: Arrival) -> bool:
    """Tell whether the event is of a ticket that was restored.

    What a vendor cleans up after a deletion, such as its comments, comes later too; only a status
    or a list of changes shows that the ticket is there.
    """
    if arrival.at is None or known.gone_seen_at is None or arrival.at <= known.gone_seen_at:
        return False
    return event.status is not None or arrival.source is Source.LISTED


def _weight_of_key(known: Whereabouts, event: TicketEvent, arrival: Arrival) -> Weight:
    if event.key is None or known.key is None or event.key == known.key:
        return Weight.LEAVE
    return arrival.weigh(known.key_seen_at, known.noted_at)
