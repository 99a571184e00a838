"""Taking over what was decided of one event: on the rows of its case and ticket, field by field.

Nothing here waits or asks the database: what belongs beside the two rows (lines, wake-ups,
annotations, an unmapped status) is noted, and stored by the caller. So an event that is alone in
its transaction and one of a group are taken over by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET

from casebridge.domain.actors import TimelineKind, cross_system
from casebridge.domain.decision import Reason, is_same
from casebridge.domain.inbound import Decision, decide
from casebridge.domain.watermarks import Arrival, Source
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.services.lifecycle import change_status
from casebridge.services.narration import Narration, Origin, named
from casebridge.services.recollection import Annotations, Posted, what_is_known
from casebridge.services.snapshots import note_ticket_status, settle, ticket_status
from casebridge.services.ticket_metadata import take_assignee, take_comment, take_whereabouts
from casebridge.services.timeline import Cause, Line
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


@dataclass(slots=True, kw_only=True)
class Taking:
    """One decided event on its way into the rows of its case and ref.

    After `take`: ``taken`` is whether the case took anything, ``moved`` whether its other tickets
    are to follow, ``due`` when its own is to be looked at (None: no sooner than it is anyway),
    ``unmapped`` the status to be listed as such, ``named`` whether the case's assignee is to be
    named anew, ``commented`` the annotations.
    """

    case: CaseRow
    ref: RefRow
    event: TicketEvent
    decision: Decision
    arrival: Arrival
    annotations: Annotations
    narration: Narration
    account: str | None
    taken: bool = False
    moved: bool = False
    due: datetime | None = None
    unmapped: NativeStatus | None = None
    named: bool = False
    commented: list[AnnotationRow] = field(default_factory=list)

    def take(self) -> bool:
        """Do what was decided; tell whether the case took anything."""
        ref, arrival, narration, decision = self.ref, self.arrival, self.narration, self.decision
        ref.last_inbound_at = max(ref.last_inbound_at or arrival.received_at, arrival.received_at)
        ref.updated_at = arrival.now
        went = take_whereabouts(ref, self.event, decision.whereabouts, arrival, narration)
        followed = self._take_status()
        assigned = take_assignee(ref, decision.assignee, narration)
        self.named = went or self.event.assignee is not UNSET
        said = self._take_comments()
        self.taken = went or followed or assigned or said
        if decision.asks:
            self._ask()
        return self.taken

    @property
    def is_unmapped(self) -> bool:
        """Whether it matters for the last line that somebody dismissed the status."""
        return self.decision.reason is Reason.UNMAPPED

    def conclude(self, *, dismissed: bool) -> list[Line]:
        """Return all lines, with what the change rests on, or why there is none, as the last."""
        self.narration.conclude(
            self.event,
            self.decision,
            taken=self.taken,
            account=self.account,
            dismissed=dismissed,
        )
        return self.narration.lines

    def _take_status(self) -> bool:
        ref, native, decision = self.ref, self.event.status, self.decision.status
        if decision.is_seen:
            ref.status_seen_at = self.arrival.advance(ref.status_seen_at)
        if native is None or not decision.is_noted:
            return False
        told = self.arrival.source is Source.TOLD
        is_news = told or not is_same(native, ticket_status(ref))
        note_ticket_status(ref, native, self.arrival.received_at)
        if decision.reason is Reason.UNMAPPED and is_news:
            self.unmapped = native
        if decision.reason is Reason.ALREADY_THERE:
            self._settle(CaseStatus(self.case.status), native)
        if decision.reason is Reason.SUPERSEDED and is_news:
            self._look_again()
        if decision.apply is None:
            return False
        self._settle(decision.apply, native)
        narration = self.narration
        line = change_status(self.case, decision.apply, narration.cause)
        if line is not None:
            narration.lines.append(line)
            self.moved = True
        text = f"{named(self.event.actor)} moved {ref.external_key} to {native.name}"
        narration.record(TimelineKind.INBOUND_ACTOR, text)
        return True

    def _take_comments(self) -> bool:
        shows = False
        for its_id, comment in self.decision.comments.items():
            known = self.annotations.get(its_id)
            row, shown = take_comment(self.event, its_id, known, comment, self.narration)
            self.commented.append(row)
            shows |= shown
        return shows

    def _settle(self, status: CaseStatus, native: NativeStatus) -> None:
        settle(self.ref, status, native)
        self.ref.last_inbound_status = status
        self._look_again()

    def _look_again(self) -> None:
        """Wake a ref whose push failed, or is under way and may yet fail: this news bears on it."""
        if self.ref.last_error is not None or self.ref.status_attempted_at is not None:
            self.due = self.arrival.now

    def _ask(self) -> None:
        """Have the ticket read, soon; where our push is under way, by whoever is at it."""
        self.ref.verify_asked = True
        if self.decision.reason is Reason.PUSH_IN_FLIGHT:
            return
        at = self.arrival.now + SECOND_THOUGHT
        self.due = at if self.ref.due_at is None else min(at, self.ref.due_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """How news of a ticket came, and what it takes to understand it.

    ``event_row`` and ``event_id`` are those of the stored webhook. ``origin`` is None for webhooks
    and for what somebody asked to be read. ``source`` is how the news came; ``received_at`` is when
    it came in, where that is not now. ``meanings`` are those that are known of the connector's
    statuses, and is added to.
    """

    hooks: VendorHooks
    connector: Connector[Any]
    account: str | None
    event_row: int | None
    event_id: str | None
    now: datetime
    received_at: datetime | None = None
    origin: Origin | None = None
    source: Source = Source.TOLD
    meanings: dict[NativeStatus, tuple[CaseStatus, ...]] = field(default_factory=dict)

    def decide(
        self, case: CaseRow, ref: RefRow, event: TicketEvent, rows: Annotations, posted: Posted
    ) -> Taking:
        """Decide what ``event`` means; nothing is done yet.

        Raises:
            casebridge_core.CasebridgeError: the plugin failed.
        """
        native = event.status
        arrival = Arrival(
            at=event.occurred_at,
            now=self.now,
            received_at=self.received_at or self.now,
            source=self.source,
            readable=self.hooks.can(Capability.FETCH_TICKET),
        )
        known = what_is_known(case, ref, rows, posted, account=self.account)
        return Taking(
            case=case,
            ref=ref,
            event=event,
            decision=decide(known, event, meanings=self._meanings_of(native), arrival=arrival),
            arrival=arrival,
            annotations=rows,
            narration=self._narration(case, ref),
            account=self.account,
        )

    def _meanings_of(self, native: NativeStatus | None) -> tuple[CaseStatus, ...]:
        if native is None:
            return ()
        if native not in self.meanings:
            self.meanings[native] = self.hooks.meanings_of(self.connector, native)
        return self.meanings[native]

    def _narration(self, case: CaseRow, ref: RefRow) -> Narration:
        cause = Cause(
            actor=self.origin.actor if self.origin else cross_system(self.connector.vendor),
            at=self.now,
            connector_id=ref.connector_id,
            event_id=self.event_row,
        )
        return Narration(
            case=case, ref=ref, cause=cause, event_id=self.event_id, origin=self.origin
        )
