"""Requests before fan-out: somebody waits for an answer, nobody for a push."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from casebridge.persistence.turns import urgently


class UrgentMiddleware(ASGIMiddleware):
    """Lets what a request writes go before what the fan-out writes."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, urgently."""
        with urgently():
            await next_app(scope, receive, send)
