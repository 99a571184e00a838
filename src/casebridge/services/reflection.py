"""Reflecting one ticket event in its case: status, assignee, comments, deletion and move.

Webhook, reconciler, resync and replay all come through here, so they cannot disagree. What is to be
done is decided in `casebridge.domain.inbound`; here it is loaded, applied and written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import UNMAPPED, new_id
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.locks import hold
from casebridge.services.fanout import FanOut
from casebridge.services.recollection import annotations_about, assignments_of, posted_comments
from casebridge.services.taking import News, Taking
from casebridge.services.ticket_metadata import name_assignee
from casebridge_core import NativeStatus, TicketEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection(News):
    """What one event needs to be reflected, in the caller's transaction."""

    session: AsyncSession
    fanout: FanOut

    async def apply(self, ref: RefRow, event: TicketEvent) -> tuple[bool, str | None]:
        """Reflect ``event`` in the case of ``ref``.

        Returns whether the case took anything from it, and the reason when its status stayed.
        """
        case = await self._lock(ref)
        rows = await annotations_about(self.session, ref, event)
        posted = await posted_comments(self.session, ref, event)
        taking = self.decide(case, ref, event, rows, posted)
        taken = taking.take()
        await self._store(taking)
        return taken, taking.decision.reason

    async def _lock(self, ref: RefRow) -> CaseRow:
        """Lock the case, then read the ref again: whoever held the lock may have changed it."""
        query = select(CaseRow).where(CaseRow.id == ref.case_id).with_for_update(key_share=True)
        case = (await self.session.scalars(query)).one()
        await self.session.refresh(ref)
        return case

    async def _store(self, taking: Taking) -> None:
        """Store what stands beside the rows of the case and the ref."""
        case, ref, session = taking.case, taking.ref, self.session
        session.add_all(taking.commented)
        if taking.named:
            name_assignee(case, await assignments_of(session, case), taking.arrival)
        if taking.unmapped is not None:
            await note_unmapped(session, ref, taking.unmapped, self.now)
        dismissed = taking.is_unmapped and await is_dismissed(session, ref, taking.event)
        session.add_all(TimelineRow(**line) for line in taking.conclude(dismissed=dismissed))
        await session.flush()
        if taking.due is not None:
            await self.fanout.schedule_refs(session, [ref.id], taking.due)
        if taking.moved:
            await self.fanout.schedule(session, case, self.now, but=[ref.id])


async def is_dismissed(session: AsyncSession, ref: RefRow, event: TicketEvent) -> bool:
    """Tell whether somebody has said of an unmapped status that it means nothing."""
    query = select(UnmappedStatusRow.dismissed_at).where(
        UnmappedStatusRow.connector_id == ref.connector_id,
        UnmappedStatusRow.name == (event.status.name if event.status is not None else ""),
    )
    return await session.scalar(query) is not None


async def note_unmapped(
    session: AsyncSession, ref: RefRow, native: NativeStatus, now: datetime
) -> None:
    """List a status that has no meaning for the case, or count it once more."""
    await hold(session, f"unmapped:{ref.connector_id}:{native.name}")
    row = await session.scalar(
        select(UnmappedStatusRow).where(
            UnmappedStatusRow.connector_id == ref.connector_id,
            UnmappedStatusRow.name == native.name,
        )
    )
    if row is None:
        row = UnmappedStatusRow(
            public_id=new_id(UNMAPPED),
            tenant_id=ref.tenant_id,
            connector_id=ref.connector_id,
            name=native.name,
            seen=0,
            first_seen_at=now,
        )
        session.add(row)
    row.native_id, row.category = native.id, native.category
    row.seen += 1
    row.last_seen_at = now
