"""Leases: at most one reconciler per connector at a time, over all processes, by the database."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.engine.claims import LeaseLost, is_callable
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock


class ReconcileLease(msgspec.Struct, frozen=True):
    """The right to reconcile a connector; ``token`` fences every write that is made under it."""

    connector_id: int
    token: str


class ReconcileLeases:
    """Hands out leases and guards what is written under them."""

    def __init__(
        self, database: Database, clock: Clock, *, lasting: timedelta, period: timedelta
    ) -> None:
        """``lasting`` without renewal; a new connector has its first turn after a ``period``.

        A period of zero leaves out every turn that nobody asked for.
        """
        self._database = database
        self._clock = clock
        self._period = period
        self.lasting = lasting

    async def take(self, limit: int, vendors: Collection[str]) -> list[ReconcileLease]:
        """Take up to ``limit`` connectors that are due and may be called, the longest due first.

        The lease takes ``reconcile_due_at``: who asks for a run meanwhile sets it again. A
        connector whose reconciler fell silent is due at once.
        """
        now = self._clock()
        due = (
            select(ConnectorRow.id)
            .where(is_callable(now, vendors), self._is_due(now))
            .order_by(ConnectorRow.reconcile_due_at, ConnectorRow.id)
            .limit(limit)
        )
        async with self._database.read() as session:
            if await session.scalar(due.limit(1)) is None:
                return []
        async with self._database.write() as session:
            locked = due.with_for_update(skip_locked=True, key_share=True)
            leases = [
                ReconcileLease(connector_id, secrets.token_hex(16))
                for connector_id in await session.scalars(locked)
            ]
            for lease in leases:
                await session.execute(
                    update(ConnectorRow)
                    .where(ConnectorRow.id == lease.connector_id)
                    .values(
                        reconcile_due_at=None,
                        reconcile_token=lease.token,
                        reconcile_until=now + self.lasting,
                    )
                )
        return leases

    async def renew(self, lease: ReconcileLease) -> bool:
        """Extend the lease; False when it is lost."""
        async with self._database.write() as session:
            renewed = await session.scalar(
                update(ConnectorRow)
                .where(_is_held(lease))
                .values(reconcile_until=self._clock() + self.lasting)
                .returning(ConnectorRow.id)
            )
        return renewed is not None

    @asynccontextmanager
    async def commit(
        self, lease: ReconcileLease
    ) -> AsyncIterator[tuple[AsyncSession, ConnectorRow]]:
        """Open a transaction that changes the connector.

        Raises:
            LeaseLost: another process reconciles it; nothing is written.
        """
        async with self._database.write() as session:
            row = await session.scalar(
                select(ConnectorRow).where(_is_held(lease)).with_for_update(key_share=True)
            )
            if row is None:
                raise LeaseLost
            yield session, row

    @asynccontextmanager
    async def beside(self, lease: ReconcileLease) -> AsyncIterator[AsyncSession]:
        """Open a transaction that changes cases: their locks come first, so there is none here.

        Raises:
            LeaseLost: another process reconciles the connector; nothing is written.
        """
        async with self._database.write() as session:
            if await session.scalar(select(ConnectorRow.id).where(_is_held(lease))) is None:
                raise LeaseLost
            yield session

    async def give_back(self, lease: ReconcileLease, next_at: datetime | None) -> None:
        """End the turn; the next is at ``next_at``, or when somebody asked for it meanwhile."""
        async with self.commit(lease) as (_, row):
            row.reconcile_token = row.reconcile_until = None
            row.reconcile_due_at = row.reconcile_due_at or next_at

    def _is_due(self, now: datetime) -> ColumnElement[bool]:
        free = ConnectorRow.reconcile_token.is_(None)
        due = ConnectorRow.reconcile_due_at
        asked = due <= now
        if self._period:
            asked = or_(asked, and_(due.is_(None), ConnectorRow.created_at <= now - self._period))
        return or_(and_(free, asked), ConnectorRow.reconcile_until < now)


def _is_held(lease: ReconcileLease) -> ColumnElement[bool]:
    return and_(ConnectorRow.id == lease.connector_id, ConnectorRow.reconcile_token == lease.token)
