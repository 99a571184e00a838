"""A ticket that was deleted at the vendor and is restored there."""

from __future__ import annotations

import pytest

from casebridge_core import CaseStatus
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk
from tests.fanout.reconciling import Scene, open_scene


@pytest.fixture
async def scene(bench: Bench, alpha: Desk) -> Scene:
    """A vendor that names actors."""
    return await open_scene(bench, alpha)


async def a_ticket_is_deleted_and_restored(scene: Scene) -> tuple[str, tuple[str, str]]:
    """Return the case, and the token of an inbox that was told of the deletion only."""
    token = await scene.bench.open_inbox(scene.counter.who)
    await scene.new_case()
    case = await scene.new_case()
    issue = await scene.issue(case)
    scene.bench.clock.advance(seconds=5)
    scene.desk.delete(issue)
    await scene.bench.deliver(token, scene.desk.post[-1])
    scene.bench.clock.advance(seconds=5)
    scene.desk.issues[issue.number] = issue
    scene.desk.move(issue, "In Progress")
    assert (await scene.counter.ref(case)).gone_at is not None
    return case, token


async def is_in_step_again(scene: Scene, case: str) -> None:
    scene.bench.clock.advance(seconds=5)
    await scene.bench.converge()
    assert await scene.status(case) == "triage"
    await scene.counter.move(case, CaseStatus.RESOLVED)
    await scene.bench.converge()
    ref = await scene.counter.ref(case)
    assert (await scene.issue(case)).status == "Done"
    assert (ref.gone_at, ref.verify_asked, ref.last_error) == (None, False, None)
    assert len(await scene.counter.timeline(case, "ticket_restored")) == 1


async def test_it_is_taken_up_again_when_a_webhook_tells_of_a_later_status(scene: Scene) -> None:
    case, token = await a_ticket_is_deleted_and_restored(scene)

    answer = await scene.bench.deliver(token, scene.desk.post[-1])

    assert answer.applied
    await is_in_step_again(scene, case)


async def test_it_is_taken_up_again_when_it_is_in_a_list_of_changes(scene: Scene) -> None:
    case, _ = await a_ticket_is_deleted_and_restored(scene)

    await scene.a_period_passes()

    await is_in_step_again(scene, case)


async def test_a_change_of_the_case_waits_for_nothing_while_it_is_gone(scene: Scene) -> None:
    case, _ = await a_ticket_is_deleted_and_restored(scene)

    await scene.counter.move(case, CaseStatus.RESOLVED)
    await scene.bench.converge()

    assert scene.desk.writes("transition") == []
    assert (await scene.counter.ref(case)).due_at is None
