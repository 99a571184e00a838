"""The account's calls in an hour.

Source: ServiceNow, "Inbound REST API rate limiting".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Refusal
from casebridge_sandbox.servicenow.errors import error_reply

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock
    from casebridge_sandbox.exchange import Reply

__all__ = ("HourlyLimit", "over_the_limit")

_RULE = "4a7e0000000000000000000000004a7e"
_HOUR = timedelta(hours=1)


class HourlyLimit:
    """Counts calls; a count begins with an hour's first call.

    Args:
        clock: What the hour is measured with.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: datetime | None = None
        self._calls = 0

    def count(self, allowed: int) -> None:
        """Count a call.

        Args:
            allowed: How many there may be in an hour; 0 for any number.

        Raises:
            Refusal: With 429 if there were as many already.
        """
        now = self._clock()
        if self._ends is None or self._ends <= now:
            self._ends, self._calls = now + _HOUR, 0
        if allowed and self._calls >= allowed:
            seconds = max(1, round((self._ends - now).total_seconds()))
            raise Refusal(over_the_limit(allowed, seconds, now))
        self._calls += 1

    def headers(self, allowed: int) -> dict[str, str]:
        """Return what every answer says about a limit; nothing when there is none."""
        if not allowed or self._ends is None:
            return {}
        return _headers(allowed, self._ends)


def over_the_limit(allowed: int, seconds: int, now: datetime) -> Reply:
    """Return the 429 that asks to wait for some seconds."""
    headers = _headers(allowed, now + timedelta(seconds=seconds))
    reply = error_reply(429, "Rate limit exceeded")
    return reply.with_headers({"retry-after": str(seconds), **headers})


def _headers(allowed: int, reset: datetime) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(allowed),
        "x-ratelimit-reset": str(int(reset.timestamp())),
        "x-ratelimit-rule": _RULE,
    }
