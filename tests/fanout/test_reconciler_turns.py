"""When the reconciler looks, and when it must not: failures, pauses, leases and limits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.connector_terms import ConnectorEdit, Limits
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk, Trouble, WorkerDied
from tests.fanout.reconciling import LASTING, PERIOD, Scene, leases_of, open_scene, reconciler_of


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


async def test_a_vendor_without_an_answer_is_asked_again_and_loses_nothing(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    scene.desk.arm("list_changes", Trouble.UNAVAILABLE)

    await scene.a_period_passes()
    failed = await scene.row()
    scene.bench.clock.advance(minutes=1)
    await scene.reconciler.reconcile_due()

    assert failed.reconcile_error == "could not connect to beta"
    assert failed.reconciled_at is None
    assert await scene.status(case) == "resolved"
    assert (await scene.row()).reconcile_error is None


async def test_a_failure_on_a_later_page_keeps_the_pages_before(scene: Scene) -> None:
    cases = [await scene.new_case() for _ in range(4)]
    for case in cases:
        await scene.human_moves(case, "Active")

    async def break_the_next() -> None:
        scene.desk.arm("list_changes", Trouble.UNAVAILABLE)

    scene.desk.after_work.append(break_the_next)
    await scene.a_period_passes()

    assert [await scene.status(case) for case in cases] == ["triage", "triage", "open", "open"]
    assert (await scene.row()).changes_cursor == (await scene.issue(cases[1])).updated_at
    await scene.a_period_passes()
    assert [await scene.status(case) for case in cases] == ["triage"] * 4
    assert [call.about for call in scene.desk.writes("list_changes")] == ["", "2", "2"]


async def test_a_vendor_that_asks_to_wait_is_left_alone_until_then(scene: Scene) -> None:
    await scene.new_case()
    scene.desk.arm("list_changes", Trouble.LIMITED)

    await scene.a_period_passes()
    scene.bench.clock.advance(seconds=80)
    early = await scene.reconciler.reconcile_due()
    scene.bench.clock.advance(seconds=20)

    assert (early, await scene.reconciler.reconcile_due()) == (0, 1)


async def test_a_refused_credential_pauses_the_connector_as_a_push_does(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    scene.desk.arm("list_changes", Trouble.REFUSED_CREDENTIAL)

    await scene.a_period_passes()
    paused = await scene.row()
    rested = await scene.a_period_passes()
    await scene.bench.connectors.check(scene.counter.who, scene.connector)

    assert (paused.paused_reason, rested) == ("beta refuses the credential", 0)
    assert await scene.reconciler.reconcile_due() == 1
    assert await scene.status(case) == "resolved"


@pytest.mark.parametrize("how", ["disabled", "removed", "paused"])
async def test_a_connector_that_is_out_of_use_is_left_alone(scene: Scene, how: str) -> None:
    await scene.new_case()
    connectors, who = scene.bench.connectors, scene.counter.who
    if how == "disabled":
        await connectors.edit(who, scene.connector, ConnectorEdit(enabled=False))
    elif how == "removed":
        await connectors.remove(who, scene.connector)
    else:
        await connectors.pause(who, scene.connector, "a test")

    assert await scene.a_period_passes() == 0
    assert scene.lists() == 0


async def test_a_connector_that_is_paused_in_the_middle_goes_on_where_it_was(scene: Scene) -> None:
    cases = [await scene.new_case() for _ in range(4)]
    for case in cases:
        await scene.human_moves(case, "Active")

    async def pause() -> None:
        await scene.bench.connectors.pause(scene.counter.who, scene.connector, "a test")

    scene.desk.after_work.append(pause)
    await scene.a_period_passes()
    listed = scene.lists()
    await scene.bench.connectors.resume(scene.counter.who, scene.connector)
    await scene.reconciler.reconcile_due()

    assert listed == 1
    assert [await scene.status(case) for case in cases] == ["triage"] * 4


async def test_after_a_death_the_next_one_takes_over_once_the_lease_is_over(scene: Scene) -> None:
    cases = [await scene.new_case() for _ in range(4)]
    for case in cases:
        await scene.human_moves(case, "Active")

    async def die() -> None:
        raise WorkerDied

    scene.desk.after_work += [die]
    with pytest.raises(WorkerDied):
        await scene.a_period_passes()
    too_early = await scene.reconciler.reconcile_due()
    scene.bench.clock.advance(seconds=LASTING.total_seconds() + 1)

    assert (too_early, await scene.reconciler.reconcile_due()) == (0, 1)
    assert [await scene.status(case) for case in cases] == ["triage"] * 4


async def test_one_that_lost_its_lease_writes_nothing_more(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    leases = leases_of(scene.bench)

    async def fall_silent() -> None:
        scene.bench.clock.advance(seconds=LASTING.total_seconds() + 1)
        assert len(await leases.take(1, scene.bench.vendors)) == 1

    scene.desk.after_work.append(fall_silent)
    await scene.a_period_passes()

    assert await scene.status(case) == "open"
    assert (await scene.row()).changes_cursor is None
    assert caplog.messages == []  # another process goes on, and nothing broke off


async def test_who_asks_during_a_run_gets_another_one(scene: Scene) -> None:
    case = await scene.new_case()

    async def ask() -> None:
        async with scene.bench.database.write() as session:
            await session.execute(update(ConnectorRow).values(reconcile_due_at=scene.bench.clock()))

    scene.desk.after_work.append(ask)
    await scene.a_period_passes()
    await scene.human_moves(case, "Resolved")
    scene.bench.clock.advance(seconds=20)

    assert await scene.reconciler.reconcile_due() == 1
    assert await scene.status(case) == "resolved"


async def test_connectors_are_spread_over_the_period_and_never_beyond(
    bench: Bench, alpha: Desk, beta: Desk
) -> None:
    counter, reconciler = await bench.open_counter(), reconciler_of(bench)
    for desk in (alpha, beta):
        await counter.connect(desk)
    bench.clock.advance(seconds=PERIOD.total_seconds())
    await reconciler.reconcile_due()

    rows = await bench.connectors.list(counter.who)
    delays = [row.reconcile_due_at - bench.clock() for row in rows if row.reconcile_due_at]

    assert len(set(delays)) == 2
    assert all(PERIOD * 0.8 <= delay <= PERIOD for delay in delays)


async def test_a_period_of_zero_leaves_it_to_those_who_ask(scene: Scene) -> None:
    await scene.new_case()
    reconciler = reconciler_of(scene.bench, period=timedelta())
    scene.bench.clock.advance(days=1)
    unasked = await reconciler.reconcile_due()
    async with scene.bench.database.write() as session:
        await session.execute(update(ConnectorRow).values(reconcile_due_at=scene.bench.clock()))

    assert (unasked, await reconciler.reconcile_due()) == (0, 1)
    assert (await scene.row()).reconcile_due_at is None


async def charge(scene: Scene) -> None:
    """Let every call count, as it does over HTTP."""
    row = await scene.row()

    async def count(*_: object) -> None:
        scene.bench.connections.meter(row.id).count()

    scene.desk.on_call = count


async def test_a_limited_connector_keeps_to_its_limit(bench: Bench, beta: Desk) -> None:
    scene = await open_scene(bench, beta)
    cases = [await scene.new_case() for _ in range(6)]
    for case in cases:
        await scene.human_moves(case, "Active")
    await charge(scene)
    limits = ConnectorEdit(limits=Limits(calls_per_minute=1))
    await bench.connectors.edit(scene.counter.who, scene.connector, limits)
    beta.calls.clear()

    for _ in range(40):
        await scene.a_period_passes()

    times = [call.at for call in beta.calls if call.operation == "list_changes"]
    assert len(times) > 3
    assert all(later - sooner >= timedelta(seconds=59) for sooner, later in pairwise(times))
    assert [await scene.status(case) for case in cases] == ["triage"] * 6


async def test_new_pushes_of_a_limited_connector_go_first(bench: Bench, beta: Desk) -> None:
    scene = await open_scene(bench, beta, calls_per_minute=600)
    await scene.new_case()
    bench.clock.advance(seconds=PERIOD.total_seconds())
    case = await scene.counter.create_case()
    beta.calls.clear()

    turn = asyncio.create_task(scene.reconciler.reconcile_due())
    async with asyncio.timeout(60):
        while (await scene.row()).tokens_at != bench.clock():  # noqa: ASYNC110 - it looks, and waits
            await asyncio.sleep(0.01)
        waiting = scene.lists()
        await bench.converge()
        await turn

    assert (waiting, scene.lists()) == (0, 1)
    assert (await scene.counter.ref(case)).external_id is not None
