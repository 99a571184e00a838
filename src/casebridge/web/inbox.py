"""/v1/inbox/itsm: the public face."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import FromPath

from casebridge.bridge import Bridge
from casebridge.services.authenticity import TOKEN_HEADER, InboundRequest
from casebridge.services.inbox import InboxAnswer
from casebridge.services.tokens import INBOX_PATH
from casebridge.web.access import TheBridge

_PATH = INBOX_PATH.removeprefix("/v1")


@post(_PATH, status_code=200, tags=["inbox"])
async def receive(bridge: TheBridge, request: Request[Any, Any, Any]) -> InboxAnswer:
    """Take a signed webhook; the token's public id is in `X-AiSOC-Token-Id`."""
    return await _receive(bridge, request, request.headers.get(TOKEN_HEADER, ""))


@post(f"{_PATH}/{{token_id:str}}", status_code=200, tags=["inbox"])
async def receive_for_token(
    bridge: TheBridge, request: Request[Any, Any, Any], token_id: FromPath[str]
) -> InboxAnswer:
    """Take a signed webhook of a vendor that cannot set a header."""
    return await _receive(bridge, request, token_id)


async def _receive(bridge: Bridge, request: Request[Any, Any, Any], token_id: str) -> InboxAnswer:
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await request.body()
    return await bridge.inbox.receive(InboundRequest(token_id=token_id, headers=headers, body=body))
