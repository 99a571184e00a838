"""Every error as problem+json (RFC 9457), with the field that it is about."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import SQLAlchemyError

from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.services.faults import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from casebridge_core import CasebridgeError, PushError

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = "5"
_NAMED_FIELD: Final = re.compile(
    r"Object (?P<what>contains unknown|missing required) field `(?P<field>[^`]+)`"
)
_STATUSES: Final[tuple[tuple[type[Fault], int, str], ...]] = (
    (NotFound, 404, "Not found"),
    (Invalid, 400, "Invalid request"),
    (Conflict, 409, "Conflict"),
    (KeyReused, 422, "Not the same request"),
    (Unauthenticated, 401, "Not authenticated"),
    (Forbidden, 403, "Not allowed"),
    (TooSlow, 408, "Too slow"),
    (TooMany, 429, "Too many requests"),
    (Unavailable, 503, "Try again later"),
)


class FieldProblem(msgspec.Struct, frozen=True):
    """One wrong field: its path in the request, and what is wrong with it."""

    field: str
    problem: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: tuple[FieldProblem, ...] = ()


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Answer with a problem, and headers beside it."""
    return Response(
        problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers or {}
    )


def on_fault(_: Request[Any, Any, Any], error: Fault) -> Response[Problem]:
    """Answer a fault of the domain."""
    status, title = next((s, t) for kind, s, t in _STATUSES if isinstance(error, kind))
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - HTTP
    if isinstance(error, Unavailable):
        headers["Retry-After"] = RETRY_SECONDS
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, TooSlow):
        headers["Connection"] = "close"  # the rest of the body is not waited for
    errors = (FieldProblem(error.field, error.detail),) if error.field else ()
    detail = f"{error.field}: {error.detail}" if error.field else error.detail
    return respond(Problem(title=title, status=status, detail=detail, errors=errors), headers)


def on_validation(_: Request[Any, Any, Any], error: ValidationException) -> Response[Problem]:
    """Answer a request whose body or parameters do not fit, naming each field."""
    found = error.extra if isinstance(error.extra, list) else []
    errors = tuple(_field_problem(item) for item in found if isinstance(item, dict))
    detail = "; ".join(f"{item.field}: {item.problem}" for item in errors) or error.detail
    return respond(Problem(title="Invalid request", status=400, detail=detail, errors=errors))


def _field_problem(item: Mapping[str, Any]) -> FieldProblem:
    """Name the field that msgspec speaks of: an unknown or missing one stands in its sentence."""
    key = str(item.get("key", "")).removeprefix("data").removeprefix(".")
    problem = str(item.get("message", "is not valid"))
    named = _NAMED_FIELD.fullmatch(problem)
    if named is not None:
        key = f"{key}.{named['field']}".lstrip(".")
        problem = "is required" if named["what"] == "missing required" else "is not a known field"
    if problem.startswith("Invalid enum value"):  # the rest quotes the value
        problem = "is not one of the allowed values"
    return FieldProblem(key or "body", problem)


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refuses (unknown route, method, body too large)."""
    title = HTTPStatus(error.status_code).phrase.capitalize()
    if error.status_code == HTTPStatus.BAD_REQUEST:
        title = "Invalid request"
    problem = Problem(title=title, status=error.status_code, detail=error.detail)
    return respond(problem, dict(error.headers or {}))


def on_recursion(_: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """Answer a body that is nested more deeply than any that we take."""
    log.warning("recursion too deep", exc_info=error)
    wrong = FieldProblem("body", "is nested too deeply")
    detail = f"{wrong.field}: {wrong.problem}"
    return respond(Problem(title="Invalid request", status=400, detail=detail, errors=(wrong,)))


def on_push_error(_: Request[Any, Any, Any], error: PushError) -> Response[Problem]:
    """Answer a request that had to call the vendor, and could not."""
    return respond(Problem(title="The vendor failed", status=502, detail=str(error)))


def on_plugin_error(_: Request[Any, Any, Any], error: CasebridgeError) -> Response[Problem]:
    """Answer a request that a plugin failed."""
    log.error("plugin failure: %s", error)
    return respond(Problem(title="A plugin failed", status=502, detail=str(error)))


def on_database_error(_: Request[Any, Any, Any], error: SQLAlchemyError) -> Response[Problem]:
    """Answer when the database is not there; its own words stay in the log."""
    log.error("database failure: %s", in_words(error))
    detail = f"{in_words(error)}; try again later, and send creates with an Idempotency-Key"
    problem = Problem(title="Try again later", status=503, detail=detail)
    return respond(problem, {"Retry-After": RETRY_SECONDS})


def in_words(error: SQLAlchemyError) -> str:
    """Say why the database cannot be used, without its own words."""
    if isinstance(error, DatabaseUnavailable):
        return error.reason
    return f"the database cannot be used at the moment ({type(error).__name__})"


def on_unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a mistake of ours: no detail leaves, the log has it."""
    log.error("unexpected failure", exc_info=error)
    return respond(Problem(title="Internal error", status=500, detail="see the service's log"))


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    Fault: on_fault,
    ValidationException: on_validation,
    HTTPException: on_http,
    PushError: on_push_error,
    CasebridgeError: on_plugin_error,
    SQLAlchemyError: on_database_error,
    RecursionError: on_recursion,
    Exception: on_unexpected,
}
