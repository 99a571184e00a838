"""A time limit for the body of a request: neither the server nor the framework has one."""

from __future__ import annotations

import asyncio
from typing import Final

from litestar.enums import ScopeType
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
                raise TooSlow(f"the body took longer than {self._seconds:g} s") from None
            if message["type"] == "http.disconnect":
                raise Invalid("the body ended before it was complete", field="body")
            complete = not message["more_body"]
            return message

        await next_app(scope, receive_in_time, send)
