"""The life of a failure, by a clock of the test's own: tries, dead letter, and what ends it."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import datetime, timedelta
from typing import Any

import pytest

from casebridge.domain.retry import LONGEST_DELAY, PATIENCE, backoff
from casebridge.web.views import TicketView, failure_of
from casebridge_core import CaseStatus
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import QUIET_SECONDS, Clock, Desk, Trouble

ALWAYS = 2000


@pytest.fixture
def alpha(alpha: Desk) -> Desk:
    """A vendor that answers in no time, so that all time is waiting time."""
    alpha.call_seconds = 0.0
    return alpha


@pytest.fixture
async def counter(bench: Bench, alpha: Desk) -> Counter:
    """A tenant with one connector."""
    opened = await bench.open_counter()
    await opened.connect(alpha)
    return opened


async def wait_for_the_next_try(bench: Bench) -> timedelta:
    """Move the clock to the next try, make it, and return how long the wait was."""
    before = bench.clock()
    moment = await bench.next_moment()
    assert moment is not None
    bench.clock.now = moment
    await bench.converge()
    return moment - before


async def failing_ticket(bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble) -> str:
    """Create a case whose linked ticket cannot be moved; return the case's id."""
    case = await counter.create_case()
    await bench.converge()
    alpha.arm("transition", *[trouble] * ALWAYS)
    await counter.move(case, CaseStatus.TRIAGE)
    await bench.converge()
    return case


async def test_waits_double_with_jitter_until_they_are_a_quarter_of_an_hour(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)

    waits = [await wait_for_the_next_try(bench) for _ in range(14)]

    for attempts, wait in enumerate(waits, start=1):
        longest = backoff(attempts, spread=0)
        assert longest / 2 <= wait <= longest
    assert backoff(len(waits), spread=0) == LONGEST_DELAY
    assert len({wait / backoff(n, spread=0) for n, wait in enumerate(waits, start=1)}) > 1


@pytest.mark.parametrize("operation", ["create", "transition"])
async def test_the_vendors_wish_to_wait_is_never_undercut_whoever_asks(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk, operation: str
) -> None:
    alpha.arm(operation, Trouble.LIMITED)
    case = await counter.create_case(status=CaseStatus.TRIAGE)
    await bench.converge()
    until = noon() + timedelta(seconds=QUIET_SECONDS)
    before = len(alpha.calls)

    noon.advance(seconds=QUIET_SECONDS - 1)
    await bench.cases.resync(counter.who, case)
    await counter.move(case, CaseStatus.CONTAINED)
    await bench.tickets.resync_tenant(counter.who)
    await bench.converge()

    assert len(alpha.calls) == before
    noon.now = until
    await bench.converge()
    assert (await counter.ref(case)).last_error is None
    assert [issue.status for issue in alpha.issues.values()] == ["In Progress"]


async def test_after_three_days_a_failure_is_a_dead_letter_and_nobody_tries_again(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)
    started = noon()
    noon.now = started + PATIENCE - timedelta(hours=1)
    await bench.converge()

    while (await counter.ref(case)).dead_at is None:
        await wait_for_the_next_try(bench)

    assert PATIENCE <= noon() - started <= PATIENCE + LONGEST_DELAY
    tries = len(alpha.writes("transition"))
    assert await bench.next_moment() is None
    noon.advance(days=30)
    assert await bench.converge() == 0
    assert len(alpha.writes("transition")) == tries
    rows = await counter.timeline(case, "push_failed")
    assert ["next try at" in rows[0].text, "not tried again" in rows[1].text] == [True, True]
    assert len(rows) == 2


async def test_a_vendor_that_asks_to_wait_for_three_days_is_not_asked_for_ever(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.LIMITED)
    noon.advance(days=3)
    await bench.converge()

    noon.advance(days=1)
    await bench.converge()

    assert len(alpha.writes("transition")) == 2
    assert (await counter.ref(case)).dead_at is not None


def moves_the_case(counter: Counter, case: str) -> Any:
    return counter.move(case, CaseStatus.RESOLVED)


def resyncs_the_case(counter: Counter, case: str) -> Any:
    return counter.bench.cases.resync(counter.who, case)


def resyncs_the_tenant(counter: Counter, case: str) -> Any:
    return counter.bench.tickets.resync_tenant(counter.who)


def adds_a_containment_action(counter: Counter, case: str) -> Any:
    return counter.contain(case)


@pytest.mark.parametrize(
    "ask", [moves_the_case, resyncs_the_case, resyncs_the_tenant, adds_a_containment_action]
)
@pytest.mark.parametrize("dead", [False, True], ids=["failing", "dead"])
async def test_whoever_asks_anew_is_served_at_once_and_the_count_starts_again(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk, ask: Any, *, dead: bool
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)
    for _ in range(5):
        await wait_for_the_next_try(bench)
    if dead:
        noon.advance(days=3)
        await bench.converge()
    assert ((await counter.ref(case)).dead_at is not None) is dead
    tries = len(alpha.writes("transition"))

    await ask(counter, case)
    await bench.converge()

    ref = await counter.ref(case)
    assert len(alpha.writes("transition")) == tries + 1
    assert (ref.attempts, ref.first_failed_at, ref.dead_at) == (1, noon(), None)
    assert backoff(1) <= await wait_for_the_next_try(bench) + backoff(1)
    alpha.disarm()
    await wait_for_the_next_try(bench)
    assert (await counter.ref(case)).last_error is None


