"""Idempotency-Key: a create that is asked for twice is done once, and answered the same.

After the IETF's draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema

from casebridge.bridge import Bridge
from casebridge.services.faults import Invalid
from casebridge.services.idempotency import ONCE_MORE, Answer, Attempt
from casebridge.services.tenants import Principal
from casebridge.web.problem_document import problem

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_PATTERN: Final = "^[!-~]{1,255}$"

KEY_REUSED: Final = {422: problem("The key came with another request before; use a new one.")}

ResultT = TypeVar("ResultT")
ViewT = TypeVar("ViewT")


async def once(
    request: Request[Any, Any, Any],
    bridge: Bridge,
    who: Principal,
    create: Callable[[Attempt[ResultT]], Awaitable[ResultT]],
    show: Callable[[ResultT], Response[ViewT]],
) -> Response[ViewT]:
    """Create something and answer with it; with a key that came before, answer as before.

    Raises:
        Invalid: the key is not one.
        KeyReused: the key came with another request before.
    """
    lines = request.headers.getall(HEADER, [])
    if not lines:
        return show(await create(ONCE_MORE))
    if len(lines) > 1 or re.fullmatch(_PATTERN, lines[0]) is None:
        raise Invalid("must come once, with 1 to 255 visible ASCII characters", field=HEADER)
    status = request.route_handler.status_code
    answer, is_known = await bridge.idempotency.once(
        who,
        lines[0],
        _fingerprint(request, await request.body()),
        create,
        lambda result: _answer(show(result), status),
    )
    headers = {**answer.headers, REPLAYED: "true"} if is_known else answer.headers
    media_type = MediaType.JSON if answer.body else None
    said = Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)
    return cast("Response[ViewT]", said)


def _answer(shown: Response[Any], status: int) -> Answer:
    body = b"" if shown.content is None else msgspec.json.encode(shown.content)
    return Answer(status=status, headers=dict(shown.headers), body=body)


def _fingerprint(request: Request[Any, Any, Any], body: bytes) -> bytes:
    """Return what the same request is recognised by; spaces and the order of fields are nothing."""
    value = msgspec.json.encode(msgspec.json.decode(body), order="sorted") if body else b""
    target = f"{request.method} {request.scope['path']}?{request.url.query}\n"
    return hashlib.blake2b(target.encode() + value, digest_size=32).digest()


@dataclass
class Create(Operation):
    """An operation that heeds Idempotency-Key."""

    def __post_init__(self) -> None:
        text: Any = Schema(type=OpenAPIType.STRING, pattern=_PATTERN, min_length=1, max_length=255)
        header = Parameter(
            name=HEADER,
            param_in="header",
            description="Of your making. The same request with the same key is done once.",
            schema=text,
        )
        self.parameters = [*(self.parameters or ()), header]
