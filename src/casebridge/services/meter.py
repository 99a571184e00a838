"""What a connector's calls cost, and when its vendor asked for a pause, in this process."""

from __future__ import annotations

from datetime import datetime, timedelta

from casebridge.services.clock import Clock


class Meter:
    """Counts a connector's calls in this process, and remembers a wish of its plugin to go slow."""

    def __init__(self, clock: Clock) -> None:
        """Begin at zero."""
        self._clock = clock
        self._calls = 0
        self._quiet_until: datetime | None = None

    def count(self) -> None:
        """Note one call."""
        self._calls += 1

    def slow_down(self, seconds: float) -> None:
        """Note that the vendor's headers ask for a pause of so many seconds from now."""
        until = self._clock() + timedelta(seconds=seconds)
        self._quiet_until = max(self._quiet_until or until, until)

    def drain(self) -> tuple[int, datetime | None]:
        """Return the calls since the last time, and until when to start nothing new, if ever."""
        found = self._calls, self._quiet_until
        self._calls, self._quiet_until = 0, None
        return found
