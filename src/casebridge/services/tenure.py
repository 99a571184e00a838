"""Whether the lease under which work is done still lasts, as far as this process can tell.

What is written to the database is fenced by the lease's token. A vendor knows no token: a process
that stood still for longer than its lease, and goes on, must not send what it was about to send.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta


class Tenure:
    """A lease by a clock that nobody sets. ``clock`` returns seconds."""

    def __init__(self, lease: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin it now."""
        self._lease = lease.total_seconds()
        self._clock = clock
        self._until = clock() + self._lease

    def extend(self, since: float) -> None:
        """Let it last from the beginning of a renewal that succeeded."""
        self._until = since + self._lease

    def end(self) -> None:
        """End it: another process has taken over."""
        self._until = float("-inf")

    @property
    def is_over(self) -> bool:
        """Whether another process may have taken over."""
        return self._clock() > self._until


TENURE: ContextVar[Tenure | None] = ContextVar("casebridge_tenure", default=None)
"""The lease of the present task; None for work that needs none, such as a connection check."""
