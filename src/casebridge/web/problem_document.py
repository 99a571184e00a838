"""What the OpenAPI document says of errors: on every route of the API they have one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.routes import BaseRoute, HTTPRoute

from casebridge.web.problems import MEDIA_TYPE, FieldProblem, Problem

_DESCRIPTIONS: Final = {
    400: "Something in the request is wrong; `errors` names each field.",
    401: "There is no valid API key.",
    403: "The scope of the API key does not reach that far.",
    404: "It does not exist, or it belongs to another tenant.",
    408: "The body did not arrive in time.",
    409: "The record is not in the state that the request assumes.",
    413: "The body is larger than the limit.",
    429: "The API key sends more than its rate; see `Retry-After`.",
    502: "The vendor or its plugin failed.",
    503: "The database cannot be used at the moment; ask again after `Retry-After`.",
}
_OF_A_BODY: Final = frozenset({408, 413})
_OF_A_CHANGE: Final = frozenset({409})
_OF_A_KEY: Final = frozenset({401, 403, 404, 429, 502})
_EXAMPLES: Final[dict[int, tuple[str, str | FieldProblem]]] = {
    400: ("Invalid request", FieldProblem("limit", "Expected `int` <= 200")),
    401: ("Not authenticated", "send an API key: Authorization: Bearer cbk_…"),
    403: ("Not allowed", "this needs an API key with the scope admin"),
    404: ("Not found", FieldProblem("case_id", "there is no case 'case_5ofj2kq7vdyl3m6x4tca'")),
    408: ("Too slow", "the body took longer than 10 s"),
    409: ("Conflict", "the backfill is running; there is nothing to resume"),
    413: ("Request entity too large", "Request Entity Too Large"),
    422: (
        "Not the same request",
        FieldProblem("Idempotency-Key", "came with another request before; use a new key"),
    ),
    429: ("Too many requests", "too many requests with this API key"),
    502: ("The vendor failed", "the vendor did not answer in 20 s"),
    503: (
        "Try again later",
        "the database cannot be used at the moment; nothing was changed",
    ),
}


_LATE: Final = ("Conflict", FieldProblem("If-Match", "it is at version 2; read it again"))


def example_of_problem(status: int, *, too_late: bool = False) -> dict[str, Any]:
    """Return what an error of this status looks like, as JSON; ``too_late`` is that of an edit."""
    title, said = _LATE if too_late else _EXAMPLES[status]
    errors = (said,) if isinstance(said, FieldProblem) else ()
    detail = f"{said.field}: {said.problem}" if isinstance(said, FieldProblem) else said
    told = Problem(title=title, status=status, detail=detail, errors=errors)
    example: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(told))
    return example


def problem(description: str, shape: type[Problem] = Problem) -> ResponseSpec:
    """Return the description of an error."""
    return ResponseSpec(
        shape, generate_examples=False, description=description, media_type=MEDIA_TYPE
    )


def conflict(shape: type[Problem]) -> ResponseSpec:
    """Return the description of the answer to an edit that came too late."""
    return problem("Somebody else edited the record first; `current` is what it is now.", shape)


def describe_problems(routes: Iterable[BaseRoute]) -> None:
    """Tell of every handler of the document which errors it may answer.

    What a handler tells itself goes before that; one that tells of 401 tells of all, as the inbox.
    """
    common = {status: problem(text) for status, text in _DESCRIPTIONS.items()}
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            own = handler.responses or {}
            if handler.resolve_include_in_schema() and 401 not in own:  # noqa: PLR2004 - HTTP
                fitting = common.keys() - _unfit(handler)
                handler.responses = {**{status: common[status] for status in fitting}, **own}


def _unfit(handler: HTTPRouteHandler) -> frozenset[int]:
    """Return the statuses that a handler cannot answer: of bodies that nobody reads, for one."""
    reads_a_body = "data" in handler.parsed_fn_signature.parameters
    changes = bool(handler.http_methods - {"GET", "HEAD", "OPTIONS"})
    unfit: frozenset[int] = frozenset() if reads_a_body else _OF_A_BODY
    unfit |= frozenset() if changes else _OF_A_CHANGE
    return unfit if handler.resolve_security() else unfit | _OF_A_KEY
