"""The driver of backfills: keeps each running one at its ramp, a batch a transaction.

It only reserves refs; minting them is the engine's work like any other. All it knows is in the
backfill's row, so a restart costs nothing, and the lock on that row lets one process act at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.domain.backfill import BackfillState, Ramp, Tally
from casebridge.persistence.backfills import BackfillRow, FeatureFlagRow
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.services import timeline
from casebridge.services.backfill_tally import awaits_ticket, take_tally
from casebridge.services.clock import Clock
from casebridge.services.fanout import BACKFILL, NEW_WORK, FanOut
from casebridge.services.flags import Feature
from casebridge.services.timeline import Cause

log = logging.getLogger(__name__)

_LOOK_WHILE_RUNNING: Final = 0.2
_BATCH: Final = 50


class BackfillDriver:
    """Looks after every running backfill."""

    def __init__(
        self, database: Database, fanout: FanOut, clock: Clock, *, vendors: Collection[str]
    ) -> None:
        """``vendors`` are those whose plugins are here: the others' backfills wait."""
        self._database = database
        self._fanout = fanout
        self._clock = clock
        self._vendors = vendors
        self._stopping = asyncio.Event()

    async def run(self, *, sweep_seconds: float) -> None:
        """Run until `stop` is called: often while something is running, else once a sweep."""
        while not self._stopping.is_set():
            pause = sweep_seconds
            try:
                if await self.advance():
                    pause = min(sweep_seconds, _LOOK_WHILE_RUNNING)
            except DatabaseUnavailable as error:
                log.warning("looking after the backfills failed: %s; trying again", error)
            except Exception:
                log.exception("looking after the backfills failed; trying again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()

    async def advance(self) -> int:
        """Bring every running backfill up to its ramp; return how many are running."""
        async with self._database.read() as session:
            running = (await session.scalars(self._running())).all()
            wanting = [row for row in running if await self._wants_something(session, row)]
        for row in wanting:
            await self._advance(row.id)
        return len(running)

    async def _wants_something(self, session: AsyncSession, row: BackfillRow) -> bool:
        tally = await take_tally(session, row, self._clock(), with_cases=False)
        if tally.left == 0 or tally.dead >= row.dead_limit:
            return True
        if _room(row, tally) == 0:
            return False
        waiting = select(CaseRow.id).where(awaits_ticket(row.tenant_id, row.connector_id)).limit(1)
        ahead = await session.scalar(waiting.where(CaseRow.id > row.last_case_id))
        return (ahead or await session.scalar(waiting)) is not None

    async def _advance(self, backfill_id: int) -> None:
        now = self._clock()
        async with self._database.write() as session:
            row = await session.scalar(
                select(BackfillRow)
                .where(BackfillRow.id == backfill_id, BackfillRow.state == BackfillState.RUNNING)
                .with_for_update(skip_locked=True, key_share=True)
            )
            if row is None:  # another process is at it, or it was paused meanwhile
                return
            await _hand_over(session, row)
            tally = await take_tally(session, row, now, with_cases=False)
            if tally.dead >= row.dead_limit:
                row.state = BackfillState.PAUSED
                row.note = (
                    f"paused by itself: {tally.dead} tickets are dead letters; look at the"
                    " connector's failures, replay them, and resume"
                )
                return
            cases = await self._next_cases(session, row, min(_BATCH, _room(row, tally)))
            await self._reserve(session, row, cases)
            if not cases and tally.left == 0 and _room(row, tally) > 0:
                row.state, row.finished_at = BackfillState.DONE, now
                row.note = None

    async def _reserve(
        self, session: AsyncSession, row: BackfillRow, cases: Sequence[CaseRow]
    ) -> None:
        now = self._clock()
        reserved = await self._fanout.reserve(
            session, cases, now, only=row.connector_id, backfill=row.id
        )
        for case in cases:
            row.last_case_id = case.id
            for ref, connector in reserved[case.id]:
                cause = Cause(actor=row.actor, at=now, connector_id=connector.id)
                text = f"backfill of {connector.name}: a ticket is reserved"
                detail = {"backfill": row.public_id, "ticket": ref.public_id}
                timeline.record(session, case, cause, TimelineKind.BACKFILL, text, **detail)

    async def _next_cases(
        self, session: AsyncSession, row: BackfillRow, limit: int
    ) -> Sequence[CaseRow]:
        """Lock the next waiting cases, oldest first.

        Past the last one it begins anew, for a case behind it that was reopened.
        """
        if limit == 0:
            return ()
        waiting = (
            select(CaseRow)
            .where(awaits_ticket(row.tenant_id, row.connector_id))
            .order_by(CaseRow.id)
            .limit(limit)
            .with_for_update(key_share=True)
        )
        found = await session.scalars(waiting.where(CaseRow.id > row.last_case_id))
        return found.all() or (await session.scalars(waiting)).all()

    def _running(self) -> Select[BackfillRow]:
        return (
            select(BackfillRow)
            .join(ConnectorRow, ConnectorRow.id == BackfillRow.connector_id)
            .join(FeatureFlagRow, FeatureFlagRow.tenant_id == BackfillRow.tenant_id)
            .where(
                BackfillRow.state == BackfillState.RUNNING,
                FeatureFlagRow.name == Feature.BACKFILL,
                FeatureFlagRow.enabled,
                ConnectorRow.enabled,
                ConnectorRow.held_by.is_(None),
                ConnectorRow.removed_at.is_(None),
                ConnectorRow.paused_at.is_(None),
                ConnectorRow.vendor.in_(self._vendors),
            )
            .order_by(BackfillRow.id)
        )


def _room(row: BackfillRow, tally: Tally) -> int:
    ramp = Ramp(first=row.ramp_first, most=row.ramp_most)
    return ramp.room(minted=tally.minted, under_way=tally.under_way)


async def _hand_over(session: AsyncSession, row: BackfillRow) -> None:
    """Let tickets that are done with be new work from now on, like any other."""
    await session.execute(
        update(RefRow)
        .where(
            RefRow.backfill_id == row.id,
            RefRow.priority == BACKFILL,
            RefRow.external_id.is_not(None),
            RefRow.due_at.is_(None),
            RefRow.lease_token.is_(None),
        )
        .values(priority=NEW_WORK)
        .execution_options(synchronize_session=False)
    )
