"""The id by which a request, its answer and its lines in the log are known to belong together."""

from __future__ import annotations

import re
import secrets
from typing import Final

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, unbind_contextvars

HEADER: Final = "X-Request-ID"
_RAW: Final = HEADER.lower().encode()
_FIT: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY: Final = "request"


class Correlation(ASGIMiddleware):
    """Takes a request's `X-Request-ID` where a proxy gave one, else makes one; answers with it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on with its id."""
        given = next((text for name, text in scope["headers"] if name == _RAW), b"")
        request_id = given.decode() if _FIT.fullmatch(given) else secrets.token_hex(8)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders(message)[HEADER] = request_id
            await send(message)

        bind_contextvars(**{_KEY: request_id})
        try:
            await next_app(scope, receive, send_with_id)
        finally:
            unbind_contextvars(_KEY)
