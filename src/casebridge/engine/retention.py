"""Retention: what was delivered goes after a while, and so do answers kept for a second request.

Of an event, what became of it stays: rows of the timeline refer to an event's row for ever, and its
digest and delivery id recognise a duplicate, however late it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select, update

from casebridge.persistence.database import Database
from casebridge.persistence.idempotency import IdempotencyRow
from casebridge.persistence.inbox import InboundEventRow
from casebridge.services.clock import Clock
from casebridge.services.idempotency import KEPT_FOR

log = logging.getLogger(__name__)

_EVERY: Final = timedelta(hours=1)
_BATCH: Final = 200


class Retention:
    """Purges headers and bodies of events, and idempotency keys, that are past their time."""

    def __init__(self, database: Database, clock: Clock, *, lasting: timedelta | None) -> None:
        """``lasting`` is how long a payload is kept, None for ever."""
        self._database = database
        self._clock = clock
        self._lasting = lasting
        self._stopping = asyncio.Event()

    async def run(self, *, sweep_seconds: float) -> None:  # noqa: ARG002 - nobody waits for this
        """Purge at once and then every hour, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                await self.purge()
                await self.forget_keys()
            except Exception:
                log.exception("purging failed; trying again in an hour")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _EVERY.total_seconds())

    def stop(self) -> None:
        """Ask `run` to end after the batch it is at."""
        self._stopping.set()

    async def purge(self) -> int:
        """Purge what is due, a few events in each transaction; return how many."""
        if self._lasting is None:
            return 0
        lasting = self._lasting
        total = await self._all(lambda: self._purge_some(lasting))
        if total:
            log.info("purged the payload of %d events", total)
        return total

    async def forget_keys(self) -> int:
        """Delete idempotency keys that are past their time, a few at a time; return how many."""
        return await self._all(self._forget_some)

    async def _all(self, work: Callable[[], Awaitable[int]]) -> int:
        """Do batch after batch until one is not full; return how many it were."""
        total = 0
        while not self._stopping.is_set():
            count = await work()
            total += count
            if count < _BATCH:
                break
        return total

    async def _forget_some(self) -> int:
        due = (
            select(IdempotencyRow.id)
            .where(IdempotencyRow.created_at < self._clock() - KEPT_FOR)
            .order_by(IdempotencyRow.created_at)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        async with self._database.write() as session:
            ids = (await session.scalars(due)).all()
            if ids:
                await session.execute(
                    delete(IdempotencyRow)
                    .where(IdempotencyRow.id.in_(ids))
                    .execution_options(synchronize_session=False)
                )
        return len(ids)

    async def _purge_some(self, lasting: timedelta) -> int:
        now = self._clock()
        due = (
            select(InboundEventRow.id)
            .where(
                InboundEventRow.purged_at.is_(None),
                InboundEventRow.received_at < now - lasting,
            )
            .order_by(InboundEventRow.received_at)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)  # several processes may be at it
        )
        async with self._database.write() as session:
            ids = (await session.scalars(due)).all()
            if ids:
                await session.execute(
                    update(InboundEventRow)
                    .where(InboundEventRow.id.in_(ids))
                    .values(purged_at=now, headers={}, body=b"")
                    .execution_options(synchronize_session=False)
                )
        return len(ids)
