"""A push that may have moved the ticket unseen: whatever the case does next, the ticket follows."""

from __future__ import annotations

import pytest

from casebridge_core import CaseStatus
from tests.fanout.bench import LEASE, Bench, Counter
from tests.fanout.desks import Desk, Trouble

UNSEEN = [
    Trouble.STORED_AND_LOST,
    Trouble.STORED_LATE_AND_LOST,
    Trouble.DEATH_AFTER,
    Trouble.DEATH_BEFORE,
    Trouble.BROKEN_OFF_ON_THE_WAY,
]
each_trouble = pytest.mark.parametrize("trouble", UNSEEN)


@pytest.fixture
async def counter(bench: Bench, alpha: Desk) -> Counter:
    """A tenant with one connector, to a vendor whose workflow is walked hop by hop."""
    opened = await bench.open_counter()
    await opened.connect(alpha)
    return opened


async def a_push_ends_unseen(bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble) -> str:
    """Create a case and resolve it, with a push that goes wrong; return the case's id."""
    case = await counter.create_case()
    await bench.converge()
    alpha.arm("transition", trouble)
    await counter.move(case, CaseStatus.RESOLVED)
    await bench.converge_one()
    return case


async def come_to_rest(bench: Bench) -> None:
    bench.clock.advance(seconds=LEASE.total_seconds() + 1)
    await bench.converge()
    assert await bench.next_moment() is None


@each_trouble
async def test_a_case_that_goes_back_after_it_takes_its_ticket_back(
    bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble
) -> None:
    case = await a_push_ends_unseen(bench, counter, alpha, trouble)

    await counter.move(case, CaseStatus.OPEN)
    await come_to_rest(bench)

    assert [issue.status for issue in alpha.issues.values()] == ["To Do"]
    assert (await counter.ref(case)).last_error is None


@each_trouble
async def test_a_resync_after_it_pushes_and_does_not_move_the_case(
    bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble
) -> None:
    case = await a_push_ends_unseen(bench, counter, alpha, trouble)
    await counter.move(case, CaseStatus.OPEN)

    await bench.cases.resync(counter.who, case)
    await come_to_rest(bench)

    assert (await counter.case(case)).status == "open"
    assert [issue.status for issue in alpha.issues.values()] == ["To Do"]


async def test_a_refusal_half_way_is_undone_when_the_case_goes_back(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    case = await counter.create_case()
    await bench.converge()
    alpha.arm("transition", Trouble.BROKEN_OFF_ON_THE_WAY)
    await counter.move(case, CaseStatus.RESOLVED)
    await bench.converge()
    alpha.walls.add("Done")
    bench.clock.advance(minutes=1)
    await bench.converge()
    assert [issue.status for issue in alpha.issues.values()] == ["In Progress"]

    await counter.move(case, CaseStatus.OPEN)
    await come_to_rest(bench)

    assert [issue.status for issue in alpha.issues.values()] == ["To Do"]
    assert (await counter.ref(case)).last_error is None


@each_trouble
async def test_it_is_repeated_until_it_is_seen(
    bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble
) -> None:
    case = await a_push_ends_unseen(bench, counter, alpha, trouble)

    await come_to_rest(bench)

    ref = await counter.ref(case)
    assert (ref.ticket_status, ref.last_error) == ("Done", None)
    assert [issue.status for issue in alpha.issues.values()] == ["Done"]


@pytest.mark.parametrize("trouble", [Trouble.STORED_LATE_AND_LOST, Trouble.DEATH_AFTER])
async def test_a_ticket_that_was_stored_late_is_found_when_the_index_shows_it(
    bench: Bench, counter: Counter, alpha: Desk, trouble: Trouble
) -> None:
    alpha.arm("create", trouble)
    case = await counter.create_case()
    await bench.converge()

    while (moment := await bench.next_moment()) is not None:
        bench.clock.now = moment
        await bench.converge()

    assert len(alpha.issues) == 1
    (minted,) = await counter.timeline(case, "ticket_minted")
    assert "found after an unclear attempt" in minted.text


async def test_a_ticket_stored_at_the_very_end_of_a_silent_workers_lease_is_found(
    bench: Bench, counter: Counter, alpha: Desk
) -> None:
    async def nearly_a_lease_later() -> None:
        bench.clock.advance(seconds=LEASE.total_seconds() - 2)

    await counter.create_case()
    await bench.converge()
    alpha.arm("create", Trouble.DEATH_AFTER)
    alpha.before_work.append(nearly_a_lease_later)
    await counter.create_case()
    await bench.converge()

    while (moment := await bench.next_moment()) is not None:
        bench.clock.now = moment
        await bench.converge()

    assert len(alpha.issues) == 2


async def test_old_news_of_the_ticket_is_no_news_after_a_refused_push(
    bench: Bench, beta: Desk
) -> None:
    beta.call_seconds = 0.0
    beta.walls.add("Active")
    counter = await bench.open_counter()
    await counter.connect(beta)
    token = await bench.open_inbox(counter.who)
    case = await counter.create_case(status=CaseStatus.TRIAGE)
    await bench.converge()

    answer = await bench.deliver(token, beta.post[0])

    assert answer.reason == "last_known_status"
    assert (await counter.case(case)).status == "triage"
