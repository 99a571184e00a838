"""Feature flags: what a tenant has switched on. Everything here is off until somebody says so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.backfills import FeatureFlagRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.tenants import Principal


class Feature(StrEnum):
    """What can be switched on: ``backfill`` mints tickets for cases that are already there."""

    BACKFILL = "backfill"


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A feature of a tenant; ``changed_at`` is None until somebody has switched it."""

    name: Feature
    enabled: bool
    changed_at: datetime | None = None


class FlagSwitch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which feature to switch, and whether on or off."""

    name: Feature
    enabled: bool


class Flags:
    """A tenant's feature flags."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._clock = clock

    async def list(self, who: Principal) -> list[Flag]:
        """Return every feature that there is, with the tenant's switch."""
        query = select(FeatureFlagRow).where(FeatureFlagRow.tenant_id == who.tenant_id)
        async with self._database.read() as session:
            rows = {row.name: row for row in await session.scalars(query)}
        return [
            Flag(name=name, enabled=rows[name].enabled, changed_at=rows[name].changed_at)
            if name in rows
            else Flag(name=name, enabled=False)
            for name in Feature
        ]

    async def switch(self, who: Principal, switch: FlagSwitch) -> Flag:
        """Switch a feature on or off."""
        now = self._clock()
        async with self._database.write() as session:
            await session.execute(  # two first switches of one tenant take turns
                select(TenantRow.id)
                .where(TenantRow.id == who.tenant_id)
                .with_for_update(key_share=True)
            )
            row = await session.scalar(_of(who.tenant_id, switch.name))
            if row is None:
                row = FeatureFlagRow(tenant_id=who.tenant_id, name=switch.name)
                session.add(row)
            row.enabled, row.changed_at = switch.enabled, now
        return Flag(name=switch.name, enabled=switch.enabled, changed_at=now)


async def is_on(session: AsyncSession, tenant_id: int, name: Feature) -> bool:
    """Tell whether a tenant has switched a feature on."""
    row = await session.scalar(_of(tenant_id, name))
    return row is not None and row.enabled


def _of(tenant_id: int, name: Feature) -> Select[FeatureFlagRow]:
    return select(FeatureFlagRow).where(
        FeatureFlagRow.tenant_id == tenant_id, FeatureFlagRow.name == name
    )
