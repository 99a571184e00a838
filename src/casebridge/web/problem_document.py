"""What the OpenAPI document says of errors: on every route of the API they have one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.routes import BaseRoute, HTTPRoute

from casebridge.web.problems import MEDIA_TYPE, Problem

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


def problem(description: str, shape: type[Problem] = Problem) -> ResponseSpec:
    """Return the description of an error."""
    return ResponseSpec(
        shape, generate_examples=False, description=description, media_type=MEDIA_TYPE
    )


def conflict(shape: type[Problem]) -> ResponseSpec:
    """Return the description of the answer to an edit that came too late."""
    return problem("Somebody else edited the record first; `current` is what it is now.", shape)


def describe_problems(routes: Iterable[BaseRoute], *, below: str) -> None:
    """Tell of every handler below a path which errors it may answer, unless it tells itself."""
    common = {status: problem(text) for status, text in _DESCRIPTIONS.items()}
    for route in routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(below):
            for handler in route.route_handlers:
                _describe(handler, common)


def _describe(handler: HTTPRouteHandler, common: dict[int, ResponseSpec]) -> None:
    """Tell of the common errors, unless a handler tells of each itself, as the inbox does."""
    own = handler.responses or {}
    handler.responses = own if 401 in own else {**common, **own}  # noqa: PLR2004 - HTTP
