"""Switching flags, and what follows where a switch lets connectors go on."""

from __future__ import annotations

from contextlib import suppress

from casebridge.services.backfill import Backfills, NewBackfill, PlanOrder
from casebridge.services.connectors import Connectors
from casebridge.services.faults import Conflict
from casebridge.services.flags import Feature, Flag, Flags, FlagSwitch
from casebridge.services.tenants import Principal


class GoingLive:
    """Switches flags; a bridge that is switched on gives the open cases that are there a ticket.

    That is a backfill for each connector, along the default ramp, and only where the tenant's flag
    for backfills is on: it can be a lot of work for a vendor.
    """

    def __init__(self, flags: Flags, connectors: Connectors, backfills: Backfills) -> None:
        """Bind the flags and what follows."""
        self._flags = flags
        self._connectors = connectors
        self._backfills = backfills

    async def switch(self, who: Principal, switch: FlagSwitch) -> Flag:
        """Switch a flag on or off.

        Raises:
            Invalid: there is no such flag.
        """
        held = {row.public_id for row in await self._connectors.list(who) if row.held_by}
        flag = await self._flags.switch(who, switch)
        enabled = {each.name for each in await self._flags.list(who) if each.enabled}
        if held and Feature.BACKFILL in enabled:
            for row in await self._connectors.list(who):
                if row.public_id in held and row.held_by is None:
                    await self._fill(who, row.public_id)
        return flag

    async def _fill(self, who: Principal, connector_id: str) -> None:
        plan = await self._backfills.plan(who, connector_id, PlanOrder())
        if plan.tickets > 0:
            with suppress(Conflict):  # something stands in its way; its plan says what
                await self._backfills.create(who, connector_id, NewBackfill())
