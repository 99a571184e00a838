"""The feature flags: what the tenant's bridge may do, and switching it."""

from __future__ import annotations

from litestar import get
from litestar.response import Redirect, Template

from casebridge.services.flags import FlagSwitch, is_on_by_default
from casebridge.services.tenants import Scope
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor


@get("/flags", include_in_schema=False)
async def flag_list(bridge: TheBridge, visitor: TheVisitor) -> Template:
    """Show every flag, and what it is by default."""
    flags = await bridge.flags.list(visitor.who)
    defaults = {flag.name: is_on_by_default(flag.name) for flag in flags}
    return page("flags.html", visitor, flags=flags, defaults=defaults)


@order("/flags", Scope.ADMIN)
async def switch_flag(bridge: TheBridge, visitor: TheVisitor, data: Form) -> Redirect:
    """Switch one on or off."""
    fields = {"name": data.get("name", ""), "enabled": data.get("to") == "on"}
    await bridge.going_live.switch(visitor.who, filled(FlagSwitch, fields))
    return go("/flags")


HANDLERS = (flag_list, switch_flag)
