"""Time that a test can move forward without waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ("Clock", "SandboxClock")

Clock = Callable[[], datetime]
"""A callable that returns the present moment as an aware ``datetime`` in UTC."""


class SandboxClock:
    """The clock of one sandbox: a source of time plus an offset that only grows.

    Time stamps, token lifetimes, and the search index read this clock. The pauses between
    webhook attempts do not: they are real seconds.

    Args:
        source: Where the time comes from; the system clock unless a test gives its own.
    """

    def __init__(self, source: Clock | None = None) -> None:
        self._source = source or _system_time
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """Return the present moment, offset included, in UTC."""
        return self._source() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Args:
            seconds: How far, in seconds; never negative.

        Raises:
            ValueError: If ``seconds`` is negative.
        """
        if seconds < 0:
            msg = f"a clock moves forward only, not by {seconds} s"
            raise ValueError(msg)
        self._offset += timedelta(seconds=seconds)

    def rewind(self) -> None:
        """Forget every advance."""
        self._offset = timedelta()


def _system_time() -> datetime:
    return datetime.now(UTC)
