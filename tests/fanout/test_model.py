"""Whatever happens, in whatever order: one ticket, each comment once, and in the end agreement.

The machine plays analysts, the vendors' people, the post between the two, time, and every way in
which a call to a vendor can end. The host's parts are the real ones; convergences run one at a
time, and what happens during a call to a vendor happens in the middle of that call.
"""

from __future__ import annotations

import os
from collections import Counter as Tally
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from casebridge_core import CaseStatus
from tests.fanout.conftest import NewDatabase
from tests.fanout.desks import Trouble
from tests.fanout.judgement import come_to_rest_soon, judge, nothing_old_matters
from tests.fanout.world import World

EXAMPLES: Final = int(os.environ.get("MODEL_EXAMPLES", "10"))
STEPS: Final = 25
MOST_CASES: Final = 4
WRITES: Final = ("create", "transition", "comment")
READS: Final = ("whoami", "search", "fetch", "list_comments")
HANDLING: Final = ("assign", "assign", "created", "edited", "deleted", "rename", "delete")
READ_TROUBLES: Final = (
    Trouble.UNAVAILABLE,
    Trouble.LIMITED,
    Trouble.REFUSED_CREDENTIAL,
    Trouble.DEATH_BEFORE,
)
ANY: Final = st.integers(min_value=0, max_value=11)
STATUSES: Final = st.sampled_from(CaseStatus)
WHICH: Final = st.integers(min_value=0, max_value=1)


