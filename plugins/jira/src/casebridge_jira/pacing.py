"""Slowing down before Jira refuses: what the rate-limit headers of every answer say.

Sources: Atlassian, Jira Cloud, Rate limiting (``X-RateLimit-NearLimit``, ``X-RateLimit-Reset``);
Atlassian, Jira Data Center, Adjusting your code for rate limiting (``X-RateLimit-Remaining``,
``X-RateLimit-Interval-Seconds``, on every answer).
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import httpx

from casebridge_core import Connector
from casebridge_jira.tickets import read_moment

_WITHOUT_A_TIME: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


def heed(connector: Connector[Any], response: httpx.Response) -> None:
    """Ask the host for a pause when Jira's limit is near; a refusal (429) speaks for itself."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return
    seconds = pause_after(response.headers, now=datetime.now(UTC))
    if seconds > 0:
        connector.slow_down(seconds)


def pause_after(headers: httpx.Headers, *, now: datetime) -> float:
    """Return how long (seconds, a minute at most) to start nothing new, 0 to go on.

    Cloud says so when less than a fifth of a limit is left; Data Center counts what is left.
    """
    if headers.get("x-ratelimit-nearlimit", "").strip().lower() == "true":
        return _until(headers.get("x-ratelimit-reset", ""), now)
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        return _seconds(headers.get("x-ratelimit-interval-seconds", ""))
    return 0.0


def _until(reset: str, now: datetime) -> float:
    moment = read_moment(reset)
    if moment is None:
        return _WITHOUT_A_TIME
    return min(max((moment - now).total_seconds(), 0.0), _LONGEST_PAUSE)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return _WITHOUT_A_TIME
    return min(max(seconds, 0.0), _LONGEST_PAUSE) if isfinite(seconds) else _WITHOUT_A_TIME
