"""Backfills: minting the tickets of cases that were there before their connector."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.backfill import (
    ACTIVE,
    BackfillState,
    Ramp,
    Tally,
    calls_for,
    duration,
    remaining,
)
from casebridge.domain.identifiers import BACKFILL, new_id
from casebridge.persistence.backfills import BackfillRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.backfill_plan import Plan, Planner, pace_of
from casebridge.services.backfill_tally import WINDOW, count_waiting, take_tally
from casebridge.services.clock import Clock
from casebridge.services.faults import Conflict, Invalid, NotFound
from casebridge.services.flags import Feature, is_on
from casebridge.services.idempotency import ONCE_MORE, Attempt
from casebridge.services.tenants import Principal

HOW_TO_SWITCH_ON: Final = (
    "the feature flag backfill is off for this tenant; switch it on with"
    ' PUT /v1/feature-flags {"name": "backfill", "enabled": true}'
    " or `casebridge flag set backfill on`"
)
_MOST_LISTED: Final = 100


class PlanOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to plan for."""

    ramp: Ramp = Ramp()


class NewBackfill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to go about a backfill.

    ``start`` false only plans it in: somebody resumes it later. After ``tolerance`` dead letters it
    pauses by itself, and after as many again whenever it is resumed.
    """

    ramp: Ramp = Ramp()
    start: bool = True
    tolerance: Annotated[int, Meta(ge=1, le=100_000)] = 10


class BackfillProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill and how far it has come; ``waiting_for`` says why a running one stands still."""

    row: BackfillRow
    connector: ConnectorRow
    tally: Tally
    remaining: timedelta | None
    waiting_for: str | None


class Backfills:
    """A tenant's backfills. Everything here only notes what is to be done."""

    def __init__(self, database: Database, planner: Planner, clock: Clock) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._planner = planner
        self._clock = clock

    async def plan(self, who: Principal, connector_id: str, order: PlanOrder) -> Plan:
        """Tell what a backfill would do; it changes nothing, and needs no flag.

        Raises:
            NotFound: the tenant never had such a connector.
            Invalid: the ramp goes down.
        """
        _check_ramp(order.ramp)
        async with self._database.read() as session:
            connector = await _connector(session, who, connector_id)
        return await self._planner.plan(who, connector, order.ramp)

    async def create(
        self,
        who: Principal,
        connector_id: str,
        new: NewBackfill,
        *,
        attempt: Attempt[BackfillProgress] = ONCE_MORE,
    ) -> BackfillProgress:
        """Create a backfill, and start it unless told otherwise.

        Raises:
            Repeated: the key of the attempt is taken.
            NotFound: the tenant never had such a connector.
            Invalid: the ramp goes down.
            Conflict: the feature flag is off, one is under way, or something stands in its way.
        """
        _check_ramp(new.ramp)
        now = self._clock()
        async with self._database.write() as session:
            await attempt.begin(session)
            connector = await _connector(session, who, connector_id)
            await session.execute(  # so that two of one connector cannot begin together
                select(ConnectorRow.id)
                .where(ConnectorRow.id == connector.id)
                .with_for_update(key_share=True)
            )
            await self._check_startable(session, who, connector)
            under_way = await session.scalar(_active_at(connector.id))
            if under_way is not None:
                raise Conflict(
                    f"backfill {under_way.public_id} of this connector is {under_way.state};"
                    " resume or cancel that one"
                )
            row = BackfillRow(
                public_id=new_id(BACKFILL),
                tenant_id=who.tenant_id,
                connector_id=connector.id,
                state=BackfillState.RUNNING if new.start else BackfillState.PLANNED,
                ramp_first=new.ramp.first,
                ramp_most=new.ramp.most,
                tolerance=new.tolerance,
                dead_limit=new.tolerance,
                total=await count_waiting(session, who.tenant_id, connector.id),
                last_case_id=0,
                actor=who.label,
                created_at=now,
                started_at=now if new.start else None,
                resumed_at=now if new.start else None,
            )
            session.add(row)
            await session.flush()
            progress = await self._progress(session, row, connector, who.tenant)
            await attempt.finish(session, progress)
            return progress

    async def pause(self, who: Principal, backfill_id: str) -> BackfillProgress:
        """Reserve no more tickets; those under way are still minted.

        Raises:
            NotFound: the tenant has no such backfill.
            Conflict: it is not running.
        """
        async with self._database.write() as session:
            row, connector = await _lock(session, who, backfill_id)
            if row.state != BackfillState.RUNNING:
                raise Conflict(f"the backfill is {row.state}; only a running one can be paused")
            row.state = BackfillState.PAUSED
            row.note = f"paused by {who.label}"
            await session.flush()
            return await self._progress(session, row, connector, who.tenant)

    async def resume(self, who: Principal, backfill_id: str) -> BackfillProgress:
        """Start a planned backfill, or go on with a paused one where it stopped.

        Raises:
            NotFound: the tenant has no such backfill.
            Conflict: it is running or over, the flag is off, or something stands in its way.
        """
        now = self._clock()
        async with self._database.write() as session:
            row, connector = await _lock(session, who, backfill_id)
            if row.state not in {BackfillState.PLANNED, BackfillState.PAUSED}:
                raise Conflict(f"the backfill is {row.state}; there is nothing to resume")
            await self._check_startable(session, who, connector)
            tally = await take_tally(session, row, now)
            row.state, row.note = BackfillState.RUNNING, None
            row.started_at, row.resumed_at = row.started_at or now, now
            row.dead_limit = tally.dead + row.tolerance
            await session.flush()
            return await self._progress(session, row, connector, who.tenant)

    async def cancel(self, who: Principal, backfill_id: str) -> BackfillProgress:
        """Reserve no more tickets, for good; those under way are still minted.

        Raises:
            NotFound: the tenant has no such backfill.
            Conflict: it is over already.
        """
        async with self._database.write() as session:
            row, connector = await _lock(session, who, backfill_id)
            if row.state not in ACTIVE:
                raise Conflict(f"the backfill is {row.state} already")
            row.state, row.finished_at = BackfillState.CANCELLED, self._clock()
            row.note = f"cancelled by {who.label}"
            await session.flush()
            return await self._progress(session, row, connector, who.tenant)

    async def get(self, who: Principal, backfill_id: str) -> BackfillProgress:
        """Read a backfill and its progress.

        Raises:
            NotFound: the tenant has no such backfill.
        """
        async with self._database.read() as session:
            row, connector = await _find(session, who, backfill_id)
            return await self._progress(session, row, connector, who.tenant)

    async def list(self, who: Principal) -> list[BackfillProgress]:
        """Return the tenant's backfills with their progress, newest first, a hundred at most."""
        query = (
            select(BackfillRow, ConnectorRow)
            .join(ConnectorRow, ConnectorRow.id == BackfillRow.connector_id)
            .where(BackfillRow.tenant_id == who.tenant_id)
            .order_by(BackfillRow.id.desc())
            .limit(_MOST_LISTED)
        )
        async with self._database.read() as session:
            found: Sequence[tuple[BackfillRow, ConnectorRow]] = [
                (row, connector) for row, connector in await session.execute(query)
            ]
            return [
                await self._progress(session, row, connector, who.tenant)
                for row, connector in found
            ]

    async def _check_startable(
        self, session: AsyncSession, who: Principal, connector: ConnectorRow
    ) -> None:
        if not await is_on(session, who.tenant_id, Feature.BACKFILL):
            raise Conflict(HOW_TO_SWITCH_ON)
        obstacles = tuple(self._planner.obstacles(connector, who.tenant))
        if obstacles:
            raise Conflict("; ".join(obstacles))

    async def _progress(
        self, session: AsyncSession, row: BackfillRow, connector: ConnectorRow, tenant: str
    ) -> BackfillProgress:
        now = self._clock()
        tally = await take_tally(session, row, now)
        waiting_for = rest = None
        if row.state == BackfillState.RUNNING:
            waiting_for = await self._waiting_for(session, row, connector, tenant, now)
            rest = _remaining(row, connector, tally, now)
        return BackfillProgress(
            row=row, connector=connector, tally=tally, remaining=rest, waiting_for=waiting_for
        )

    async def _waiting_for(
        self,
        session: AsyncSession,
        row: BackfillRow,
        connector: ConnectorRow,
        tenant: str,
        now: datetime,
    ) -> str | None:
        if not await is_on(session, row.tenant_id, Feature.BACKFILL):
            return HOW_TO_SWITCH_ON
        obstacles = tuple(self._planner.obstacles(connector, tenant))
        if obstacles:
            return "; ".join(obstacles)
        if connector.quiet_until is not None and connector.quiet_until > now:
            return f"connector {connector.name} is quiet until {connector.quiet_until:%H:%M:%S} UTC"
        return None


