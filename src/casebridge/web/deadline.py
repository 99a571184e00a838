"""A time limit for the body of a request: neither the server nor the framework has one."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar.enums import ScopeType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

from casebridge.services.faults import Invalid, TooSlow

_TELL_OF_A_BODY: Final = (b"content-length", b"transfer-encoding")


class BodyDeadline(ASGIMiddleware):
    """Gives a request's body so many seconds, however many pieces it comes in.

    Raises where the body is read: TooSlow, and Invalid when the sender went away in the middle.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, seconds: float) -> None:
        """Set the limit."""
        self._seconds = seconds

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on with a clock beside its body, if it has one."""
        if not any(name in _TELL_OF_A_BODY for name, _ in scope["headers"]):
            await next_app(scope, receive, send)  # what comes is that the client is gone
            return
        deadline = asyncio.get_running_loop().time() + self._seconds
        complete = False

        async def receive_in_time() -> HTTPReceiveMessage:
            nonlocal complete
            if complete:
                return await receive()  # type: ignore[return-value]  # of HTTP scopes only
            try:
                async with asyncio.timeout_at(deadline):
                    message: HTTPReceiveMessage = await receive()  # type: ignore[assignment]
            except TimeoutError:
                raise _too_slow(self._seconds) from None
            if message["type"] == "http.disconnect":
                raise _broken_off()
            complete = not message["more_body"]
            return message

        await next_app(scope, receive_in_time, send)


async def read_body(receive: Receive, *, announced: str, largest: int, seconds: float) -> bytes:
    """Read the body of a request for which no framework does it.

    ``announced`` is its `Content-Length`, an empty text without one; ``largest`` is in bytes.

    Raises:
        RequestEntityTooLarge: it is larger, or would be.
        TooSlow: it takes longer.
        Invalid: the sender went away in the middle.
    """
    if announced.isdecimal() and int(announced) > largest:
        raise RequestEntityTooLarge
    body, is_complete = b"", False
    try:
        async with asyncio.timeout(seconds):
            while not is_complete:
                message: HTTPReceiveMessage = await receive()  # type: ignore[assignment]
                if message["type"] == "http.disconnect":
                    raise _broken_off()
                body += message["body"]
                if len(body) > largest:
                    raise RequestEntityTooLarge
                is_complete = not message["more_body"]
    except TimeoutError:
        raise _too_slow(seconds) from None
    return body


def _too_slow(seconds: float) -> TooSlow:
    return TooSlow(f"the body took longer than {seconds:g} s")


def _broken_off() -> Invalid:
    return Invalid("the body ended before it was complete", field="body")
