"""Turning the bridge on for cases that are already there: how much at a time, and how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

SECONDS_PER_CALL: Final = 0.5
"""Assumed time of one vendor call, in seconds, where the plan has nothing measured to go by."""
CALLS_TO_MINT: Final = 4
"""Assumed vendor calls to create a ticket: write it, link it, read it back, and once more."""
CALLS_TO_MOVE: Final = 4
"""Assumed vendor calls to move a ticket: read it, ask for the ways, go, read it back."""
CALLS_TO_COMMENT: Final = 2
"""Assumed vendor calls to post a comment: write it, learn its id."""


class BackfillState(StrEnum):
    """Where a backfill stands; the last two are final."""

    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


ACTIVE: Final = frozenset({BackfillState.PLANNED, BackfillState.RUNNING, BackfillState.PAUSED})


class Ramp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many tickets may be under way at a time.

    It begins with ``first`` and doubles whenever as many as it allows have been minted, until it
    allows ``most``. It is fixed when the two are the same.
    """

    first: Annotated[int, Meta(ge=1, le=1000)] = 5
    most: Annotated[int, Meta(ge=1, le=1000)] = 50

    def allowance(self, minted: int) -> int:
        """Return how many may be under way once so many are minted."""
        allowed, next_step = min(self.first, self.most), self.first
        while allowed < self.most and minted >= next_step:
            allowed = min(allowed * 2, self.most)
            next_step += allowed
        return allowed

    def room(self, *, minted: int, under_way: int) -> int:
        """Return how many more may be started now."""
        return max(0, self.allowance(minted) - under_way)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's limits: calls a minute (None means no limit) and tickets at a time."""

    calls_per_minute: int | None
    in_flight: int

    def seconds_per_call(self, at_a_time: int) -> float:
        """Return how far apart calls are, with so many tickets under way."""
        apart = SECONDS_PER_CALL / max(1, min(at_a_time, self.in_flight))
        if self.calls_per_minute is None:
            return apart
        return max(apart, 60 / self.calls_per_minute)


def calls_for(*, comments: int, moves: bool) -> int:
    """Return the assumed calls for one ticket; ``moves`` when it is not to stay as it is born."""
    return CALLS_TO_MINT + comments * CALLS_TO_COMMENT + (CALLS_TO_MOVE if moves else 0)


def duration(*, tickets: int, calls: int, pace: Pace, ramp: Ramp) -> timedelta:
    """Return how long so many tickets with so many calls take, along the ramp."""
    if tickets <= 0:
        return timedelta()
    each = calls / tickets
    seconds, minted = 0.0, 0
    while minted < tickets:
        allowed = ramp.allowance(minted)
        stage = tickets - minted if allowed == ramp.most else min(allowed, tickets - minted)
        seconds += stage * each * pace.seconds_per_call(allowed)
        minted += stage
    return timedelta(seconds=seconds)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a backfill's tickets.

    ``minted``, ``dead`` (nobody tries again by itself), ``failing`` (not minted, tried again) and
    ``pending`` are different tickets; ``under_way`` are those that count against the ramp.
    ``waiting`` are cases that have no ticket reserved yet; ``recent`` tickets were minted lately.
    """

    minted: int = 0
    dead: int = 0
    failing: int = 0
    pending: int = 0
    under_way: int = 0
    waiting: int = 0
    recent: int = 0

    @property
    def left(self) -> int:
        """Tickets still to be minted."""
        return self.waiting + self.failing + self.pending

    @property
    def per_cent(self) -> float:
        """How much of it is over: minted or dead; 100 when there is nothing to do."""
        over = self.minted + self.dead
        return 100.0 * over / (over + self.left) if over + self.left else 100.0


def remaining(
    tally: Tally, *, now: datetime, since: datetime | None, window: timedelta, planned: timedelta
) -> timedelta:
    """Return how long the rest takes: at the pace of the last minutes, else as ``planned``.

    ``since`` is when the backfill was last set going; ``window`` is how far back ``recent`` looks.
    """
    if tally.left == 0:
        return timedelta()
    if tally.recent == 0 or since is None:
        return planned
    watched = min(window, now - since)
    return max(watched, timedelta(seconds=1)) * (tally.left / tally.recent)
