"""/v1/plugins."""

from __future__ import annotations

from litestar import get

from casebridge.services.inventory import Inventory, take_inventory
from casebridge.web.access import Caller, TheBridge


@get("/plugins", tags=["plugins"])
async def list_plugins(bridge: TheBridge, who: Caller) -> Inventory:  # noqa: ARG001 - asks for a key
    """List the installed plugins, what they can do, and what is refused and why."""
    return take_inventory(bridge.catalog)
