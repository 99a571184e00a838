"""What the OpenAPI document says of the inbox: how a delivery is proven, and every answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

from casebridge.services.inbox import InboxAnswer
from casebridge.web.problems import MEDIA_TYPE, FieldProblem, Problem
from casebridge_core import STATIC_SECRET_HEADER

_EVENT: Final = "evt_m4yqk2k5tzx3d5m6pu2a"
_BODY: Final = {"sys_id": "46e18c0fa9fe19810066a0083f76bd56", "state": "6"}
_DESCRIPTIONS: Final = {
    400: "The delivery is authentic, and its body is not a JSON object; or the body broke off.",
    401: "Not authentic: token, signature, secret or timestamp. There is one answer for all.",
    408: "The body did not arrive in time.",
    413: "The body is larger than the limit.",
    429: "Over the rate of the token, or too many refusals of the address. See `Retry-After`.",
    503: "It could not be stored, and nothing was changed. Send it again after `Retry-After`.",
}
_PROBLEMS: Final = (
    Problem(
        title="Invalid request",
        status=400,
        detail="body: the body must be a JSON object",
        errors=(FieldProblem("body", "the body must be a JSON object"),),
    ),
    Problem(
        title="Not authenticated", status=401, detail="the token or the signature is not valid"
    ),
    Problem(title="Too slow", status=408, detail="the body took longer than 10 s"),
    Problem(title="Request entity too large", status=413, detail="Request Entity Too Large"),
    Problem(title="Too many requests", status=429, detail="too many deliveries with this token"),
    Problem(
        title="Try again later",
        status=503,
        detail="the event could not be stored; send it again",
    ),
)

RESPONSES: Final = {
    200: ResponseSpec(
        InboxAnswer,
        generate_examples=False,
        description="Taken and stored; `reason` says why nothing of it was applied.",
        examples=[
            Example(id="applied", value={"applied": True, "reason": None, "event_id": _EVENT}),
            Example(
                id="not applied",
                value={"applied": False, "reason": "unmapped_status", "event_id": _EVENT},
            ),
        ],
    ),
    **{
        problem.status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=_DESCRIPTIONS[problem.status],
            media_type=MEDIA_TYPE,
            examples=[Example(id="problem", value=msgspec.to_builtins(problem))],
        )
        for problem in _PROBLEMS
    },
}


@dataclass
class _Delivery(Operation):
    """A delivery has a body of the vendor's own shape."""

    def __post_init__(self) -> None:
        anything = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), example=_BODY)
        self.request_body = RequestBody(
            content={"application/json": anything},
            description="The vendor's webhook as it stands; every plugin is asked whose it is.",
            required=True,
        )
        self.parameters = [*(self.parameters or ()), *self._headers()]

    def _headers(self) -> list[Parameter]:
        return []


@dataclass
class SignedDelivery(_Delivery):
    """Proven by a signature, or by a static secret in a header."""

    def _headers(self) -> list[Parameter]:
        return [
            _header("X-AiSOC-Signature", "HMAC-SHA256 of the body, in hex or base64."),
            _header("X-AiSOC-Timestamp", "Unix seconds; the signature covers it when it is there."),
            _header(STATIC_SECRET_HEADER, "The secret of a token of the scheme `static_header`."),
        ]


@dataclass
class StaticDelivery(_Delivery):
    """Proven by the secret in its URL."""


def _header(name: str, description: str) -> Parameter:
    text: Any = Schema(type=OpenAPIType.STRING)
    return Parameter(name=name, param_in="header", description=description, schema=text)
