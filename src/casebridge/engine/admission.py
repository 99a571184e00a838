"""Admission: when a reconciler may make its next call, behind the pushes of its connector."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from casebridge.engine.claims import LeaseLost
from casebridge.engine.gate import Gate
from casebridge.engine.reconcile_leases import ReconcileLease
from casebridge.engine.situation import may_be_called, still_quiet
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.fanout import NEW_WORK

_PATIENCE: Final = timedelta(seconds=30)
_PAUSE_SECONDS: Final = 0.5
_PAUSES: Final = 60


class PutOff(Exception):
    """The turn ends early, without a failure; the next is at ``until``."""

    def __init__(self, until: datetime) -> None:
        """Say when to go on."""
        super().__init__(until)
        self.until = until


class Admission:
    """Lets calls of reconcilers through, one by one, within the limits of their connectors."""

    def __init__(self, database: Database, gate: Gate, clock: Clock) -> None:
        """Bind the connectors' rows and their gate."""
        self._database = database
        self._gate = gate
        self._clock = clock
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let nothing through any more."""
        self._stopping.set()

    async def wait(self, lease: ReconcileLease) -> None:
        """Wait until the vendor takes a call of ours.

        Where calls are limited, new pushes go first, but not for ever.

        Raises:
            PutOff: no call is to be made now, or not for longer than it is waited for.
            LeaseLost: another process reconciles the connector.
        """
        opens_at: datetime | None = None
        for _ in range(_PAUSES):
            now = self._clock()
            row = await self._look(lease)
            if self._stopping.is_set() or not may_be_called(row):
                raise PutOff(now)
            limited = row.calls_per_minute is not None
            opens_at = still_quiet(row, now) or await self._gate.admit(row.id, limited=limited)
            if opens_at is None and not (limited and await self._pushes_wait(row.id, now)):
                return
            if opens_at is not None and opens_at - now > _PATIENCE:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _PAUSE_SECONDS)
        if opens_at is not None:
            raise PutOff(opens_at)

    async def _look(self, lease: ReconcileLease) -> ConnectorRow:
        async with self._database.read() as session:
            row = await session.get_one(ConnectorRow, lease.connector_id)
        if row.reconcile_token != lease.token:
            raise LeaseLost
        return row

    async def _pushes_wait(self, connector_id: int, now: datetime) -> bool:
        query = select(RefRow.id).where(
            RefRow.connector_id == connector_id,
            RefRow.due_at <= now,
            RefRow.priority == NEW_WORK,
            RefRow.lease_token.is_(None),
        )
        async with self._database.read() as session:
            return await session.scalar(query.limit(1)) is not None
