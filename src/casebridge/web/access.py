"""Who is asking, and what the bridge is: what Litestar hands to the handlers."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from casebridge.bridge import Bridge
from casebridge.services.faults import Forbidden, Unauthenticated
from casebridge.services.tenants import Principal, Scope
from casebridge.web.api_rate import charge

_BEARER = "bearer "


def provide_bridge(request: Request[Any, Any, Any]) -> Bridge:
    """Return the process's bridge."""
    bridge: Bridge = request.app.state.bridge
    return bridge


async def provide_principal(
    request: Request[Any, Any, Any], bridge: NamedDependency[Bridge]
) -> Principal:
    """Return who is asking. It asks for the bridge as well: in turn is cheaper than at once.

    Raises:
        Unauthenticated: no valid API key came with the request.
        TooMany: the key sends more than its rate.
        Forbidden: the key's scopes do not reach this handler.
    """
    header = request.headers.get("authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER:
        raise Unauthenticated("send an API key: Authorization: Bearer cbk_…")
    who = await bridge.tenants.authenticate(header[len(_BEARER) :].strip())
    charge(request, bridge, who)
    wanted: Scope = request.route_handler.opt.get("scope", Scope.READ)
    if not who.may(wanted):
        raise Forbidden(f"this needs an API key with the scope {wanted}")
    return who


TheBridge = NamedDependency[Bridge]
"""A handler's argument ``bridge``: the process's parts."""
Caller = NamedDependency[Principal]
"""A handler's argument ``who``: the authenticated caller."""
