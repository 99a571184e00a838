"""The echo rule: what we push and what comes back of it leave the case where it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebridge.domain.decision import CaseState, RefState, StatusDecision, decide_status
from casebridge.domain.watermarks import Arrival
from casebridge_core import (
    CaseStatus,
    Connector,
    NativeStatus,
    Person,
    StatusOverrides,
    TicketEvent,
    VendorHooks,
)
from tests.unit.vendors import CATALOG, INSTANCES, as_status, connector, natives, overrides

US = Person(id="account-of-the-bridge")
RECOGNITION = [(US, US.id), (None, US.id), (US, None), (None, None)]
"""Whether the vendor names who did it, and whether we know which account is ours."""
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(event: TicketEvent) -> Arrival:
    return Arrival(at=event.occurred_at, now=START, received_at=START)


@dataclass
class Pushes:
    """A case that moves along a path, pushed at every station, and the events that come of it.

    ``during`` and ``after`` are what the decision sees of an event that arrives while its push is
    under way, and of one that arrives when all is done.
    """

    hooks: VendorHooks
    connector: Connector[Any]
    path: list[CaseStatus]
    actor: Person | None
    account: str | None
    at: datetime = START
    case: CaseState = field(init=False)
    ref: RefState = field(init=False)
    during: list[tuple[CaseState, RefState, TicketEvent]] = field(default_factory=list)
    after: list[TicketEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.case = CaseState(
            status=self.path[0], trail=(self.path[0],), status_changed_at=self.tick()
        )
        self.ref = RefState(own_account=self.account)

    def run(self, hops: list[list[NativeStatus]]) -> None:
        for status, between in zip(self.path, hops, strict=True):
            trail = (status, *(held for held in self.case.trail if held is not status))
            self.case = CaseState(status=status, trail=trail, status_changed_at=self.tick())
            self.push(between)

    def push(self, between: list[NativeStatus]) -> None:
        native = self.hooks.native_status(self.connector, self.case.status)
        target = as_status(self.hooks, native) if native is not None else self.ref.settled_native
        under_way = RefState(
            settled_status=self.ref.settled_status,
            settled_native=self.ref.settled_native,
            ticket_status=self.ref.ticket_status,
            status_seen_at=self.ref.status_seen_at,
            own_account=self.account,
            pushing=True,
        )
        for hop in [*between, target] if native is not None else []:
            event = TicketEvent(
                vendor=self.connector.vendor,
                external_id="1",
                status=hop,
                actor=self.actor,
                occurred_at=self.tick(),
            )
            self.during.append((self.case, under_way, event))
            self.after.append(event)
        self.ref = RefState(
            settled_status=self.case.status,
            settled_native=target,
            ticket_status=target,
            status_seen_at=self.at,
            own_account=self.account,
        )

    def decide(self, case: CaseState, ref: RefState, event: TicketEvent) -> StatusDecision:
        assert event.status is not None
        meanings = self.hooks.meanings_of(self.connector, event.status)
        arrival = Arrival(at=event.occurred_at, now=self.tick(), received_at=self.at)
        return decide_status(case, ref, event, meanings=meanings, arrival=arrival)

    def tick(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.mark.parametrize(("vendor", "number"), INSTANCES)
@settings(max_examples=60)
@given(data=st.data())
def test_a_push_and_its_webhooks_leave_the_case_where_it_was(
    vendor: str, number: int, data: st.DataObject
) -> None:
    hooks = CATALOG[vendor]
    instance = connector(vendor, number, data.draw(overrides(vendor)))
    path = data.draw(st.lists(st.sampled_from(CaseStatus), min_size=1, max_size=4))
    hop = st.lists(st.sampled_from(natives(hooks, instance)), max_size=3)
    actor, account = data.draw(st.sampled_from(RECOGNITION))
    pushes = Pushes(hooks, instance, path, actor, account)

    pushes.run(data.draw(st.lists(hop, min_size=len(path), max_size=len(path))))

    for case, ref, event in pushes.during:
        assert pushes.decide(case, ref, event).apply is None
    late = st.lists(st.sampled_from(pushes.after), max_size=8) if pushes.after else st.just([])
    for event in data.draw(late, label="repeated and reordered"):
        assert pushes.decide(pushes.case, pushes.ref, event).apply is None


@pytest.mark.parametrize(("vendor", "number"), INSTANCES)
@settings(max_examples=60)
@given(data=st.data())
def test_the_status_that_a_case_is_projected_to_changes_nothing_whoever_sets_it(
    vendor: str, number: int, data: st.DataObject
) -> None:
    hooks = CATALOG[vendor]
    instance = connector(vendor, number, data.draw(overrides(vendor)))
    status = data.draw(st.sampled_from(CaseStatus))
    others = data.draw(st.permutations([s for s in CaseStatus if s is not status]))
    native = hooks.native_status(instance, status)
    assert native is not None
    event = TicketEvent(
        vendor=vendor,
        external_id="1",
        status=as_status(hooks, native),
        actor=data.draw(st.sampled_from([None, US, Person(id="somebody")])),
        occurred_at=data.draw(st.sampled_from([None, START])),
    )
    case = CaseState(status=status, trail=(status, *others), status_changed_at=START)
    ref = RefState(
        settled_status=data.draw(st.sampled_from([None, *CaseStatus])),
        own_account=data.draw(st.sampled_from([None, US.id])),
        pushing=data.draw(st.booleans()),
    )

    meanings = hooks.meanings_of(instance, as_status(hooks, native))
    decision = decide_status(case, ref, event, meanings=meanings, arrival=at(event))

    assert decision.apply is None


@pytest.mark.parametrize("status", [CaseStatus.CONTAINED, CaseStatus.CLOSED])
@pytest.mark.parametrize(("vendor", "number"), INSTANCES)
def test_a_contained_case_stays_contained_and_a_closed_one_closed(
    vendor: str, number: int, status: CaseStatus
) -> None:
    hooks, instance = CATALOG[vendor], connector(vendor, number)
    native = hooks.native_status(instance, status)
    assert native is not None
    echo = as_status(hooks, native)
    case = CaseState(
        status=status,
        trail=(status, CaseStatus.TRIAGE, CaseStatus.RESOLVED),
        status_changed_at=START,
    )
    event = TicketEvent(vendor=vendor, external_id="1", status=echo, actor=None)

    meanings = hooks.meanings_of(instance, echo)
    decision = decide_status(case, RefState(), event, meanings=meanings, arrival=at(event))

    assert decision.apply is None


def test_these_are_the_examples_of_the_specification() -> None:
    jira = connector("jira", statuses=StatusOverrides())

    assert CATALOG["jira"].native_status(jira, CaseStatus.CONTAINED) == "In Progress"
    assert CATALOG["jira"].native_status(jira, CaseStatus.CLOSED) == "Done"


def test_a_ticket_moved_back_by_a_human_returns_the_case_to_what_it_held_last() -> None:
    hooks, instance = CATALOG["jira"], connector("jira")
    case = CaseState(
        status=CaseStatus.RESOLVED,
        trail=(CaseStatus.RESOLVED, CaseStatus.CONTAINED, CaseStatus.TRIAGE, CaseStatus.OPEN),
        status_changed_at=START,
    )
    ref = RefState(
        settled_status=CaseStatus.RESOLVED,
        settled_native=as_status(hooks, "Done"),
        own_account=US.id,
    )
    reopened = as_status(hooks, "In Progress")
    event = TicketEvent(vendor="jira", external_id="1", status=reopened, actor=Person(id="ada"))

    meanings = hooks.meanings_of(instance, reopened)
    decision = decide_status(case, ref, event, meanings=meanings, arrival=at(event))

    assert decision == StatusDecision(apply=CaseStatus.CONTAINED)
