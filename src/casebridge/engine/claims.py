"""Claims: at most one convergence per ref at a time, over all workers, enforced by the database."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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

    async def take(self, limit: int, vendors: Collection[str]) -> list[Claim]:
        """Claim up to ``limit`` refs that are due, of connectors that may be called now.

        A ref is due when its time has come, or when the worker that had it fell silent. The claim
        takes ``due_at``: a wake-up that comes later sets it again and is not lost.
        """
        now = self._clock()
        due = (
            select(RefRow.id)
            .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
            .where(_is_due(now), _is_callable(now, vendors))
            .order_by(RefRow.due_at, RefRow.id)
            .limit(limit)
        )
        async with self._database.read() as session:
            if await session.scalar(due.limit(1)) is None:
                return []
        async with self._database.write() as session:
            ids = (await session.scalars(due.with_for_update(of=RefRow, skip_locked=True))).all()
            return [await self._claim(session, ref_id, now) for ref_id in ids]

    async def _claim(self, session: AsyncSession, ref_id: int, now: datetime) -> Claim:
        token = secrets.token_hex(16)
        case_id = await session.scalar(
            update(RefRow)
            .where(RefRow.id == ref_id)
            .values(due_at=None, lease_token=token, lease_until=now + self._lease)
            .returning(RefRow.case_id)
        )
        return Claim(ref_id, case_id or 0, token)

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


def _is_due(now: datetime) -> ColumnElement[bool]:
    asked = and_(RefRow.due_at <= now, RefRow.lease_token.is_(None))
    abandoned = and_(RefRow.lease_token.is_not(None), RefRow.lease_until < now)
    return or_(asked, abandoned)


def _is_callable(now: datetime, vendors: Collection[str]) -> ColumnElement[bool]:
    return and_(
        ConnectorRow.enabled,
        ConnectorRow.removed_at.is_(None),
        ConnectorRow.paused_at.is_(None),
        or_(ConnectorRow.quiet_until.is_(None), ConnectorRow.quiet_until <= now),
        ConnectorRow.vendor.in_(vendors),
    )
