"""Watermarks: which of two pieces of news about one field of a ticket is the later one.

Each field has its own: the vendor's time of the newest that is known of it. Status, key and
assignee are weighed alike; comments have times of their own (`casebridge.domain.comments`).
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, StrEnum, auto

import msgspec


class Source(StrEnum):
    """How news of a ticket came.

    ``TOLD``: the vendor told it, in a webhook or in one that is replayed. ``LISTED``: a list of
    changes showed the ticket so; its time is that of the last change to anything, and the vendor's
    index may lag behind. ``READ``: the ticket itself was read, and nothing was heard meanwhile.
    """

    TOLD = auto()
    LISTED = auto()
    READ = auto()


class Weight(Enum):
    """What news about a field is worth that differs from what is known of it."""

    TAKE = auto()
    LEAVE = auto()
    ASK = auto()
    """Its place in time cannot be told: the ticket itself has to be read."""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """When news is from, ``at`` (the vendor's clock), and when and how it came (our clock).

    ``received_at`` is when it came in, ``now`` when it is decided, which for a replay is later.
    ``readable`` is whether the ticket can be read when there is a doubt; if not, what came in last
    counts.
    """

    now: datetime
    received_at: datetime
    at: datetime | None = None
    source: Source = Source.TOLD
    readable: bool = True

    def weigh(self, watermark: datetime | None, noted_at: datetime | None = None) -> Weight:
        """Weigh news against the newest that is known of its field, which came in at ``noted_at``.

        What happened at one time by a clock of whole seconds has no order. Nor has what is older
        than a time that is still to come: that watermark is from a clock that was wrong. What
        tells no time is as old as its receipt.
        """
        if self.source is Source.READ:
            return Weight.TAKE
        if self.at is None and noted_at is not None and self.received_at < noted_at:
            return Weight.LEAVE
        if watermark is None or (self.at is not None and self.at > watermark):
            return Weight.TAKE
        if self.at is None or self.at == watermark:
            return Weight.ASK if self.readable else Weight.TAKE
        doubted = self.source is Source.LISTED or watermark > self.now
        return Weight.ASK if doubted and self.readable else Weight.LEAVE

    def advance(self, watermark: datetime | None) -> datetime | None:
        """Return the watermark after this news.

        It never goes back, except from a time that is still to come, when the ticket was read.
        """
        if self.at is None or watermark is None:
            return self.at or watermark
        if self.source is Source.READ and watermark > self.now:
            return self.at
        return max(self.at, watermark)

    @property
    def moment(self) -> datetime:
        """When it happened, as far as is known."""
        return self.at or self.received_at
