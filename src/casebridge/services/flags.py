"""Feature flags: what a tenant's bridge may do.

A flag that is off holds connectors: it stands in their rows, so that whoever looks at a connector
sees it at no cost, and what waits is found again the moment that the flag is on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.backfills import FeatureFlagRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.faults import Invalid
from casebridge.services.tenants import Principal
from casebridge_core import ConnectorCatalog

VENDOR: Final = "vendor:"
"""Begins the name of a flag that allows one vendor."""


class Feature(StrEnum):
    """Flags that every tenant has.

    ``bridge`` is on until somebody says otherwise: without it nothing leaves and nothing is taken
    over. ``backfill`` is off until somebody says otherwise: it mints tickets for cases that are
    already there.
    """

    BRIDGE = "bridge"
    BACKFILL = "backfill"


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A flag: ``bridge``, ``backfill``, or ``vendor:`` and a vendor.

    ``changed_at`` is None until somebody has switched it: then it is as it is by default.
    """

    name: str
    enabled: bool
    changed_at: datetime | None = None


class FlagSwitch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which flag to switch, and whether on or off."""

    name: Annotated[str, Meta(max_length=64, description="`bridge`, `backfill`, `vendor:jira`, …")]
    enabled: bool


class Flags:
    """A tenant's feature flags."""

    def __init__(self, database: Database, catalog: ConnectorCatalog, clock: Clock) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._catalog = catalog
        self._clock = clock

    async def list(self, who: Principal) -> list[Flag]:
        """Return every flag that there is: one for each vendor installed or connected, too."""
        async with self._database.read() as session:
            switched = await _switched(session, who.tenant_id)
            names = await self._names(session, who.tenant_id)
        return [
            Flag(name=name, enabled=switched[name].enabled, changed_at=switched[name].changed_at)
            if name in switched
            else Flag(name=name, enabled=is_on_by_default(name))
            for name in names
        ]

    async def switch(self, who: Principal, switch: FlagSwitch) -> Flag:
        """Switch a flag on or off, and with it the connectors that it holds.

        Raises:
            Invalid: there is no such flag.
        """
        now = self._clock()
        async with self._database.write() as session:
            await lock_tenant(session, who.tenant_id)
            names = await self._names(session, who.tenant_id)
            if switch.name not in names:
                raise Invalid(f"is no flag; known: {', '.join(names)}", field="name")
            row = await session.scalar(_of(who.tenant_id, switch.name))
            if row is None:
                row = FeatureFlagRow(tenant_id=who.tenant_id, name=switch.name)
                session.add(row)
            row.enabled, row.changed_at = switch.enabled, now
            await session.flush()
            switched = await _switched(session, who.tenant_id)
            locked = _connectors(who.tenant_id).with_for_update(key_share=True)
            for connector in await session.scalars(locked):
                connector.held_by = _holder(switched, connector.vendor)
        return Flag(name=switch.name, enabled=switch.enabled, changed_at=now)

    async def _names(self, session: AsyncSession, tenant_id: int) -> Sequence[str]:
        connected = {row.vendor for row in await session.scalars(_connectors(tenant_id))}
        vendors = sorted(connected | set(self._catalog))
        return (*Feature, *(f"{VENDOR}{name}" for name in vendors))


def is_on_by_default(name: str) -> bool:
    """Tell whether a flag is on that nobody has switched."""
    return name != Feature.BACKFILL


async def is_on(session: AsyncSession, tenant_id: int, name: str) -> bool:
    """Tell whether a tenant's flag is on."""
    row = await session.scalar(_of(tenant_id, name))
    return row.enabled if row is not None else is_on_by_default(name)


async def lock_tenant(session: AsyncSession, tenant_id: int) -> None:
    """Let those who switch flags and those who add connectors take turns."""
    await session.execute(
        select(TenantRow.id).where(TenantRow.id == tenant_id).with_for_update(key_share=True)
    )


async def holder_of(session: AsyncSession, tenant_id: int, vendor: str) -> str | None:
    """Return the flag that holds a tenant's connectors of a vendor, None when none does."""
    return _holder(await _switched(session, tenant_id), vendor)


def _holder(switched: dict[str, FeatureFlagRow], vendor: str) -> str | None:
    for name in (Feature.BRIDGE, f"{VENDOR}{vendor}"):
        if name in switched and not switched[name].enabled:
            return str(name)
    return None


async def _switched(session: AsyncSession, tenant_id: int) -> dict[str, FeatureFlagRow]:
    query = select(FeatureFlagRow).where(FeatureFlagRow.tenant_id == tenant_id)
    return {row.name: row for row in await session.scalars(query)}


def _connectors(tenant_id: int) -> Select[ConnectorRow]:
    return select(ConnectorRow).where(ConnectorRow.tenant_id == tenant_id).order_by(ConnectorRow.id)


def _of(tenant_id: int, name: str) -> Select[FeatureFlagRow]:
    return select(FeatureFlagRow).where(
        FeatureFlagRow.tenant_id == tenant_id, FeatureFlagRow.name == name
    )
