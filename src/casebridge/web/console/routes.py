"""The console's routes, and the files that its pages load."""

from __future__ import annotations

from typing import Any, Final

from litestar import Router, get
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.response import File, Redirect
from sqlalchemy.exc import SQLAlchemyError

from casebridge.services.faults import Fault
from casebridge.web.console import (
    cases,
    connector_backfills,
    connector_forms,
    connector_statuses,
    connectors,
    events,
    flags,
    live,
    plugins,
    signin,
    tokens,
    unmapped,
)
from casebridge.web.console.pages import (
    HEADERS,
    ROOM,
    go,
    on_database_error,
    on_fault,
    on_http,
)
from casebridge.web.console.session import provide_visitor

TEMPLATES: Final = ROOM / "templates"
_STATIC: Final = ROOM / "static"


@get("/", include_in_schema=False)
async def front_page() -> Redirect:
    """Lead to the cases."""
    return go("/cases")


@get("/static/casebridge.css", include_in_schema=False)
async def stylesheet() -> File:
    """Serve the one stylesheet."""
    return _file("casebridge.css", "text/css")


@get("/static/console.js", include_in_schema=False)
async def script() -> File:
    """Serve the one script."""
    return _file("console.js", "text/javascript")


@get("/static/icon.svg", include_in_schema=False)
async def icon() -> File:
    """Serve the picture for the browser's tab."""
    return _file("icon.svg", "image/svg+xml")


def _file(name: str, media_type: str) -> File:
    headers = {**HEADERS, "Cache-Control": "max-age=300"}
    return File(
        _STATIC / name, media_type=media_type, content_disposition_type="inline", headers=headers
    )


def console() -> list[Router]:
    """Return the routes for everybody, and those for who is signed in."""
    answers: dict[int | type[Exception], Any] = {
        Fault: on_fault,
        HTTPException: on_http,
        SQLAlchemyError: on_database_error,
    }
    return [
        Router(
            path="/",
            route_handlers=[
                front_page,
                signin.sign_in_page,
                signin.sign_in,
                stylesheet,
                script,
                icon,
            ],
            exception_handlers=answers,
        ),
        Router(
            path="/",
            route_handlers=[
                signin.sign_out,
                *cases.HANDLERS,
                *connectors.HANDLERS,
                *connector_forms.HANDLERS,
                *connector_backfills.HANDLERS,
                *connector_statuses.HANDLERS,
                *unmapped.HANDLERS,
                *events.HANDLERS,
                *flags.HANDLERS,
                *tokens.HANDLERS,
                *plugins.HANDLERS,
                *live.HANDLERS,
            ],
            dependencies={"visitor": Provide(provide_visitor)},
            exception_handlers=answers,
        ),
    ]
