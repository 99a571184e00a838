"""Asking for a run, what it is refused for, and tenants who do not see each other."""

from __future__ import annotations

import asyncio

import pytest

from casebridge.services.connector_terms import ConnectorEdit
from casebridge.services.faults import Conflict, NotFound
from casebridge.services.reconciliation import Reconciliation
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk
from tests.fanout.reconciling import Scene, open_scene


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


@pytest.fixture
def reconciliation(bench: Bench) -> Reconciliation:
    return Reconciliation(bench.database, bench.connections.catalog, bench.clock)


async def test_who_asks_has_a_run_at_once(scene: Scene, reconciliation: Reconciliation) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    scene.bench.clock.advance(seconds=20)

    row = await reconciliation.ask(scene.counter.who, scene.connector, 0)
    asked = reconciliation.view(row)
    await scene.reconciler.reconcile_due()
    done = reconciliation.view(await scene.row())

    assert asked is not None
    assert done is not None
    assert (asked.state, asked.reconciled_at, asked.lag_seconds) == ("due", None, None)
    assert (done.state, done.error) == ("waiting", None)
    assert done.lag_seconds is not None
    assert await scene.status(case) == "resolved"


async def test_who_waits_is_answered_when_the_run_is_over(
    scene: Scene, reconciliation: Reconciliation
) -> None:
    await scene.new_case()

    asking = asyncio.create_task(reconciliation.ask(scene.counter.who, scene.connector, 30))
    async with asyncio.timeout(60):
        while not await scene.reconciler.reconcile_due():  # noqa: ASYNC110 - until it is asked for
            await asyncio.sleep(0.01)
        row = await asking

    assert row.reconciled_at is not None
    assert row.reconcile_token is None


async def test_a_run_under_way_is_shown(scene: Scene, reconciliation: Reconciliation) -> None:
    await scene.new_case()
    states: list[str] = []

    async def look() -> None:
        view = reconciliation.view(await scene.row())
        assert view is not None
        states.append(view.state)

    scene.desk.after_work.append(look)
    await scene.a_period_passes()
    await look()

    assert states == ["running", "waiting"]


@pytest.mark.parametrize("how", ["disabled", "paused"])
async def test_a_connector_that_is_out_of_use_is_a_conflict_with_its_cure(
    scene: Scene, reconciliation: Reconciliation, how: str
) -> None:
    connectors, who = scene.bench.connectors, scene.counter.who
    if how == "disabled":
        await connectors.edit(who, scene.connector, ConnectorEdit(enabled=False))
    else:
        await connectors.pause(who, scene.connector, "a test")

    with pytest.raises(Conflict, match=f"is {how}.*(enable|resume) it first"):
        await reconciliation.ask(who, scene.connector, 0)


async def test_the_connector_of_another_tenant_is_not_there(
    scene: Scene, reconciliation: Reconciliation
) -> None:
    stranger = await scene.bench.open_counter("another tenant")

    with pytest.raises(NotFound):
        await reconciliation.ask(stranger.who, scene.connector, 0)

    assert (await scene.row()).reconcile_due_at is None


async def test_a_list_touches_no_case_of_another_tenant(scene: Scene, beta: Desk) -> None:
    """Two tenants share a vendor, and each one's list shows the other's tickets."""
    stranger = await scene.bench.open_counter("another tenant")
    connector = await stranger.connect(beta)
    ours, theirs = await scene.counter.create_case(), await stranger.create_case()
    await scene.bench.converge()
    await scene.bench.connectors.pause(stranger.who, connector, "a test")
    for issue in beta.issues.values():
        scene.bench.clock.advance(seconds=1)
        beta.move(issue, "Resolved")

    await scene.a_period_passes()

    assert await scene.status(ours) == "resolved"
    assert (await stranger.case(theirs)).status == "open"
    assert (await stranger.ref(theirs)).ticket_status == "New"
