"""/v1/inbox/itsm: the public face.

The routes are described as every other one is, and answered before the framework does for them what
a webhook does not need: see `InboxDoor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from litestar import Litestar, Router, post
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.params import FromPath
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from casebridge.bridge import Bridge
from casebridge.persistence.turns import urgently
from casebridge.services.authenticity import TOKEN_HEADER, InboundRequest
from casebridge.services.faults import Fault
from casebridge.services.inbox import InboxAnswer
from casebridge.services.tokens import INBOX_PATH
from casebridge.telemetry.metrics import refusals_counted
from casebridge.web.deadline import read_body
from casebridge.web.inbox_document import RESPONSES, SignedDelivery, StaticDelivery
from casebridge.web.url_secrets import token_id_of, url_secret, without

_JSON: Final = (b"content-type", b"application/json")
_ENCODER: Final = msgspec.json.Encoder()


@post(
    "/",
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=SignedDelivery,
)
async def receive() -> InboxAnswer:
    """Take a webhook; the token's public id is in `X-AiSOC-Token-Id`."""
    raise NotImplementedError  # `InboxDoor` has answered


@post(
    "/{token_id:str}",
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=SignedDelivery,
)
async def receive_for_token(token_id: FromPath[str]) -> InboxAnswer:
    """Take a webhook of a vendor that cannot name the token in a header."""
    raise NotImplementedError  # `InboxDoor` has answered


@post(
    "/{token_id:str}/{secret:str}",
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=StaticDelivery,
)
async def receive_with_secret(token_id: FromPath[str], secret: FromPath[str]) -> InboxAnswer:
    """Take a webhook of a vendor that can neither sign nor send a header: the weakest scheme."""
    raise NotImplementedError  # `InboxDoor` has answered


def inbox(*, largest_body: int, body_seconds: float) -> Router:
    """Return the routes; a body may have so many bytes, and take so long."""
    return Router(
        path=INBOX_PATH,
        route_handlers=[receive, receive_for_token, receive_with_secret],
        middleware=[InboxDoor(largest_body, body_seconds)],
    )


class InboxDoor(ASGIMiddleware):
    """Answers webhooks in the place of their handlers, which describe them.

    What the framework does for a handler (a request and a response as objects, arguments found and
    validated) costs more than all the rest of a webhook.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, largest_body: int, body_seconds: float) -> None:
        """Set what a body may be, in bytes and seconds."""
        self._largest_body = largest_body
        self._body_seconds = body_seconds

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Take a delivery; faults are the application's to answer."""
        if scope["method"] != "POST":  # type: ignore[typeddict-item]  # of HTTP scopes only
            await next_app(scope, receive, send)
            return
        bridge: Bridge = Litestar.from_scope(scope).state.bridge
        with urgently():
            request = await self._read(bridge, scope, receive)  # type: ignore[arg-type]  # as above
            body = _ENCODER.encode(await bridge.inbox.receive(request))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _read(self, bridge: Bridge, scope: HTTPScope, receive: Receive) -> InboundRequest:
        address = scope["client"][0] if scope["client"] else ""
        secret = url_secret(scope)
        headers = _headers(scope["headers"])
        if secret:
            headers = {name: without(secret, text) for name, text in headers.items()}
        token_id = scope["path_params"].get("token_id") or token_id_of(
            headers.get(TOKEN_HEADER, "")
        )
        with refusals_counted():
            bridge.throttle.knock(address, token_id)
            try:
                body = await read_body(
                    receive,
                    announced=headers.get("content-length", ""),
                    largest=self._largest_body,
                    seconds=self._body_seconds,
                )
            except (Fault, HTTPException):
                bridge.throttle.refused(address)
                raise
        return InboundRequest(
            token_id=token_id, headers=headers, body=body, address=address, url_secret=secret
        )


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name; one that comes twice is a list (RFC 9110, 5.3).

    So a token id, a signature, a timestamp or a secret that comes twice is none.
    """
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
