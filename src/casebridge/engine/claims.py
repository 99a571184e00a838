"""Claims: at most one convergence per ref at a time, over all workers, enforced by the database."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.pacing import Demand, share_out
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock


class LeaseLost(Exception):
    """Another worker has taken the ref over; whatever this one still wanted to write is void."""


class Claim(msgspec.Struct, frozen=True):
    """The right to converge a ref; ``token`` fences every write that is made under it."""

    ref_id: int
    case_id: int
    token: str


class Claims:
    """Hands out claims and guards what is written under them."""

    def __init__(self, database: Database, clock: Clock, *, lease: timedelta) -> None:
        """``lease`` is how long a claim lasts without being renewed."""
        self._database = database
        self._clock = clock
        self._lease = lease
        self._turn = 0

    async def take(self, limit: int, vendors: Collection[str]) -> list[Claim]:
        """Claim up to ``limit`` refs that are due, of connectors that may be called now.

        A ref is due when its time has come, or when the worker that had it fell silent. The claim
        takes ``due_at``: a wake-up that comes later sets it again and is not lost. Tenants and
        connectors take turns, new work goes before backfill, and no connector gets more than its
        limit in flight, whoever else claims at the same time.
        """
        now = self._clock()
        async with self._database.read() as session:
            callable_due = (
                select(RefRow.id)
                .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
                .where(_is_due(now), is_callable(now, vendors))
            )
            if await session.scalar(callable_due.limit(1)) is None:
                return []
        async with self._database.write() as session:
            await _recover(session, now)
            demands = await _demands(session, now, vendors)
            self._turn += 1
            claims: list[Claim] = []
            for connector_id, count in share_out(demands, limit, turn=self._turn).items():
                claims += await self._claim(session, connector_id, count, now)
            return claims

    async def _claim(
        self, session: AsyncSession, connector_id: int, count: int, now: datetime
    ) -> list[Claim]:
        due = (
            select(RefRow.id, RefRow.case_id)
            .where(RefRow.connector_id == connector_id, _is_asked(now))
            .order_by(RefRow.priority, RefRow.due_at, RefRow.id)
            .limit(count)
            .with_for_update(skip_locked=True)
        )
        claims = [
            Claim(ref_id, case_id, secrets.token_hex(16))
            for ref_id, case_id in await session.execute(due)
        ]
        for claim in claims:
            await session.execute(
                update(RefRow)
                .where(RefRow.id == claim.ref_id)
                .values(due_at=None, lease_token=claim.token, lease_until=now + self._lease)
            )
        return claims

    async def renew(self, claim: Claim) -> bool:
        """Extend the lease; False when the claim is lost."""
        async with self._database.write() as session:
            renewed = await session.scalar(
                update(RefRow)
                .where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
                .values(lease_until=self._clock() + self._lease)
                .returning(RefRow.id)
            )
        return renewed is not None

    async def release(self, claim: Claim) -> None:
        """Give the claim back; a lost one is left alone."""
        async with self._database.write() as session:
            await session.execute(
                update(RefRow)
                .where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
                .values(lease_token=None, lease_until=None)
            )

    @asynccontextmanager
    async def commit(self, claim: Claim) -> AsyncIterator[tuple[AsyncSession, RefRow, CaseRow]]:
        """Open the transaction of one step: the case is locked first, as everywhere.

        Raises:
            LeaseLost: the claim is not ours any more; nothing is written.
        """
        async with self._database.write() as session:
            case = (
                await session.scalars(
                    select(CaseRow)
                    .where(CaseRow.id == claim.case_id)
                    .with_for_update(key_share=True)
                )
            ).one()
            ref = await session.scalar(
                select(RefRow)
                .where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
                .with_for_update(key_share=True)
            )
            if ref is None:
                raise LeaseLost
            ref.updated_at = self._clock()
            yield session, ref, case

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts without being renewed."""
        return self._lease


async def _recover(session: AsyncSession, now: datetime) -> None:
    """Make due what a silent worker had; whatever it still wants to write is void."""
    await session.execute(
        update(RefRow)
        .where(RefRow.lease_until < now)
        .values(
            due_at=now,
            lease_token=None,
            lease_until=None,
            # until a moment ago, it may have been creating the ticket
            create_attempted_at=case((RefRow.create_attempted_at.is_not(None), now)),
        )
        .execution_options(synchronize_session=False)
    )


async def _demands(session: AsyncSession, now: datetime, vendors: Collection[str]) -> list[Demand]:
    """Tell how much each connector could start now.

    The connectors are locked first and what is in flight is counted in a second statement, so
    that two workers never count the same free place.
    """
    waiting = await _count(session, _is_asked(now))
    connectors = await session.execute(
        select(ConnectorRow.id, ConnectorRow.tenant_id, ConnectorRow.in_flight)
        .where(ConnectorRow.id.in_(waiting), is_callable(now, vendors))
        .order_by(ConnectorRow.id)
        .with_for_update(key_share=True)
    )
    found = connectors.all()
    busy = await _count(session, RefRow.lease_until.is_not(None))
    return [
        Demand(
            tenant_id=tenant,
            connector_id=connector,
            wanted=min(waiting[connector], most - busy.get(connector, 0)),
        )
        for connector, tenant, most in found
    ]


async def _count(session: AsyncSession, which: ColumnElement[bool]) -> dict[int, int]:
    """Return the number of refs of a kind for each connector."""
    query = select(RefRow.connector_id, func.count()).where(which).group_by(RefRow.connector_id)
    return {connector: count for connector, count in await session.execute(query)}  # noqa: C416 - rows are not pairs to a type checker


def _is_asked(now: datetime) -> ColumnElement[bool]:
    return and_(RefRow.due_at <= now, RefRow.lease_token.is_(None))


def _is_due(now: datetime) -> ColumnElement[bool]:
    return or_(_is_asked(now), RefRow.lease_until < now)


def is_callable(now: datetime, vendors: Collection[str]) -> ColumnElement[bool]:
    """Tell of which connectors the vendor may be called now."""
    return and_(
        ConnectorRow.enabled,
        ConnectorRow.removed_at.is_(None),
        ConnectorRow.paused_at.is_(None),
        or_(ConnectorRow.quiet_until.is_(None), ConnectorRow.quiet_until <= now),
        ConnectorRow.vendor.in_(vendors),
    )
