"""Tickets that no list tells of are read themselves, a few at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from casebridge_core import CaseStatus
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk
from tests.fanout.issues import Issue
from tests.fanout.reconciling import Scene, open_scene, reconciler_of


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


@pytest.fixture
def verifying(scene: Scene) -> Scene:
    scene.reconciler = reconciler_of(scene.bench, verify_every=timedelta(hours=24))
    return scene


async def test_a_ticket_that_is_gone_is_noticed_within_a_day_and_told_once(
    verifying: Scene,
) -> None:
    case = await verifying.new_case()
    verifying.desk.delete(await verifying.issue(case))
    for _ in range(2):
        verifying.bench.clock.advance(hours=24)
        await verifying.reconciler.reconcile_due()

    rows = await verifying.told(case)
    ref = await verifying.counter.ref(case)
    assert [kind for kind, _ in rows] == ["ticket_missing"]
    assert "T-1 is not there any more" in rows[0][1]
    assert (ref.gone_at, ref.last_error_kind) == (None, "TicketNotFound")
    assert ref.dead_at is not None
    assert await verifying.status(case) == "open"


async def test_a_missing_ticket_that_is_seen_again_is_taken_up(verifying: Scene) -> None:
    case = await verifying.new_case()
    issue = await verifying.issue(case)
    verifying.desk.delete(issue)
    verifying.bench.clock.advance(hours=24)
    await verifying.reconciler.reconcile_due()
    await verifying.counter.move(case, "resolved")
    await verifying.bench.converge()
    verifying.desk.issues[issue.number] = issue
    verifying.bench.clock.advance(hours=24)

    await verifying.reconciler.reconcile_due()
    await verifying.bench.converge()

    ref = await verifying.counter.ref(case)
    assert (ref.last_error, ref.dead_at) == (None, None)
    assert issue.status == "Resolved"


async def test_a_disagreement_that_no_list_shows_is_found_within_a_day(verifying: Scene) -> None:
    case = await verifying.new_case()
    issue = await verifying.issue(case)
    verifying.desk.lagging[issue.number] = Issue(**vars(issue))
    await verifying.human_moves(case, "Active")
    verifying.bench.clock.advance(hours=24)

    await verifying.reconciler.reconcile_due()

    assert await verifying.status(case) == "triage"


async def test_reading_tickets_keeps_to_a_portion_and_leaves_closed_cases_out(
    verifying: Scene,
) -> None:
    cases = [await verifying.new_case() for _ in range(25)]
    for case in cases[:3]:
        await verifying.counter.move(case, CaseStatus.CLOSED)
    await verifying.bench.converge()
    verifying.bench.clock.advance(hours=24)
    verifying.desk.calls.clear()

    await verifying.reconciler.reconcile_due()
    first = len(verifying.desk.writes("fetch"))
    await verifying.a_period_passes()

    assert (first, len(verifying.desk.writes("fetch"))) == (20, 22)
