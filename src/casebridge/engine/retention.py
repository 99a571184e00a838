"""The retention of events: what was delivered goes after a while, and what became of it stays.

Rows of the timeline refer to an event's row for ever, and its digest and delivery id recognise a
duplicate, however late it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy import select, update

from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow
from casebridge.services.clock import Clock

log = logging.getLogger(__name__)

_EVERY: Final = timedelta(hours=1)
_BATCH: Final = 200


class Retention:
    """Purges headers and bodies that are older than they are kept."""

    def __init__(self, database: Database, clock: Clock, *, lasting: timedelta) -> None:
        """``lasting`` is how long a payload is kept."""
        self._database = database
        self._clock = clock
        self._lasting = lasting
        self._stopping = asyncio.Event()

    async def run(self, *, sweep_seconds: float) -> None:  # noqa: ARG002 - nobody waits for this
        """Purge at once and then every hour, until `stop` is called."""
        while not self._stopping.is_set():
            try:
                await self.purge()
            except Exception:
                log.exception("purging events failed; trying again in an hour")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _EVERY.total_seconds())

    def stop(self) -> None:
        """Ask `run` to end after the batch it is at."""
        self._stopping.set()

    async def purge(self) -> int:
        """Purge what is due, a few events in each transaction; return how many."""
        total = 0
        while not self._stopping.is_set():
            count = await self._purge_some()
            total += count
            if count < _BATCH:
                break
        if total:
            log.info("purged the payload of %d events", total)
        return total

    async def _purge_some(self) -> int:
        now = self._clock()
        due = (
            select(InboundEventRow.id)
            .where(
                InboundEventRow.purged_at.is_(None),
                InboundEventRow.received_at < now - self._lasting,
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