def _remaining(row: BackfillRow, connector: ConnectorRow, tally: Tally, now: datetime) -> timedelta:
    ramp = Ramp(first=row.ramp_first, most=row.ramp_most)
    planned = duration(
        tickets=tally.left,
        calls=tally.left * calls_for(comments=1, moves=False),
        pace=pace_of(connector),
        ramp=ramp,
    )
    return remaining(tally, now=now, since=row.resumed_at, window=WINDOW, planned=planned)


def _check_ramp(ramp: Ramp) -> None:
    if ramp.most < ramp.first:
        raise Invalid("must not be less than ramp.first", field="ramp.most")


def _active_at(connector: int) -> Select[BackfillRow]:
    return select(BackfillRow).where(
        BackfillRow.connector_id == connector, BackfillRow.state.in_(ACTIVE)
    )


async def _connector(session: AsyncSession, who: Principal, connector_id: str) -> ConnectorRow:
    """Find a connector, also a removed one: the plan tells that it is."""
    row = await session.scalar(
        select(ConnectorRow).where(
            ConnectorRow.tenant_id == who.tenant_id, ConnectorRow.public_id == connector_id
        )
    )
    if row is None:
        raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
    return row


async def _find(
    session: AsyncSession, who: Principal, backfill_id: str
) -> tuple[BackfillRow, ConnectorRow]:
    query = (
        select(BackfillRow, ConnectorRow)
        .join(ConnectorRow, ConnectorRow.id == BackfillRow.connector_id)
        .where(BackfillRow.tenant_id == who.tenant_id, BackfillRow.public_id == backfill_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no backfill {backfill_id!r}", field="backfill_id")
    row, connector = found
    return row, connector


async def _lock(
    session: AsyncSession, who: Principal, backfill_id: str
) -> tuple[BackfillRow, ConnectorRow]:
    """Find a backfill for writing; no driver acts on it until the transaction ends."""
    await session.execute(
        select(BackfillRow.id)
        .where(BackfillRow.tenant_id == who.tenant_id, BackfillRow.public_id == backfill_id)
        .with_for_update(key_share=True)
    )
    return await _find(session, who, backfill_id)
