"""The log of the API calls that a sandbox received."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

import msgspec

__all__ = ("ReceivedCall", "RequestLog", "without_credentials")

_LOG_LENGTH = 5000
_SECRET_WORDS = ("token", "password", "secret", "key", "assertion")


class ReceivedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the vendor's API received; never its headers or its body.

    Attributes:
        number: The number in the log, from 1.
        at: When it was answered, in UTC.
        method: The HTTP method.
        path: The path.
        query: The query string, values that look like credentials masked.
        operation: The name of the operation, empty for an unknown path.
        status: The status code; None when the connection was closed without an answer.
        actor: The login name of the caller; None for an anonymous one.
        fault: The kind of the fault that struck, if one did.
        seconds: How long it took, in seconds.
    """

    number: int
    at: datetime
    method: str
    path: str
    query: str
    operation: str
    status: int | None
    actor: str | None
    fault: str | None
    seconds: float


class RequestLog:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self._calls: deque[ReceivedCall] = deque(maxlen=_LOG_LENGTH)
        self._next = 1

    @property
    def calls(self) -> list[ReceivedCall]:
        """The calls, oldest first."""
        return list(self._calls)

    def take_number(self) -> int:
        """Return the next number of the log."""
        number, self._next = self._next, self._next + 1
        return number

    def add(self, call: ReceivedCall) -> None:
        """Add a call."""
        self._calls.append(call)

    def clear(self) -> None:
        """Forget every call and count from 1 again."""
        self._calls.clear()
        self._next = 1


def without_credentials(query: str) -> str:
    """Return a query string with every value masked whose name suggests a credential."""
    if not any(word in query.lower() for word in _SECRET_WORDS):
        return query
    return urlencode(
        [
            (name, "***" if _is_secret(name) else value)
            for name, value in parse_qsl(query, keep_blank_values=True)
        ]
    )


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(lowered.endswith(word) for word in _SECRET_WORDS) and lowered != "nextpagetoken"
