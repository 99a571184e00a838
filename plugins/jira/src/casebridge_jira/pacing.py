"""Slowing down before Jira refuses: by the headers of every answer, and by spacing writes.

Sources: Atlassian, Jira Cloud, Rate limiting (``X-RateLimit-NearLimit``, ``X-RateLimit-Reset``);
Atlassian, Jira Data Center, Adjusting your code for rate limiting (``X-RateLimit-Remaining``,
``X-RateLimit-Interval-Seconds``, on every answer).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import httpx

from casebridge_core import Connector
from casebridge_jira.tickets import read_date, read_moment

if TYPE_CHECKING:
    from casebridge_jira.config import JiraConfig

BURST: Final = 13
PER_SECOND: Final = 2.7
"""Keep one issue within 20 writes in 2 seconds and 100 in 30, its creation included.

In t seconds at most ``1 + BURST + PER_SECOND * t`` writes are sent. Source: Atlassian, Jira Cloud,
Rate limiting, per issue on write.
"""

_SERVICE_LIMIT: Final = re.compile(r"[^;]*;\s*r=0\s*(?:;\s*t=(\d+))?\s*(?:;.*)?")
_WITHOUT_A_TIME: Final = 1.0
_LONGEST_PAUSE: Final = 60.0


def heed(connector: Connector[Any], response: httpx.Response) -> None:
    """Ask the host for a pause when Jira's limit is near; a refusal (429) speaks for itself."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return
    now = read_date(response.headers) or datetime.now(UTC)
    seconds = pause_after(response.headers, now=now)
    if seconds > 0:
        connector.slow_down(seconds)


async def space(connector: Connector[JiraConfig], external_id: str) -> None:
    """Wait until an issue of Jira Cloud takes one more write; Data Center has no such limit."""
    if connector.config.is_cloud:
        await connector.space(external_id, burst=BURST, per_second=PER_SECOND)


def pause_after(headers: httpx.Headers, *, now: datetime) -> float:
    """Return how long (seconds, a minute at most) to start nothing new, 0 to go on.

    Cloud says so when less than a fifth of a limit is left; Data Center counts what is left. The
    field ``RateLimit`` counts too; while its name begins with ``Beta-``, its limit is not enforced.
    """
    if headers.get("x-ratelimit-nearlimit", "").strip().lower() == "true":
        return _until(headers.get("x-ratelimit-reset", ""), now)
    if headers.get("x-ratelimit-remaining", "").strip() == "0":
        return _seconds(headers.get("x-ratelimit-interval-seconds", ""))
    used_up = (_SERVICE_LIMIT.fullmatch(item) for item in headers.get("ratelimit", "").split(","))
    return max((_seconds(found[1] or "") for found in used_up if found), default=0.0)


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
