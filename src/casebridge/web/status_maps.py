"""/v1/connectors/{connector_id}/status-map."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.params import FromPath

from casebridge.services.status_maps import MapPreview
from casebridge.web.access import Caller, TheBridge
from casebridge_core import StatusOverrides


@get("/connectors/{connector_id:str}/status-map", tags=["connectors"])
async def read_status_map(
    bridge: TheBridge, who: Caller, connector_id: FromPath[str]
) -> MapPreview:
    """Read what both maps of a connector say now: its own entries, the plugin's, and the way back.

    The native statuses are those that its plugin and its tickets name; the vendor is not called.
    """
    row = await bridge.connectors.get(who, connector_id)
    natives = await bridge.status_maps.vocabulary(row)
    own = msgspec.convert(row.status_overrides, StatusOverrides)
    return bridge.status_maps.preview(who, row, own, natives)
