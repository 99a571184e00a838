"""/v1/feature-flags."""

from __future__ import annotations

from litestar import Controller, get, put
from litestar.params import JSONBody

from casebridge.services.flags import Flag, FlagSwitch
from casebridge.services.tenants import Scope
from casebridge.web.access import Caller, TheBridge


class FlagController(Controller):
    """What the tenant has switched on."""

    path = "/feature-flags"
    tags = ("feature flags",)

    @get()
    async def list_feature_flags(self, bridge: TheBridge, who: Caller) -> list[Flag]:
        """List every feature flag; what nobody has switched is as it is by default."""
        return await bridge.flags.list(who)

    @put(opt={"scope": Scope.ADMIN})
    async def switch_feature(
        self, bridge: TheBridge, who: Caller, data: JSONBody[FlagSwitch]
    ) -> Flag:
        """Switch a feature on or off: `bridge`, `backfill`, or `vendor:` and a vendor."""
        return await bridge.going_live.switch(who, data)
