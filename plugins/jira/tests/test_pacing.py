"""Slowing down by the rate-limit headers."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from casebridge_jira.pacing import pause_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"X-RateLimit-NearLimit": "false", "X-RateLimit-Reset": "2026-11-23T12:00:30Z"}, 0),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T12:00:30Z"}, 30),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T12:01Z"}, 60),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T11:59:00Z"}, 0),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "2026-11-23T18:00:00Z"}, 60),
        ({"X-RateLimit-NearLimit": "true", "X-RateLimit-Reset": "soon"}, 1),
        ({"X-RateLimit-NearLimit": "true"}, 1),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "5"}, 5),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "x"}, 1),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Seconds": "nan"}, 1),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Interval-Seconds": "5"}, 0),
        ({"Retry-After": "0", "X-RateLimit-Remaining": "12"}, 0),
    ],
)
def test_a_near_limit_asks_for_a_pause(headers: dict[str, str], seconds: float) -> None:
    assert pause_after(httpx.Headers(headers), now=NOW) == seconds
