"""Signing in with an API key, and out."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Template

from casebridge.services.faults import Unauthenticated
from casebridge.services.tenants import digest_of
from casebridge.web.access import TheBridge
from casebridge.web.console import session
from casebridge.web.console.pages import go, local_path, page
from casebridge.web.console.session import TheVisitor


class SignIn(msgspec.Struct, frozen=True):
    """The sign-in form."""

    key: str = ""
    next: str = "/"


@get("/sign-in", include_in_schema=False)
async def sign_in_page(next: FromQuery[str] = "/") -> Template:  # noqa: A002 - the name in the URL
    """Ask for an API key."""
    return page("sign_in.html", None, next=local_path(next), problem=None)


@post("/sign-in", include_in_schema=False, status_code=200)
async def sign_in(
    bridge: TheBridge,
    request: Request[Any, Any, Any],
    data: Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Begin a session, if the key is somebody's."""
    digest = digest_of(data.key.strip())
    try:
        await bridge.tenants.recognise(digest)
    except Unauthenticated:
        problem = "This is not a valid API key. It begins with cbk_."
        return page("sign_in.html", None, status=401, next=local_path(data.next), problem=problem)
    answer = go(local_path(data.next))
    secure = request.url.scheme == "https" or bridge.settings.address.startswith("https:")
    answer.cookies.append(session.begin(bridge.vault, digest, bridge.clock(), secure=secure))
    return answer


@post("/sign-out", include_in_schema=False, status_code=200)
async def sign_out(visitor: TheVisitor) -> Redirect:  # noqa: ARG001 - asked for its form's token
    """End the session of this browser."""
    answer = go("/sign-in")
    answer.delete_cookie(session.COOKIE)
    return answer
