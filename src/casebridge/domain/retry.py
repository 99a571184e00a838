"""When to try again, and when to stop."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

FIRST_DELAY: Final = timedelta(seconds=2)
LONGEST_DELAY: Final = timedelta(minutes=15)
PATIENCE: Final = timedelta(days=3)


def backoff(attempts: int, *, spread: float | None = None) -> timedelta:
    """Return the delay after the ``attempts``-th failure (1 is the first): doubling, with jitter.

    ``spread`` in [0, 1) fixes the jitter, which takes up to half of the delay away.
    """
    factor = 2.0 ** min(max(attempts - 1, 0), 20)
    longest = min(FIRST_DELAY * factor, LONGEST_DELAY)
    return longest * (1 - 0.5 * (random.random() if spread is None else spread))  # noqa: S311 - no secret


def next_attempt(
    now: datetime, *, attempts: int, first_failed_at: datetime, retry_after: float | None
) -> datetime | None:
    """Return when to try again, or None when three days have passed: the dead letter.

    ``retry_after`` (seconds) is the vendor's own word and is never undercut.
    """
    if now - first_failed_at >= PATIENCE:
        return None
    delay = backoff(attempts)
    if retry_after is not None:
        delay = max(delay, timedelta(seconds=retry_after))
    return now + delay
