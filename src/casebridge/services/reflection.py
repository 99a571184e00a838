"""Reflecting one ticket event in its case: status, assignee, comments, deletion and move.

The webhook and the reconciler both come through here, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind, cross_system
from casebridge.domain.decision import CaseState, Decision, Reason, RefState, decide
from casebridge.domain.identifiers import ANNOTATION, UNMAPPED, new_id
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.services import timeline
from casebridge.services.fanout import FanOut
from casebridge.services.lifecycle import transition
from casebridge.services.snapshots import note_ticket_status, settle, settled_native, ticket_status
from casebridge.services.timeline import Cause
from casebridge_core import (
    CaseStatus,
    CommentAction,
    Connector,
    InboundComment,
    NativeStatus,
    TicketEvent,
    VendorHooks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where news comes from that no webhook told.

    ``actor`` is the label of its rows, ``words`` the text of the row that refers to the source.
    Only what the case takes over gets rows: most of what is read again and again is known.
    """

    actor: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflection:
    """What one event needs to be reflected, in the caller's transaction.

    ``origin`` is None for webhooks and for what somebody asked to be read. ``received_at`` is when
    the news came in, where that is not now.
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

    async def apply(self, ref: RefRow, event: TicketEvent) -> tuple[bool, str | None]:
        """Reflect ``event`` in the case of ``ref``.

        Returns whether the case took anything from it, and the reason when its status stayed.
        """
        case = await self._lock(ref)
        overtaken = _is_older(self._came_in_at, ref.last_inbound_at)
        if not overtaken:
            ref.last_inbound_at = self._came_in_at
        ref.updated_at = self.now
        decision = await self._reflect_status(case, ref, event)
        taken = decision.apply is not None
        taken |= self._reflect_deletion(case, ref, event)
        taken |= self._reflect_move(case, ref, event)
        if event.occurred_at is not None or not overtaken:
            taken |= self._reflect_assignee(case, ref, event)
        for comment in event.comments:
            taken |= await self._reflect_comment(case, ref, comment)
        if self.origin is not None:
            if taken and decision.apply is None:
                self._refer(case, ref)
        elif decision.apply is None and decision.reason is not Reason.TICKET_DELETED and not taken:
            self._explain(case, ref, event, decision)
        return taken, decision.reason

    async def _lock(self, ref: RefRow) -> CaseRow:
        """Lock the case, then read the ref again: whoever held the lock may have changed it."""
        query = select(CaseRow).where(CaseRow.id == ref.case_id).with_for_update(key_share=True)
        case = (await self.session.scalars(query)).one()
        await self.session.refresh(ref)
        return case

    async def _reflect_status(self, case: CaseRow, ref: RefRow, event: TicketEvent) -> Decision:
        native = event.status
        meanings = self.hooks.meanings_of(self.connector, native) if native is not None else ()
        decision = decide(
            _case_state(case),
            self._ref_state(ref),
            event,
            meanings=meanings,
            received_at=self._came_in_at,
        )
        if native is None or decision.reason in {
            Reason.STALE,
            Reason.OWN_WRITE,
            Reason.PUSH_IN_FLIGHT,
            Reason.TICKET_DELETED,
        }:
            return decision
        note_ticket_status(ref, native, self._came_in_at)
        ref.status_seen_at = event.occurred_at or ref.status_seen_at
        if decision.reason is Reason.UNMAPPED:
            await self._note_unmapped(ref, native)
        if decision.reason is Reason.ALREADY_THERE:
            await self._settle(ref, CaseStatus(case.status), native)
        if decision.reason is Reason.SUPERSEDED:
            await self._look_again(ref)
        if decision.apply is not None:
            await self._settle(ref, decision.apply, native)
            await self._move_case(case, ref, event, native, decision.apply)
        return decision

    async def _settle(self, ref: RefRow, status: CaseStatus, native: NativeStatus) -> None:
        settle(ref, status, native)
        ref.last_inbound_status = status
        await self._look_again(ref)

    async def _look_again(self, ref: RefRow) -> None:
        """Wake a ref whose push failed, or is under way and may yet fail: this news bears on it."""
        if ref.last_error is not None or ref.status_attempted_at is not None:
            await self.fanout.schedule_refs(self.session, [ref.id], self.now)

    async def _move_case(
        self, case: CaseRow, ref: RefRow, event: TicketEvent, native: NativeStatus, to: CaseStatus
    ) -> None:
        await transition(
            self.session,
            self.fanout,
            case,
            to,
            self._cause(ref),
            source_ref=ref.id,
        )
        who = (event.actor.name or event.actor.id) if event.actor is not None else "somebody"
        text = f"{who} moved {ref.external_key} to {native.name}"
        self._record(case, ref, TimelineKind.INBOUND_ACTOR, text)
        self._refer(case, ref)

    def _refer(self, case: CaseRow, ref: RefRow) -> None:
        """Record what the rows before it rest on."""
        text = f"payload {self.event_id}" if self.event_id else "read from the ticket itself"
        if self.origin is not None:
            text = self.origin.words
        self._record(case, ref, TimelineKind.INBOUND_PAYLOAD, text, event=self.event_id)

    def _reflect_deletion(self, case: CaseRow, ref: RefRow, event: TicketEvent) -> bool:
        if not event.deleted or ref.gone_at is not None:
            return False
        ref.gone_at = self.now
        ref.due_at = None
        text = f"{ref.external_key} was deleted at the vendor; the case keeps its status"
        self._record(case, ref, TimelineKind.TICKET_DELETED, text)
        return True

    def _reflect_move(self, case: CaseRow, ref: RefRow, event: TicketEvent) -> bool:
        before, after = ref.external_key, event.key
        if after is None or before is None or after == before:
            return False
        ref.external_key = after
        if ref.external_url is not None and ref.external_url.endswith(before):
            ref.external_url = ref.external_url.removesuffix(before) + after
        self._record(case, ref, TimelineKind.TICKET_MOVED, f"{before} is now {after}")
        return True

    def _reflect_assignee(self, case: CaseRow, ref: RefRow, event: TicketEvent) -> bool:
        """Take over who has the ticket; a ticket of nobody's takes no other ticket's assignee."""
        if event.assignee is UNSET or _is_older(event.occurred_at, ref.assignee_seen_at):
            return False
        ref.assignee_seen_at = event.occurred_at or ref.assignee_seen_at
        person = event.assignee
        before, ref.assignee_id = ref.assignee_id, person.id if person is not None else None
        told_by_another = ref.assignee_id is None and case.assignee_id != before
        if ref.assignee_id in {before, case.assignee_id} or told_by_another:
            return False
        case.assignee_id = ref.assignee_id
        case.assignee_name = person.name if person is not None else None
        case.assignee_email = person.email if person is not None else None
        case.updated_at = self.now
        who = (person.name or person.id) if person is not None else "nobody"
        text = f"{ref.external_key} is assigned to {who}"
        self._record(case, ref, TimelineKind.ASSIGNEE_CHANGED, text)
        return True

    async def _reflect_comment(self, case: CaseRow, ref: RefRow, comment: InboundComment) -> bool:
        if comment.key is not None or (comment.author and comment.author.id == self.account):
            return False
        known = await self.session.scalar(
            select(AnnotationRow).where(
                AnnotationRow.ref_id == ref.id, AnnotationRow.external_id == comment.external_id
            )
        )
        if known is None:
            self.session.add(self._new_annotation(case, ref, comment))
        elif not self._change_annotation(known, comment):
            return False
        who = (comment.author.name or comment.author.id) if comment.author else "somebody"
        text = f"{who} {_VERBS[comment.action]} on {ref.external_key}"
        self._record(case, ref, TimelineKind.ANNOTATION, text, comment=comment.external_id)
        return True

    def _new_annotation(self, case: CaseRow, ref: RefRow, comment: InboundComment) -> AnnotationRow:
        """Return the comment as an annotation; of a deleted one, too: its text may come later."""
        deleted = comment.action is CommentAction.DELETED
        return AnnotationRow(
            public_id=new_id(ANNOTATION),
            tenant_id=case.tenant_id,
            case_id=case.id,
            ref_id=ref.id,
            external_id=comment.external_id,
            author_id=comment.author.id if comment.author else None,
            author_name=comment.author.name if comment.author else None,
            text=comment.text,
            internal=comment.internal,
            written_at=comment.at or self.now,
            deleted_at=self.now if deleted else None,
        )

    def _change_annotation(self, known: AnnotationRow, comment: InboundComment) -> bool:
        """Follow an edit or a deletion; an older version of the comment changes nothing."""
        if known.deleted_at is not None:
            return False
        if comment.action is CommentAction.DELETED:
            known.deleted_at = comment.at or self.now
            return True
        if comment.text == known.text or _is_older(comment.at, known.edited_at or known.written_at):
            return False
        known.text = comment.text
        known.edited_at = comment.at or self.now
        return True

    async def _note_unmapped(self, ref: RefRow, native: NativeStatus) -> None:
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

    def _explain(self, case: CaseRow, ref: RefRow, event: TicketEvent, decision: Decision) -> None:
        what = f"is {event.status.name}" if event.status is not None else "changed"
        reason = Reason.OWN_WRITE if self._is_ours(event) else decision.reason
        text = f"{ref.external_key} {what}: {_WORDS.get(reason, reason)}"
        self._record(case, ref, TimelineKind.INBOUND_IGNORED, text, reason=decision.reason)

    def _is_ours(self, event: TicketEvent) -> bool:
        """Tell whether the event only tells what the bridge itself did."""
        people = {
            person.id for person in (event.actor, *(c.author for c in event.comments)) if person
        }
        return people == {self.account}

    def _record(
        self, case: CaseRow, ref: RefRow, kind: TimelineKind, text: str, **detail: object
    ) -> None:
        timeline.record(self.session, case, self._cause(ref), kind, text, **detail)

    def _cause(self, ref: RefRow) -> Cause:
        return Cause(
            actor=self._label,
            at=self.now,
            connector_id=ref.connector_id,
            event_id=self.event_row,
        )

    @property
    def _came_in_at(self) -> datetime:
        return self.received_at or self.now

    @property
    def _label(self) -> str:
        return self.origin.actor if self.origin else cross_system(self.connector.vendor)

    def _ref_state(self, ref: RefRow) -> RefState:
        return RefState(
            settled_status=CaseStatus(ref.settled_status) if ref.settled_status else None,
            settled_native=settled_native(ref) or ticket_status(ref),
            status_seen_at=ref.status_seen_at,
            status_noted_at=ref.status_noted_at,
            own_account=self.account,
            pushing=ref.status_attempted_at is not None,
        )


_VERBS = {
    CommentAction.CREATED: "commented",
    CommentAction.EDITED: "edited a comment",
    CommentAction.DELETED: "deleted a comment",
}
_WORDS: dict[Reason | None, str] = {
    Reason.NO_STATUS: "nothing that the case takes over",
    Reason.STALE: "older than what is known",
    Reason.OWN_WRITE: "our own change coming back",
    Reason.PUSH_IN_FLIGHT: "our own change is under way",
    Reason.LAST_KNOWN: "known already",
    Reason.ALREADY_THERE: "the case is there already",
    Reason.SUPERSEDED: "the case has moved since, and the ticket will follow",
    Reason.UNMAPPED: "this status has no meaning for the case yet; map it to take it over",
}


def _case_state(case: CaseRow) -> CaseState:
    return CaseState(
        status=CaseStatus(case.status),
        trail=tuple(CaseStatus(held) for held in case.status_trail),
        status_changed_at=case.status_changed_at,
    )


def _is_older(at: datetime | None, known: datetime | None) -> bool:
    return at is not None and known is not None and at < known
