"""Who is signed in: a sealed cookie that holds nothing but which API key was shown, and until when.

Nothing is kept on the server, so every process of the service knows every session; a revoked key
ends its sessions within the seconds that it is remembered.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from casebridge.bridge import Bridge
from casebridge.services.faults import Forbidden, SignInNeeded, Unauthenticated
from casebridge.services.tenants import Principal, Scope
from casebridge.services.vault import Vault, VaultError

COOKIE: Final = "casebridge_session"
FORM_FIELD: Final = "csrf"
_CONTEXT: Final = "console-session"
_LIFE: Final = timedelta(hours=12)


class Session(msgspec.Struct, frozen=True, array_like=True):
    """A signed-in browser: the digest of its API key, and the token that its forms carry."""

    key_digest: str
    csrf: str
    until: datetime


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at a page, and the token for the forms on it."""

    who: Principal
    csrf: str

    @property
    def role(self) -> str:
        """What the key's scopes make of the visitor: viewer, analyst or admin."""
        if self.who.may(Scope.ADMIN):
            return "admin"
        return "analyst" if self.who.may(Scope.WRITE) else "viewer"

    def may(self, scope: str) -> bool:
        """Tell a template whether a button makes sense."""
        return self.who.may(Scope(scope))


def begin(vault: Vault, key_digest: str, now: datetime, *, secure: bool) -> Cookie:
    """Return the cookie of a new session; it is only for this site, and no script can read it."""
    session = Session(key_digest, secrets.token_urlsafe(24), now + _LIFE)
    sealed = vault.seal(msgspec.json.encode(session), context=_CONTEXT)
    return Cookie(
        key=COOKIE,
        value=base64.urlsafe_b64encode(sealed).decode(),
        max_age=int(_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=secure,
    )


def read(vault: Vault, value: str, now: datetime) -> Session | None:
    """Return the session that a cookie holds; None when it is not ours or has ended."""
    try:
        sealed = base64.urlsafe_b64decode(value)
        session = msgspec.json.decode(vault.open(sealed, context=_CONTEXT), type=Session)
    except (binascii.Error, ValueError, VaultError, msgspec.DecodeError):
        return None
    return session if session.until > now else None


async def provide_visitor(
    request: Request[Any, Any, Any], bridge: NamedDependency[Bridge]
) -> Visitor:
    """Return who looks at the page.

    Raises:
        SignInNeeded: nobody is signed in, or not any more.
        Forbidden: the key's scopes do not reach this handler, or the form is not one of ours.
    """
    session = read(bridge.vault, request.cookies.get(COOKIE, ""), bridge.clock())
    if session is None:
        raise SignInNeeded("sign in with an API key")
    try:
        who = await bridge.tenants.recognise(session.key_digest)
    except Unauthenticated as error:
        raise SignInNeeded("the API key is not valid any more") from error
    wanted: Scope = request.route_handler.opt.get("scope", Scope.READ)
    if not who.may(wanted):
        raise Forbidden(f"this needs an API key with the scope {wanted}")
    if request.method == "POST":
        given = (await request.form()).get(FORM_FIELD, "")
        if not isinstance(given, str) or not hmac.compare_digest(
            given.encode(), session.csrf.encode()
        ):
            raise Forbidden("the form is out of date; open the page again")
    return Visitor(who=who, csrf=session.csrf)


TheVisitor = NamedDependency[Visitor]
"""A page's argument ``visitor``: who is signed in."""
