"""The id by which a request, its answer and its lines in the log are known to belong together."""

from __future__ import annotations

import re
import secrets
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, unbind_contextvars

HEADER: Final = "X-Request-ID"
_RAW: Final = HEADER.lower().encode()
_FIT: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY: Final = "request"


class Correlation:
    """Takes a request's `X-Request-ID` where a proxy gave one, else makes one; answers with it.

    It is around everything else, so that what is refused before any handler has an id, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its id."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        given = next((text for name, text in scope["headers"] if name == _RAW), b"")
        request_id = given if _FIT.fullmatch(given) else secrets.token_hex(8).encode()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (_RAW, request_id)]
            await send(message)

        bind_contextvars(**{_KEY: request_id.decode()})
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            unbind_contextvars(_KEY)
