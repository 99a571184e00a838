"""What is installed, what it can do, and what is refused and why."""

from __future__ import annotations

from litestar import get
from litestar.response import Template

from casebridge.services.inventory import take_inventory
from casebridge.web.access import TheBridge
from casebridge.web.console.pages import page
from casebridge.web.console.session import TheVisitor
from casebridge_core import Capability


@get("/plugins", include_in_schema=False)
async def plugins_page(bridge: TheBridge, visitor: TheVisitor) -> Template:
    """Show the capability matrix, then every plugin by what became of it."""
    inventory = take_inventory(bridge.catalog)
    return page("plugins.html", visitor, inventory=inventory, capabilities=list(Capability))


HANDLERS = (plugins_page,)
