"""A conversation between a case and its ticket: however it goes, both end up in agreement.

The machine plays the analyst, the vendor's people, the vendor's post and the engine. Webhooks come
late, twice, in any order or never; pushes take several hops, break half-way and are repeated. Both
decisions are the real ones; what the services write down after a decision is retold here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from casebridge.domain.convergence import Progress, PushStatus, Settle, next_step
from casebridge.domain.decision import CaseState, Reason, RefState, decide
from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    NativeStatus,
    Person,
    Severity,
    TicketEvent,
)
from tests.unit.vendors import CATALOG, INSTANCES, as_status, connector, natives

US, ADA = Person(id="account-of-the-bridge"), Person(id="ada")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOOK_AGAIN = {Reason.ALREADY_THERE, Reason.SUPERSEDED}
NOT_NOTED = {Reason.STALE, Reason.OWN_WRITE, Reason.PUSH_IN_FLIGHT}
ANY = st.integers(min_value=0)


class Conversation(RuleBasedStateMachine):
    """One case, one ticket, one post between them."""

    now = START
    due = True
    woken = False
    failed = False
    seen_at: datetime | None = None
    settled: CaseStatus | None = None
    settled_native: NativeStatus | None = None
    push: PushStatus | None = None
    landed = False

    @initialize(instance=st.sampled_from(INSTANCES), status=st.sampled_from(CaseStatus))
    def open_case(self, instance: tuple[str, int], status: CaseStatus) -> None:
        self.hooks = CATALOG[instance[0]]
        self.connector: Connector[Any] = connector(*instance)
        self.natives = natives(self.hooks, self.connector)
        self.case = CaseState(status=status, trail=(status,), status_changed_at=self.tick())
        self.known = self.ticket = self.forward(CaseStatus.OPEN)
        self.ticket_at = self.seen_at = self.tick()
        self.post: list[TicketEvent] = []
        self.lost_or_waiting: list[TicketEvent] = []

    @rule(status=st.sampled_from(CaseStatus))
    def analyst_moves_the_case(self, status: CaseStatus) -> None:
        if status is not self.case.status:
            self.move_case(status)
            self.due = self.woken = True

    @rule(number=ANY)
    def human_moves_the_ticket(self, number: int) -> None:
        self.move_ticket(self.natives[number % len(self.natives)], ADA)

    @rule(number=ANY)
    def post_arrives_late_twice_or_out_of_order(self, number: int) -> None:
        if self.post:
            self.deliver(self.post[number % len(self.post)])

    @rule(number=ANY)
    def post_arrives_in_time(self, number: int) -> None:
        if self.lost_or_waiting:
            self.deliver(self.lost_or_waiting.pop(0))

    @precondition(lambda self: self.due and self.push is None)
    @rule()
    def engine_looks(self) -> None:
        match self.step():
            case Settle():
                self.settle(self.case.status, self.known)
                self.failed = False
            case PushStatus() as push:
                self.push, self.pushed = push, self.case.status
                self.woken = self.landed = False
            case _:
                self.due = self.failed = False

    @precondition(lambda self: self.push is not None and not self.landed)
    @rule(number=ANY)
    def push_hops(self, number: int) -> None:
        self.move_ticket(self.natives[number % len(self.natives)], US)

    @precondition(lambda self: self.push is not None and not self.landed)
    @rule()
    def push_lands(self) -> None:
        assert self.push is not None
        if not self.ticket.matches(self.push.native):
            self.move_ticket(as_status(self.hooks, self.push.native), US)
        self.landed = True

    @precondition(lambda self: self.push is not None)
    @rule()
    def push_breaks(self) -> None:
        self.push, self.landed = None, False
        self.failed = True

    @precondition(lambda self: self.landed)
    @rule()
    def push_is_read_back(self) -> None:
        push, self.push, self.landed = self.push, None, False
        assert push is not None
        if not self.ticket.matches(push.native):
            self.due, self.failed = self.woken, True
            return
        if self.seen_at is None or self.ticket_at >= self.seen_at:
            self.settle(self.pushed, self.ticket)
            self.known, self.seen_at = self.ticket, self.ticket_at
        self.failed = False

    @invariant()
    def the_trail_starts_with_the_status(self) -> None:
        if hasattr(self, "case"):
            assert self.case.trail[0] is self.case.status

    def teardown(self) -> None:
        """Let the post arrive, the engine finish and the reconciler look, until all is quiet."""
        if not hasattr(self, "case"):
            return
        for _ in range(4):
            self.come_to_rest()
        held = self.case
        assert self.agree() or self.failed, f"case {held.status}, ticket {self.ticket.name}"
        assert not (self.failed and self.settled is held.status), "a failure that is over is shown"
        for event in [*self.post, *reversed(self.post)]:
            self.deliver(event)
        assert self.case == held, "an old event moved a case at rest"
        assert not self.due or self.step() is None, "an old event woke a case at rest"

    def come_to_rest(self) -> None:
        if self.push is not None:
            if not self.landed:
                self.push_lands()
            self.push_is_read_back()
        while self.lost_or_waiting:
            self.deliver(self.lost_or_waiting.pop(0))
        while self.due:
            self.engine_looks()
            if self.push is not None:
                self.push_lands()
                self.push_is_read_back()
        found = TicketEvent(
            vendor=self.connector.vendor,
            external_id="1",
            status=self.ticket,
            occurred_at=self.ticket_at,
        )
        self.deliver(found)

    def agree(self) -> bool:
        meanings = self.hooks.meanings_of(self.connector, self.ticket)
        return not meanings or self.case.status in meanings

    def deliver(self, event: TicketEvent) -> None:
        assert event.status is not None
        case = self.case
        ref = RefState(
            settled_status=self.settled,
            settled_native=self.settled_native,
            status_seen_at=self.seen_at,
            own_account=US.id,
            pushing=self.push is not None,
        )
        meanings = self.hooks.meanings_of(self.connector, event.status)
        decision = decide(case, ref, event, meanings=meanings, received_at=self.tick())
        if decision.reason in NOT_NOTED:
            return
        self.known, self.seen_at = event.status, event.occurred_at or self.seen_at
        if decision.apply is not None or decision.reason in LOOK_AGAIN:
            self.wake()
        if decision.apply is not None:
            assert event.actor is not US, "our own move came back as a change"
            self.settle(decision.apply, event.status)
            self.move_case(decision.apply)
        elif decision.reason is Reason.ALREADY_THERE:
            self.settle(case.status, event.status)

    def wake(self) -> None:
        if self.failed or self.push is not None:
            self.due = self.woken = True

    def settle(self, status: CaseStatus, native: NativeStatus) -> None:
        self.settled, self.settled_native = status, native

    def move_case(self, to: CaseStatus) -> None:
        trail = (to, *(held for held in self.case.trail if held is not to))
        self.case = CaseState(status=to, trail=trail, status_changed_at=self.tick())

    def move_ticket(self, to: NativeStatus, by: Person) -> None:
        self.ticket, self.ticket_at = to, self.tick()
        event = TicketEvent(
            vendor=self.connector.vendor,
            external_id="1",
            status=to,
            actor=by,
            occurred_at=self.ticket_at,
        )
        self.post.append(event)
        self.lost_or_waiting.append(event)

    def step(self) -> object:
        projection = CaseProjection(
            case_id="case_1",
            correlation_key="aisoc-ref_1",
            title="",
            summary="",
            severity=Severity.LOW,
            status=self.case.status,
            deep_link="https://soc.example/1",
            opened_at=START,
        )
        return next_step(
            Progress(linked=True, settled_status=self.settled, ticket_status=self.known),
            projection,
            native=self.hooks.native_status(self.connector, self.case.status),
            can_comment=False,
            now=self.now,
            index_lag=timedelta(0),
        )

    def forward(self, status: CaseStatus) -> NativeStatus:
        native = self.hooks.native_status(self.connector, status)
        assert native is not None
        return as_status(self.hooks, native)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
