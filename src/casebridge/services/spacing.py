"""Spacing the writes to one ticket, where its vendor limits them: a bucket for each ticket.

The buckets are this process's own. A ticket is worked on by one worker at a time, so they are exact
until it changes hands; then the vendor's own answer is what remains.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

_LONGEST_MEMORY = 60.0


class Spacing:
    """The buckets of one connector's tickets."""

    def __init__(self) -> None:
        """Begin with full buckets."""
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, ticket: str, /, *, burst: int, per_second: float) -> None:
        """Wait until the ticket takes one more write, and count it."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self.reserve(ticket, now, burst=burst, per_second=per_second))

    def reserve(self, ticket: str, now: float, *, burst: int, per_second: float) -> float:
        """Count one write, and return in how many seconds it may be sent.

        In any span of t seconds no more than ``burst + per_second * t`` writes are sent. ``now`` is
        in seconds, on any clock that only goes forward.
        """
        self._forget(now)
        tokens, at = self._buckets.pop(ticket, (float(burst), now))
        tokens = min(float(burst), tokens + (now - at) * per_second) - 1
        self._buckets[ticket] = (tokens, now)
        return max(0.0, -tokens / per_second)

    def _forget(self, now: float) -> None:
        """Drop the buckets that are surely full again, the longest unused first."""
        while self._buckets:
            ticket, (_, at) = next(iter(self._buckets.items()))
            if now - at < _LONGEST_MEMORY:
                return
            del self._buckets[ticket]
