"""The API's rate by key: refused above it, and told with every answer.

The header fields are those of the IETF's draft-ietf-httpapi-ratelimit-headers.
"""

from __future__ import annotations

from typing import Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from casebridge.bridge import Bridge
from casebridge.services.faults import TooMany
from casebridge.services.tenants import Principal

_STATE: Final = "api_allowance"


def charge(request: Request[Any, Any, Any], bridge: Bridge, who: Principal) -> None:
    """Charge the caller's key for a request.

    Raises:
        TooMany: it has to wait.
    """
    allowance = bridge.api_rate.spend(who)
    if allowance is None:
        return
    request.scope["state"][_STATE] = allowance
    if allowance.seconds:
        raise TooMany("too many requests with this API key", retry_after=allowance.seconds)


class RateHeaders(ASGIMiddleware):
    """Tells with every answer what is left of the rate of the key that asked."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, per_minute: int) -> None:
        """Set what is told of the limit itself."""
        self._policy = (b"ratelimit-policy", f'"api-key";q={per_minute};w=60'.encode())

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on, and add to its answer."""

        async def send_with_rate(message: Message) -> None:
            if message["type"] == "http.response.start":
                allowance = scope["state"].get(_STATE)
                if allowance is not None:
                    left = f'"api-key";r={allowance.left}'
                    left += f";t={allowance.seconds}" if allowance.seconds else ""
                    headers = [*message["headers"], self._policy, (b"ratelimit", left.encode())]
                    message["headers"] = headers
            await send(message)

        await next_app(scope, receive, send_with_rate)