async def test_a_success_forgets_the_count_before_the_next_failure(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)
    for _ in range(6):
        await wait_for_the_next_try(bench)
    alpha.disarm()
    await wait_for_the_next_try(bench)
    noon.advance(days=4)
    alpha.arm("transition", *[Trouble.UNAVAILABLE] * ALWAYS)

    await counter.move(case, CaseStatus.RESOLVED)
    await bench.converge()

    ref = await counter.ref(case)
    assert (ref.attempts, ref.first_failed_at, ref.dead_at) == (1, noon(), None)
    assert await wait_for_the_next_try(bench) <= backoff(1, spread=0)


async def test_a_failure_is_told_in_words_on_the_ticket_and_on_the_connectors_card(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)
    for _ in range(3):
        await wait_for_the_next_try(bench)

    (card,) = await bench.connectors.list(counter.who)
    (failing,) = await bench.connectors.failing_refs(counter.who, card.public_id)

    shown = failure_of(failing)
    assert shown is not None
    assert (shown.kind, shown.reason) == ("VendorUnavailable", "could not connect to alpha")
    assert (shown.at, shown.attempts, shown.dead) == (noon(), 4, False)
    assert shown.next_try_at is not None
    assert noon() < shown.next_try_at <= noon() + backoff(4, spread=0)
    assert TicketView.of(await counter.ref(case), card).failure == shown
    assert (card.last_failure, card.last_failure_at) == (shown.reason, noon())


async def test_many_tries_of_one_kind_are_one_line_of_the_timeline(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    case = await failing_ticket(bench, counter, alpha, Trouble.UNAVAILABLE)

    for _ in range(30):
        await wait_for_the_next_try(bench)

    (row,) = await counter.timeline(case, "push_failed")
    assert row.actor_label == "itsm-webhook (alpha)"
    assert "T-1 failed: could not connect to alpha (next try at " in row.text
    assert (await counter.ref(case)).attempts == 31


async def test_a_failure_of_another_kind_is_news(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    case = await counter.create_case()
    await bench.converge()
    alpha.arm("transition", Trouble.UNAVAILABLE, Trouble.UNAVAILABLE, Trouble.STORED_AND_LOST)
    await counter.move(case, CaseStatus.TRIAGE)
    await bench.converge()

    for _ in range(2):
        await wait_for_the_next_try(bench)

    kinds = [row.detail["error"] for row in await counter.timeline(case, "push_failed")]
    assert kinds == ["VendorUnavailable", "OutcomeUnknown"]


async def test_what_failed_again_after_a_success_is_news_again(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    case = await counter.create_case()
    await bench.converge()
    for status in (CaseStatus.TRIAGE, CaseStatus.RESOLVED):
        alpha.arm("transition", Trouble.UNAVAILABLE)
        await counter.move(case, status)
        await bench.converge()
        await wait_for_the_next_try(bench)

    kinds = Tally(row.kind for row in await counter.timeline(case))

    assert kinds["push_failed"] == kinds["status_pushed"] == 2


async def test_a_refused_move_is_tried_once_until_somebody_asks(
    bench: Bench, counter: Counter, noon: Clock, alpha: Desk
) -> None:
    alpha.walls.add("Done")
    case = await counter.create_case(status=CaseStatus.RESOLVED)
    await bench.converge()

    noon.advance(days=1)
    await bench.converge()

    assert len(alpha.writes("transition")) == 1
    ref = await counter.ref(case)
    assert (ref.last_error_kind, ref.dead_at) == ("TransitionRejected", _first(alpha, "transition"))


async def test_a_refusal_does_not_hold_back_the_status_that_the_case_took_meanwhile(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    case = await counter.create_case()
    await bench.converge()
    alpha.walls.add("Done")
    alpha.before_work.append(lambda: counter.move(case, CaseStatus.TRIAGE))

    await counter.move(case, CaseStatus.RESOLVED)
    await bench.converge()

    assert [call.native for call in alpha.writes("transition")] == ["Done", "In Progress"]
    assert (await counter.ref(case)).last_error is None


async def test_a_resync_asked_for_during_an_attempt_is_one_more_attempt(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    alpha.walls.add("Done")
    case = await counter.create_case()
    await bench.converge()
    alpha.before_work.append(lambda: bench.cases.resync(counter.who, case))

    await counter.move(case, CaseStatus.RESOLVED)
    await bench.converge()

    assert len(alpha.writes("transition")) == 2
    assert (await counter.ref(case)).dead_at is not None


def _first(desk: Desk, operation: str) -> datetime:
    return desk.writes(operation)[0].at
