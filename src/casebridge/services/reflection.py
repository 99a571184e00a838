"""Reflecting one ticket event in its case: status, assignee, comments, deletion and move.

Webhook, reconciler, resync and replay all come through here, so they cannot disagree. What is to be
done is decided in `casebridge.domain.inbound`; here it is loaded, applied and written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind, cross_system
from casebridge.domain.decision import Reason, StatusDecision, is_same
from casebridge.domain.identifiers import UNMAPPED, new_id
from casebridge.domain.inbound import Decision, decide
from casebridge.domain.watermarks import Arrival, Source
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.locks import hold
from casebridge.services.fanout import FanOut
from casebridge.services.lifecycle import transition
from casebridge.services.narration import Narration, Origin, named
from casebridge.services.recollection import Annotations, annotations_about, what_is_known
from casebridge.services.snapshots import note_ticket_status, settle, ticket_status
from casebridge.services.ticket_metadata import (
    name_assignee,
    take_assignee,
    take_comment,
    take_whereabouts,
)
from casebridge.services.timeline import Cause
from casebridge_core import (
    Capability,
    CaseStatus,
    Connector,
    NativeStatus,
    TicketEvent,
    VendorHooks,
)

SECOND_THOUGHT: Final = timedelta(seconds=2)
"""How long a doubt waits for the ticket to be read: a vendor may tell of a change before its own
commit, and one whose clock counts whole seconds may tell of two that have no order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """What one event needs to be reflected, in the caller's transaction.

    ``origin`` is None for webhooks and for what somebody asked to be read. ``source`` is how the
    news came; ``received_at`` is when it came in, where that is not now.
    """

    session: AsyncSession
    fanout: FanOut
    hooks: VendorHooks
    connector: Connector[Any]
    account: str | None
    event_row: int | None
    event_id: str | None
    now: datetime
    received_at: datetime | None = None
    origin: Origin | None = None
    source: Source = Source.TOLD

    async def apply(self, ref: RefRow, event: TicketEvent) -> tuple[bool, str | None]:
        """Reflect ``event`` in the case of ``ref``.

        Returns whether the case took anything from it, and the reason when its status stayed.
        """
        case = await self._lock(ref)
        rows = await annotations_about(self.session, ref, event)
        known = await what_is_known(self.session, case, ref, event, rows, account=self.account)
        native, arrival = event.status, self._arrival(event)
        meanings = self.hooks.meanings_of(self.connector, native) if native is not None else ()
        decision = decide(known, event, meanings=meanings, arrival=arrival)
        taken = await self._take(case, ref, event, decision, arrival, rows)
        if decision.asks:
            await self._ask(ref, decision)
        return taken, decision.reason

    async def _lock(self, ref: RefRow) -> CaseRow:
        """Lock the case, then read the ref again: whoever held the lock may have changed it."""
        query = select(CaseRow).where(CaseRow.id == ref.case_id).with_for_update(key_share=True)
        case = (await self.session.scalars(query)).one()
        await self.session.refresh(ref)
        return case

    def _arrival(self, event: TicketEvent) -> Arrival:
        return Arrival(
            at=event.occurred_at,
            now=self.now,
            received_at=self.received_at or self.now,
            source=self.source,
            readable=self.hooks.can(Capability.FETCH_TICKET),
        )

    async def _take(
        self,
        case: CaseRow,
        ref: RefRow,
        event: TicketEvent,
        decision: Decision,
        arrival: Arrival,
        rows: Annotations,
    ) -> bool:
        """Do what was decided, field by field; tell whether the case took anything."""
        narration = self._narration(case, ref)
        ref.last_inbound_at = max(ref.last_inbound_at or arrival.received_at, arrival.received_at)
        ref.updated_at = self.now
        moved = take_whereabouts(ref, event, decision.whereabouts, arrival, narration)
        followed = await self._take_status(case, ref, event, decision.status, arrival, narration)
        assigned = take_assignee(ref, decision.assignee, narration)
        if moved or event.assignee is not UNSET:
            await name_assignee(self.session, case, arrival)
        said = [
            take_comment(self.session, event, its_id, rows.get(its_id), comment, narration)
            for its_id, comment in decision.comments.items()
        ]
        taken = moved or followed or assigned or any(said)
        dismissed = decision.reason is Reason.UNMAPPED and await self._is_dismissed(ref, event)
        narration.conclude(event, decision, taken=taken, account=self.account, dismissed=dismissed)
        return taken

    async def _take_status(
        self,
        case: CaseRow,
        ref: RefRow,
        event: TicketEvent,
        decision: StatusDecision,
        arrival: Arrival,
        narration: Narration,
    ) -> bool:
        if decision.is_seen:
            ref.status_seen_at = arrival.advance(ref.status_seen_at)
        if event.status is None or not decision.is_noted:
            return False
        native = event.status
        is_news = arrival.source is Source.TOLD or not is_same(native, ticket_status(ref))
        note_ticket_status(ref, native, arrival.received_at)
        if decision.reason is Reason.UNMAPPED and is_news:
            await self._note_unmapped(ref, native)
        if decision.reason is Reason.ALREADY_THERE:
            await self._settle(ref, CaseStatus(case.status), native)
        if decision.reason is Reason.SUPERSEDED and is_news:
            await self._look_again(ref)
        if decision.apply is None:
            return False
        await self._settle(ref, decision.apply, native)
        await transition(
            self.session, self.fanout, case, decision.apply, narration.cause, source_ref=ref.id
        )
        text = f"{named(event.actor)} moved {ref.external_key} to {native.name}"
        narration.record(TimelineKind.INBOUND_ACTOR, text)
        return True

    async def _settle(self, ref: RefRow, status: CaseStatus, native: NativeStatus) -> None:
        settle(ref, status, native)
        ref.last_inbound_status = status
        await self._look_again(ref)

    async def _look_again(self, ref: RefRow) -> None:
        """Wake a ref whose push failed, or is under way and may yet fail: this news bears on it."""
        if ref.last_error is not None or ref.status_attempted_at is not None:
            await self.fanout.schedule_refs(self.session, [ref.id], self.now)

    async def _ask(self, ref: RefRow, decision: Decision) -> None:
        """Have the ticket read, soon; where our push is under way, by whoever is at it."""
        ref.verify_asked = True
        if decision.reason is Reason.PUSH_IN_FLIGHT:
            return
        at = self.now + SECOND_THOUGHT
        due = at if ref.due_at is None else min(at, ref.due_at)
        await self.session.flush()
        await self.fanout.schedule_refs(self.session, [ref.id], due)

    async def _note_unmapped(self, ref: RefRow, native: NativeStatus) -> None:
        await hold(self.session, f"unmapped:{ref.connector_id}:{native.name}")
        row = await self.session.scalar(
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
                first_seen_at=self.now,
            )
            self.session.add(row)
        row.native_id, row.category = native.id, native.category
        row.seen += 1
        row.last_seen_at = self.now

    async def _is_dismissed(self, ref: RefRow, event: TicketEvent) -> bool:
        """Tell whether somebody has said of an unmapped status that it means nothing."""
        query = select(UnmappedStatusRow.dismissed_at).where(
            UnmappedStatusRow.connector_id == ref.connector_id,
            UnmappedStatusRow.name == (event.status.name if event.status is not None else ""),
        )
        return await self.session.scalar(query) is not None

    def _narration(self, case: CaseRow, ref: RefRow) -> Narration:
        cause = Cause(
            actor=self.origin.actor if self.origin else cross_system(self.connector.vendor),
            at=self.now,
            connector_id=ref.connector_id,
            event_id=self.event_row,
        )
        return Narration(
            session=self.session,
            case=case,
            ref=ref,
            cause=cause,
            event_id=self.event_id,
            origin=self.origin,
        )
