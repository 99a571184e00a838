"""Slowing down before Roundup refuses: what the rate-limit headers of every answer say.

Source: Roundup, REST API, Headers: the period is in seconds, and one call is given back at a time.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

import httpx

from casebridge_core import Connector

_LONGEST_PAUSE: Final = 60.0


def heed(connector: Connector[Any], response: httpx.Response) -> None:
    """Ask the host for a pause when no call is left; a refusal (429) speaks for itself."""
    seconds = pause_after(response.headers)
    if seconds > 0 and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
        connector.slow_down(seconds)


def pause_after(headers: httpx.Headers) -> float:
    """Return the seconds until one call is given back, 0 while some are left or none is counted."""
    if headers.get("x-ratelimit-remaining", "").strip() != "0":
        return 0.0
    period = _number(headers.get("x-ratelimit-limit-period", ""))
    calls = _number(headers.get("x-ratelimit-limit", ""))
    return min(period / calls, _LONGEST_PAUSE) if calls > 0 else 1.0


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if isfinite(number) and number > 0 else 0.0
