"""What every page of the console shares: its headers, its frame, and how it says that it cannot."""

from __future__ import annotations

import logging
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.response import Redirect, Template
from sqlalchemy.exc import SQLAlchemyError

from casebridge.services.faults import Conflict, Fault, Forbidden, Invalid, NotFound, SignInNeeded
from casebridge.web.console.session import Visitor
from casebridge.web.problems import RETRY_SECONDS, in_words

log = logging.getLogger(__name__)

ROOM: Final = Path(__file__).parents[1]
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_TITLES: Final[tuple[tuple[type[Fault], int, str], ...]] = (
    (NotFound, 404, "There is nothing here"),
    (Conflict, 409, "Things have changed meanwhile"),
    (Invalid, 400, "That does not fit"),
    (Forbidden, 403, "Your key does not reach this far"),
    (Fault, 503, "Not at the moment"),
)


def page(name: str, visitor: Visitor | None, *, status: int = 200, **context: Any) -> Template:  # noqa: ANN401 - a template takes anything
    """Return a page; ``name`` is the template's."""
    return Template(
        name, context={"visitor": visitor, **context}, headers=HEADERS, status_code=status
    )


def go(path: str) -> Redirect:
    """Return what a form is answered with: the page to look at now."""
    return Redirect(path, status_code=303, headers=HEADERS)


def local_path(text: str) -> str:
    """Return where to go after signing in: a path of this service, else the front page."""
    parts = urlsplit(text)
    odd = parts.scheme or parts.netloc or "\\" in text or not text.isprintable()
    return "/" if odd or not text.startswith("/") or text.startswith("//") else text


def on_fault(request: Request[Any, Any, Any], error: Fault) -> Redirect | Template:
    """Answer a fault with a page; who is not signed in is asked to."""
    if isinstance(error, SignInNeeded):
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        wanted = urlencode({"next": here}, quote_via=quote) if request.method == "GET" else ""
        return go(f"/sign-in?{wanted}" if wanted else "/sign-in")
    status, title = next((s, t) for kind, s, t in _TITLES if isinstance(error, kind))
    return _trouble(status, title, error.detail)


def on_database_error(_: Request[Any, Any, Any], error: SQLAlchemyError) -> Template:
    """Answer with a page when the database is not there."""
    log.error("database failure: %s", in_words(error))
    text = f"{in_words(error).capitalize()}. Nothing is lost that was saved; try again in a moment."
    answer = _trouble(503, "Not at the moment", text)
    answer.headers["Retry-After"] = RETRY_SECONDS
    return answer


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Redirect | Template:
    """Answer what the framework refuses with a page."""
    return _trouble(error.status_code, HTTPStatus(error.status_code).phrase, "Look at the address.")


def _trouble(status: int, title: str, text: str) -> Template:
    return page("trouble.html", None, status=status, title=title, text=text)
