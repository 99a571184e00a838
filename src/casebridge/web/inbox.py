"""/v1/inbox/itsm: the public face."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from casebridge.bridge import Bridge
from casebridge.services.authenticity import TOKEN_HEADER, InboundRequest
from casebridge.services.faults import Fault
from casebridge.services.inbox import InboxAnswer
from casebridge.services.tokens import INBOX_PATH
from casebridge.telemetry.metrics import refusals_counted
from casebridge.web.access import TheBridge
from casebridge.web.inbox_document import RESPONSES, SignedDelivery, StaticDelivery
from casebridge.web.url_secrets import token_id_of, url_secret, without

_PATH = INBOX_PATH.removeprefix("/v1")


@post(
    _PATH,
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=SignedDelivery,
)
async def receive(bridge: TheBridge, request: Request[Any, Any, Any]) -> InboxAnswer:
    """Take a webhook; the token's public id is in `X-AiSOC-Token-Id`."""
    return await _receive(bridge, request, token_id_of(_headers(request).get(TOKEN_HEADER, "")))


@post(
    f"{_PATH}/{{token_id:str}}",
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=SignedDelivery,
)
async def receive_for_token(
    bridge: TheBridge, request: Request[Any, Any, Any], token_id: FromPath[str]
) -> InboxAnswer:
    """Take a webhook of a vendor that cannot name the token in a header."""
    return await _receive(bridge, request, token_id)


@post(
    f"{_PATH}/{{token_id:str}}/{{secret:str}}",
    status_code=200,
    tags=["inbox"],
    responses=RESPONSES,
    operation_class=StaticDelivery,
)
async def receive_with_secret(
    bridge: TheBridge,
    request: Request[Any, Any, Any],
    token_id: FromPath[str],
    secret: FromPath[str],  # noqa: ARG001 - masked by now
) -> InboxAnswer:
    """Take a webhook of a vendor that can neither sign nor send a header: the weakest scheme."""
    return await _receive(bridge, request, token_id)


async def _receive(bridge: Bridge, request: Request[Any, Any, Any], token_id: str) -> InboxAnswer:
    address = request.client.host if request.client is not None else ""
    with refusals_counted():
        bridge.throttle.knock(address, token_id)
        try:
            body = await request.body()
        except (Fault, HTTPException):
            bridge.throttle.refused(address)
            raise
    secret = url_secret(request)
    return await bridge.inbox.receive(
        InboundRequest(
            token_id=token_id,
            headers={name: without(secret, text) for name, text in _headers(request).items()},
            body=body,
            address=address,
            url_secret=secret,
        )
    )


def _headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the headers by lower-case name; one that comes twice is a list (RFC 9110, 5.3).

    So a token id, a signature, a timestamp or a secret that comes twice is none.
    """
    headers: dict[str, str] = {}
    for name, text in request.headers.multi_items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