class Model(World, RuleBasedStateMachine):
    """A few cases, two vendors, and everybody who has to do with them."""

    new_database: NewDatabase

    @initialize(status=STATUSES, settled=st.booleans(), named=st.booleans(), coarse=st.booleans())
    def open(self, *, status: CaseStatus, settled: bool, named: bool, coarse: bool) -> None:
        self.open_world(self.new_database(), named=named, coarse=coarse, names_actor=not named)
        self.analyst_creates_a_case(status)
        if settled:
            self.run(self.bench.converge())

    # What analysts do.

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule(status=STATUSES)
    def analyst_creates_a_case(self, status: CaseStatus) -> None:
        self.tick()
        self.run(self.create_case(status))

    @rule(number=ANY, status=STATUSES)
    def analyst_moves_a_case(self, number: int, status: CaseStatus) -> None:
        self.tick()
        self.run(self.counter.move(self.pick(number), status))

    @rule(number=ANY)
    def analyst_contains(self, number: int) -> None:
        self.tick()
        self.run(self.counter.contain(self.pick(number)))

    # What people and the post do.

    @rule(which=WHICH, number=ANY, status=ANY)
    def human_moves_a_ticket(self, which: int, number: int, status: int) -> None:
        self.tick()
        self.move_ticket(which, number, status)

    @rule(which=WHICH, number=ANY, what=st.sampled_from(HANDLING), choice=ANY)
    def human_handles_a_ticket(self, which: int, number: int, what: str, choice: int) -> None:
        self.tick()
        self.handle_ticket(which, number, what, choice)

    @rule(which=WHICH, seconds=st.sampled_from((0, 0, 2, 300)))
    def the_vendors_clock_is_set(self, which: int, seconds: int) -> None:
        self.set_clock(which, seconds)

    @precondition(lambda self: any(desk.post for desk in self.desks))
    @rule(which=WHICH, number=ANY)
    def post_arrives(self, which: int, number: int) -> None:
        self.tick()
        self.run(self.deliver_one(which, number))

    @precondition(lambda self: self.sent)
    @rule(number=ANY)
    def post_arrives_again(self, number: int) -> None:
        self.tick()
        self.run(self.deliver(self.sent[-1 - number % len(self.sent)]))

    @precondition(lambda self: any(desk.post for desk in self.desks))
    @rule(which=WHICH, number=ANY)
    def post_is_lost(self, which: int, number: int) -> None:
        self.lose_one(which, number)

    # What the vendors and the workers do.

    @rule(
        which=WHICH,
        operation=st.sampled_from(WRITES),
        trouble=st.sampled_from(Trouble),
        number=ANY,
        status=STATUSES,
    )
    def a_write_goes_wrong(
        self, which: int, operation: str, trouble: Trouble, number: int, status: CaseStatus
    ) -> None:
        self.desks[which].arm(operation, trouble)
        if operation == "create" and len(self.cases) < MOST_CASES:
            self.analyst_creates_a_case(status)
        elif operation == "comment":
            self.analyst_contains(number)
        else:
            self.analyst_moves_a_case(number, status)
        self.workers_work(2)

    @rule(which=WHICH, operation=st.sampled_from(READS), trouble=st.sampled_from(READ_TROUBLES))
    def a_read_goes_wrong(self, which: int, operation: str, trouble: Trouble) -> None:
        self.desks[which].arm(operation, trouble)
        self.workers_work(2)

    @rule(
        what=st.sampled_from(("case moves", "ticket moves", "post", "pause")),
        late=st.booleans(),
        which=WHICH,
        number=ANY,
        status=ANY,
    )
    def something_happens_during_a_call(
        self, *, what: str, late: bool, which: int, number: int, status: int
    ) -> None:
        async def happen() -> None:
            self.tick()
            if what == "case moves":
                to = list(CaseStatus)[status % len(CaseStatus)]
                await self.counter.move(self.pick(number), to)
            elif what == "ticket moves":
                self.move_ticket(which, number, status)
            elif what == "post":
                await self.deliver_one(which, number)
            else:
                await self.pause(which)

        desk = self.desks[which]
        (desk.after_work if late else desk.before_work).append(happen)
        self.workers_work(2)

    @rule(count=st.integers(min_value=1, max_value=4))
    def workers_work(self, count: int) -> None:
        self.tick()
        for _ in range(count):
            self.run(self.work_once())

    @rule(seconds=st.sampled_from((5, 31, 61, 100, 1000, 100_000, 300_000)))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds=seconds)

    # What operators do.

    @rule(
        order=st.sampled_from(
            ("pause", "resume", "enable", "disable", "resync", "replay", "force", "wall", "restart")
        ),
        which=WHICH,
        number=ANY,
    )
    def operator_orders(self, order: str, which: int, number: int) -> None:
        case, connector = self.pick(number), self.connectors[which]
        match order:
            case "pause":
                self.run(self.pause(which))
            case "resume":
                self.run(self.resume(which))
            case "enable" | "disable":
                self.run(self.switch(which, enabled=order == "enable"))
            case "resync":
                self.run(self.bench.cases.resync(self.counter.who, case))
            case "replay":
                self.run(self.bench.tickets.replay_connector(self.counter.who, connector))
            case "restart":
                self.run(self.restart())
            case "force":
                self.run(self.force(case, which))
            case _:
                self.build_or_tear_down_a_wall(which, number)

    # What always holds.

    @invariant()
    def a_case_has_at_most_one_ticket_at_a_vendor(self) -> None:
        for desk in getattr(self, "desks", ()):
            tickets = Tally(issue.correlation_key for issue in desk.issues.values())
            assert all(count == 1 for count in tickets.values()), tickets

    @invariant()
    def a_comment_stands_on_a_ticket_once(self) -> None:
        for desk in getattr(self, "desks", ()):
            for issue in desk.issues.values():
                assert len(set(issue.comments)) == len(issue.comments), issue

    @invariant()
    def no_call_is_one_that_should_not_be(self) -> None:
        violations = getattr(self, "violations", [])
        assert not violations, violations

    # What holds when all has come to rest.

    def teardown(self) -> None:
        if not hasattr(self, "runner"):
            return
        try:
            if hasattr(self, "token"):
                self.run(come_to_rest_soon(self))
                self.a_case_has_at_most_one_ticket_at_a_vendor()
                self.a_comment_stands_on_a_ticket_once()
                self.run(judge(self))
                self.run(nothing_old_matters(self))
        finally:
            self.close()


def test_whatever_happens_there_is_one_ticket_and_in_the_end_agreement(
    new_database: NewDatabase,
) -> None:
    Model.new_database = staticmethod(new_database)
    run_state_machine_as_test(
        Model,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="MODEL_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
