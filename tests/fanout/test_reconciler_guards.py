"""Our own pushes, lists that are behind, and webhooks that come meanwhile: no list undoes them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fanout.bench import Bench
from tests.fanout.desks import Desk, Trouble
from tests.fanout.issues import Issue
from tests.fanout.reconciling import PERIOD, Scene, open_scene


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


async def test_our_own_push_is_no_news(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.counter.move(case, "contained")
    await scene.bench.converge()

    await scene.a_period_passes()

    assert await scene.status(case) == "contained"
    assert await scene.told(case) == []


async def test_a_list_that_shows_the_ticket_before_our_push_undoes_nothing(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Active")
    await scene.a_period_passes()
    issue = await scene.issue(case)
    await scene.counter.move(case, "resolved")
    scene.desk.lagging[issue.number] = Issue(**vars(issue))
    await scene.bench.converge()

    await scene.a_period_passes()
    await scene.bench.converge()

    assert (await scene.status(case), issue.status) == ("resolved", "Resolved")


async def test_a_push_between_the_list_and_its_reflection_is_not_undone(scene: Scene) -> None:
    """The list was made before the push and arrives after it, all within one second."""
    scene.desk.grain = timedelta(minutes=30)  # no time of the vendor's tells the two apart
    case = await scene.new_case()
    await scene.human_moves(case, "Active")

    async def push_meanwhile() -> None:
        await scene.counter.move(case, "resolved")
        await scene.bench.converge()

    scene.desk.after_work.append(push_meanwhile)
    await scene.a_period_passes()
    await scene.bench.converge()

    assert await scene.status(case) == "resolved"
    assert (await scene.issue(case)).status == "Resolved"
    changes = [row.text for row in await scene.counter.timeline(case, "status_changed")]
    assert changes == ["open → resolved"]


async def test_a_webhook_between_the_list_and_its_reflection_wins(scene: Scene) -> None:
    scene.desk.grain = timedelta(minutes=30)
    case = await scene.new_case()
    token = await scene.bench.open_inbox(scene.counter.who)
    await scene.human_moves(case, "Active")
    scene.desk.post.clear()

    async def webhook_meanwhile() -> None:
        scene.desk.move(await scene.issue(case), "Resolved")
        await scene.bench.deliver(token, scene.desk.post.pop())

    scene.desk.after_work.append(webhook_meanwhile)
    await scene.a_period_passes()

    assert await scene.status(case) == "resolved"
    changes = [row.text for row in await scene.counter.timeline(case, "status_changed")]
    assert changes == ["open → resolved"]


async def test_an_event_older_than_what_a_webhook_told_changes_nothing(scene: Scene) -> None:
    case = await scene.new_case()
    token = await scene.bench.open_inbox(scene.counter.who)
    await scene.human_moves(case, "Active")
    issue = await scene.issue(case)
    scene.desk.lagging[issue.number] = Issue(**vars(issue))
    scene.bench.clock.advance(seconds=PERIOD.total_seconds())
    scene.desk.move(issue, "Resolved")
    await scene.bench.deliver(token, scene.desk.post[-1])

    await scene.reconciler.reconcile_due()

    assert await scene.status(case) == "resolved"
    assert await scene.told(case) == []


async def test_a_webhook_that_is_dated_late_hides_no_change(scene: Scene) -> None:
    """The watermark is ahead of the ticket's own time; the ticket itself is read, and believed."""
    case = await scene.new_case()
    await scene.human_moves(case, "Active")
    await scene.set_ref(status_seen_at=scene.bench.clock() + timedelta(minutes=1))

    await scene.a_period_passes()

    assert await scene.status(case) == "triage"
    assert ("inbound_payload", "no webhook had told of it: read from the ticket itself") in (
        await scene.told(case)
    )


async def test_a_case_that_moved_on_wins_over_a_move_that_was_missed(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Active")
    scene.desk.arm("transition", Trouble.UNAVAILABLE)
    await scene.counter.move(case, "resolved")
    await scene.bench.converge()

    await scene.a_period_passes()
    await scene.bench.converge()

    assert await scene.status(case) == "resolved"
    assert (await scene.issue(case)).status == "Resolved"


async def test_a_push_without_a_clear_outcome_is_not_taken_for_a_human(scene: Scene) -> None:
    case = await scene.new_case()
    scene.desk.arm("transition", Trouble.STORED_AND_LOST)
    await scene.counter.move(case, "resolved")
    await scene.bench.converge_one()
    await scene.counter.move(case, "contained")

    await scene.a_period_passes()
    at_rest = await scene.status(case)
    await scene.bench.converge()

    assert at_rest == "contained"
    assert (await scene.issue(case)).status == "Active"


async def test_a_refused_ticket_that_somebody_moved_by_hand_is_settled(scene: Scene) -> None:
    case = await scene.new_case()
    scene.desk.walls.add("Resolved")
    await scene.counter.move(case, "resolved")
    await scene.bench.converge()
    refused = await scene.counter.ref(case)
    scene.bench.clock.advance(minutes=1)
    await scene.human_moves(case, "Resolved")

    await scene.a_period_passes()
    await scene.bench.converge()

    ref = await scene.counter.ref(case)
    assert refused.dead_at is not None
    assert (ref.settled_status, ref.dead_at, ref.last_error) == ("resolved", None, None)


async def test_a_refused_ticket_is_not_tried_again_in_every_period(scene: Scene) -> None:
    case = await scene.new_case()
    scene.desk.walls.add("Resolved")
    await scene.counter.move(case, "resolved")
    await scene.bench.converge()
    scene.desk.calls.clear()

    for _ in range(3):
        await scene.a_period_passes()
        await scene.bench.converge()

    assert scene.desk.writes() == []
    assert (await scene.counter.ref(case)).dead_at is not None
