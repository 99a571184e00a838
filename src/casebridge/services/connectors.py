"""Connector instances: adding, changing, checking, pausing and removing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import CONNECTOR, new_id
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.connector_configs import ConnectorConfigs, merged
from casebridge.services.connector_terms import ConnectorEdit, NewConnector
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Invalid, NotFound, Stale
from casebridge.services.flags import holder_of, lock_tenant
from casebridge.services.idempotency import ONCE_MORE, Attempt
from casebridge.services.last_delivery import last_delivery
from casebridge.services.tenants import Principal
from casebridge.services.vault import VaultError
from casebridge.services.versions import ANY_VERSION, Precondition
from casebridge_core import (
    ConnectionReport,
    InvalidConfig,
    StatusOverrides,
    UnknownVendor,
    visible_config,
)


class Connectors:
    """A tenant's connector instances."""

    def __init__(
        self, database: Database, connections: Connections, fanout: FanOut, clock: Clock
    ) -> None:
        """Bind what the verbs need."""
        self._database = database
        self.configs = ConnectorConfigs(connections)
        self._connections = connections
        self._fanout = fanout
        self._clock = clock

    async def add(
        self, who: Principal, new: NewConnector, *, attempt: Attempt[ConnectorRow] = ONCE_MORE
    ) -> ConnectorRow:
        """Add an instance; the vendor is not called.

        One that was removed and has the same configuration but for its secrets comes back, so that
        its tickets are known and none is minted twice.

        Raises:
            Repeated: the key of the attempt is taken.
            Invalid: no plugin serves the vendor, or the configuration is wrong (with its path).
        """
        now = self._clock()
        public_id = new_id(CONNECTOR)
        config = merged({}, new.config)  # a mask is no secret
        site = self.configs.site(who, new.vendor, config, new.statuses, public_id)
        row = ConnectorRow(
            public_id=public_id,
            tenant_id=who.tenant_id,
            vendor=new.vendor,
            name=new.name,
            enabled=new.enabled,
            config_sealed=self._connections.seal(public_id, config),
            status_overrides=msgspec.to_builtins(new.statuses),
            site=site,
            paused_by_hand=False,
            calls_per_minute=new.limits.calls_per_minute,
            in_flight=new.limits.in_flight,
            tokens=1.0,
            version=1,
            created_at=now,
            updated_at=now,
        )
        async with self._database.write() as session:
            await attempt.begin(session)
            await lock_tenant(session, who.tenant_id)
            former = await self._removed_twin(session, row, config)
            if former is None:
                row.held_by = await holder_of(session, who.tenant_id, new.vendor)
                session.add(row)
            else:
                row = await self._revive(session, former, row, config)
            await attempt.finish(session, row)
        return row

    async def _removed_twin(
        self, session: AsyncSession, row: ConnectorRow, config: dict[str, Any]
    ) -> ConnectorRow | None:
        """Return the connector that was removed last and had the same configuration, if any."""
        wanted = visible_config(self._connections.decode(row.vendor, config))
        query = (
            select(ConnectorRow)
            .where(
                ConnectorRow.tenant_id == row.tenant_id,
                ConnectorRow.vendor == row.vendor,
                ConnectorRow.site == row.site,
                ConnectorRow.removed_at.is_not(None),
            )
            .order_by(ConnectorRow.removed_at.desc())
            .with_for_update(key_share=True)
        )
        removed = await session.scalars(query)
        return next((each for each in removed if self.configs.visible(each) == wanted), None)

    async def _revive(
        self,
        session: AsyncSession,
        former: ConnectorRow,
        new: ConnectorRow,
        config: dict[str, Any],
    ) -> ConnectorRow:
        """Bring a removed connector back with what a new one was to have."""
        for name in ("name", "enabled", "status_overrides", "calls_per_minute", "in_flight"):
            setattr(former, name, getattr(new, name))
        former.config_sealed = self._connections.seal(former.public_id, config)
        former.removed_at, former.updated_at = None, new.updated_at
        former.version += 1
        await self._lift_breaker(session, former)
        await session.flush()
        return former

    async def edit(
        self,
        who: Principal,
        connector_id: str,
        edit: ConnectorEdit,
        *,
        only_if: Precondition = ANY_VERSION,
    ) -> ConnectorRow:
        """Change an instance; a mended one (configuration, maps, enabled) leaves the breaker.

        Raises:
            NotFound: the tenant has no such connector.
            Stale: the edit is meant for another version than the connector has.
            Invalid: the configuration is wrong (with its path).
        """
        now = self._clock()
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id)
            _check_version(session, row, only_if, edit.expected_version)
            if edit.name is not UNSET:
                row.name = edit.name
            if edit.enabled is not UNSET:
                row.enabled = edit.enabled
            if edit.limits is not UNSET:
                row.calls_per_minute = edit.limits.calls_per_minute
                row.in_flight = edit.limits.in_flight
            if edit.statuses is not UNSET:
                row.status_overrides = msgspec.to_builtins(edit.statuses)
            if edit.config is not UNSET or edit.statuses is not UNSET:
                raw = self.configs.edited(row, edit.config)
                statuses = msgspec.convert(row.status_overrides, StatusOverrides)
                row.site = self.configs.site(who, row.vendor, raw, statuses, row.public_id)
                row.config_sealed = self._connections.seal(row.public_id, raw)
            if edit.config is not UNSET:  # it may be another account's now
                row.account_id = row.account_name = None
            row.updated_at = now
            if edit != ConnectorEdit(expected_version=edit.expected_version):
                row.version += 1
            mended = (edit.config, edit.statuses, edit.enabled or UNSET)
            if any(value is not UNSET for value in mended):
                await self._lift_breaker(session, row)
        return row

    async def pause(self, who: Principal, connector_id: str, reason: str) -> ConnectorRow:
        """Stop pushing until somebody resumes it by hand; a good check does not.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id)
            row.paused_by_hand = True
            row.paused_at = self._clock()
            row.paused_reason = f"paused by {who.label}: {reason}"
        return row

    async def resume(self, who: Principal, connector_id: str) -> ConnectorRow:
        """Lift any pause and start the waiting work.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id)
            row.paused_by_hand = False
            await self._lift_breaker(session, row)
        return row

    async def remove(self, who: Principal, connector_id: str) -> None:
        """Remove an instance: nothing is pushed any more, its refs and links stay.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id)
            row.removed_at = row.updated_at = self._clock()

    async def restore(self, who: Principal, connector_id: str) -> ConnectorRow:
        """Bring a removed instance back; it picks up where it left off.

        Raises:
            NotFound: the tenant never had such a connector.
        """
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id, removed=True)
            row.removed_at = None
            row.updated_at = self._clock()
            await self._lift_breaker(session, row)
        return row

    async def check(self, who: Principal, connector_id: str) -> ConnectionReport:
        """Look at everything the connector needs; a good report resumes a paused one.

        Raises:
            NotFound: the tenant has no such connector.
            Invalid: its plugin has no check, or the stored configuration no longer fits.
            PushError: not even a report could be made.
        """
        async with self._database.read() as session:
            row = await _find(session, who, connector_id)
        try:
            connector = self._connections.open(row, who.tenant)
        except (InvalidConfig, UnknownVendor, VaultError) as error:
            raise Invalid(self.configs.problem(row) or str(error), field="config") from error
        hooks = self._connections.hooks(row.vendor)
        if not hooks.has("itsm_check_connection"):
            raise Invalid(f"the plugin for {row.vendor} has no connection check", field="vendor")
        report = await hooks.check_connection(connector)
        async with self._database.write() as session:
            row = await _lock(session, who, connector_id)
            if report.account is not None:
                row.account_id, row.account_name = report.account.id, report.account.name
            if report.ok:
                await self._lift_breaker(session, row)
            if hooks.has("itsm_detect_inbound"):
                lines = (*report.lines, await last_delivery(session, row))
                report = msgspec.structs.replace(report, lines=lines)
        return report

    async def get(self, who: Principal, connector_id: str) -> ConnectorRow:
        """Read an instance.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.read() as session:
            return await _find(session, who, connector_id)

    async def list(self, who: Principal, *, removed: bool = False) -> Sequence[ConnectorRow]:
        """Return the tenant's instances, oldest first: those in use, or those removed."""
        gone = ConnectorRow.removed_at
        query = select(ConnectorRow).where(
            ConnectorRow.tenant_id == who.tenant_id,
            gone.is_not(None) if removed else gone.is_(None),
        )
        async with self._database.read() as session:
            return (await session.scalars(query.order_by(ConnectorRow.id))).all()

    async def failing_refs(self, who: Principal, connector_id: str) -> Sequence[RefRow]:
        """Return the refs whose last attempt failed, oldest failure first, a hundred at most."""
        async with self._database.read() as session:
            row = await _find(session, who, connector_id)
            query = select(RefRow).where(
                RefRow.connector_id == row.id, RefRow.last_error.is_not(None)
            )
            return (await session.scalars(query.order_by(RefRow.last_error_at).limit(100))).all()

    async def _lift_breaker(self, session: AsyncSession, row: ConnectorRow) -> None:
        """Lift the breaker's pause, and make due what waited for it; a pause by hand stays."""
        row.quiet_until = None
        if row.paused_by_hand:
            return
        row.paused_reason = row.paused_at = None
        waiting = await session.scalars(
            select(RefRow.id).where(RefRow.connector_id == row.id, RefRow.last_error.is_not(None))
        )
        await self._fanout.schedule_refs(session, waiting.all(), self._clock(), bulk=True)


def _check_version(
    session: AsyncSession, row: ConnectorRow, only_if: Precondition, expected: int | None
) -> None:
    broken = msgspec.structs.replace(only_if, expected=expected).broken_by(row.version)
    if broken is not None:
        session.expunge_all()  # the rollback would empty what is to be shown
        raise Stale(
            f"the connector is at version {row.version}; read it again and decide anew",
            field=broken,
            current=row,
        )


async def _find(
    session: AsyncSession, who: Principal, connector_id: str, *, removed: bool = False
) -> ConnectorRow:
    query = select(ConnectorRow).where(
        ConnectorRow.tenant_id == who.tenant_id, ConnectorRow.public_id == connector_id
    )
    row = await session.scalar(query)
    if row is None or (row.removed_at is not None and not removed):
        raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
    return row


async def _lock(
    session: AsyncSession, who: Principal, connector_id: str, *, removed: bool = False
) -> ConnectorRow:
    row = await _find(session, who, connector_id, removed=removed)
    await session.refresh(row, with_for_update=True)  # what was there before the lock may be old
    return row
