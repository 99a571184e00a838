"""A link that signs one browser in, once and soon, so that nobody has to look for a key.

Only the demo has this route; its service listens on loopback. The link's code stands in the
terminal and in no file, and is worth nothing once it was used or five minutes have passed.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect, Template

from casebridge.services.clock import Clock
from casebridge.services.tenants import digest_of
from casebridge.web.access import TheBridge
from casebridge.web.console import session
from casebridge.web.console.pages import go, page

LASTS: Final = timedelta(minutes=5)
_PATH: Final = "/sign-in/demo"
_OVER: Final = (
    "This link has been used, or its five minutes are over. Paste the API key from the file that"
    " the demo names."
)


class _Offer(msgspec.Struct, frozen=True):
    code: str
    key_digest: str
    until: datetime


class SignInLink:
    """At most one link that is good, for whoever holds its code first."""

    def __init__(self, clock: Clock) -> None:
        """Offer nothing yet."""
        self._clock = clock
        self._offer: _Offer | None = None

    def offer(self, key: str) -> str:
        """Return the path that signs in with an API key; one that was offered before is over."""
        code = secrets.token_urlsafe(32)
        self._offer = _Offer(code, digest_of(key), self._clock() + LASTS)
        return f"{_PATH}/{code}"

    def take(self, code: str) -> str | None:
        """Return the digest of the key that a code stands for, this once; None when it is none."""
        offer = self._offer
        if offer is None or not hmac.compare_digest(code.encode(), offer.code.encode()):
            return None
        self._offer = None
        return offer.key_digest if self._clock() < offer.until else None

    def route(self) -> HTTPRouteHandler:
        """Return the handler of the link."""

        @get(f"{_PATH}/{{code:str}}", include_in_schema=False)
        async def sign_in_by_link(
            bridge: TheBridge, request: Request[Any, Any, Any], code: FromPath[str]
        ) -> Redirect | Template:
            """Begin a session and go to the cases; whoever has one just goes there."""
            now = bridge.clock()
            if session.read(bridge.vault, request.cookies.get(session.COOKIE, ""), now):
                return go("/cases")
            near = request.client is not None and ip_address(request.client.host).is_loopback
            digest = self.take(code) if near else None
            if digest is None:
                return page("sign_in.html", None, status=403, next="/cases", problem=_OVER)
            answer = go("/cases")
            answer.cookies.append(session.begin(bridge.vault, digest, now, secure=False))
            return answer

        return sign_in_by_link
