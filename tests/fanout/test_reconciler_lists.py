"""Lists of changes that are long, come to no end, or hold what cannot be reflected."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from casebridge_core import CaseStatus, ChangePage, InvalidRequest, NativeStatus, StatusMap
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk
from tests.fanout.issues import Issue
from tests.fanout.reconciling import Scene, open_scene


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


class _Choking(StatusMap, frozen=True, kw_only=True):
    """A map that breaks over one status."""

    def meanings_of(
        self, native: NativeStatus, *, by_category: bool = True
    ) -> tuple[CaseStatus, ...] | None:
        if native.name == "Poison":
            raise RuntimeError
        return super().meanings_of(native, by_category=by_category)


async def test_a_page_that_leads_back_to_itself_is_told_and_not_followed(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    listed = scene.desk.changes

    def same_page(since: datetime, page: str | None) -> ChangePage:
        return ChangePage(events=listed(since, None).events, next_page="again")

    scene.desk.changes = same_page  # type: ignore[method-assign]
    await scene.a_period_passes()

    assert "comes to no end" in ((await scene.row()).reconcile_error or "")
    assert scene.lists() == 2
    assert await scene.status(case) == "resolved"


async def test_a_long_backlog_is_worked_off_in_portions(scene: Scene) -> None:
    """A portion goes on where the last one ended: all of it is of one moment, and listed once."""
    case = await scene.new_case()
    now = scene.bench.clock()
    for number in range(1000, 1119):
        scene.desk.issues[str(number)] = Issue(str(number), "", "New", now, now)
    await scene.human_moves(case, "Resolved")

    await scene.a_period_passes()
    after_one = await scene.status(case), scene.lists(), (await scene.row()).reconciled_at
    await scene.reconciler.reconcile_due()

    assert after_one == ("open", 50, None)
    assert await scene.status(case) == "resolved"
    assert scene.lists() == 60


async def test_a_list_that_grows_while_it_is_read_is_not_chased(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    listed = scene.desk.changes

    def one_more_each_time(since: datetime, page: str | None) -> ChangePage:
        now = scene.bench.clock()
        number = str(1000 + len(scene.desk.issues))
        scene.desk.issues[number] = Issue(number, "", "New", now, now)
        changes = listed(since, page)
        return ChangePage(
            events=changes.events, next_page=str(int(page or 0) + len(changes.events))
        )

    scene.desk.changes = one_more_each_time  # type: ignore[method-assign]
    await scene.a_period_passes()

    assert scene.lists() == 2
    assert (await scene.row()).reconciled_at is not None
    assert await scene.status(case) == "resolved"


async def test_a_page_that_is_no_more_is_not_asked_for_again(scene: Scene) -> None:
    """The place in the list is forgotten, and the next list begins at the cursor."""
    cases = [await scene.new_case() for _ in range(4)]
    for case in cases:
        await scene.human_moves(case, "Active")
    listed = scene.desk.changes

    def no_second_page(since: datetime, page: str | None) -> ChangePage:
        if page is not None:
            raise InvalidRequest("the page is no more")
        return listed(since, page)

    scene.desk.changes = no_second_page  # type: ignore[method-assign]
    await scene.a_period_passes()
    row = await scene.row()
    scene.desk.changes = listed  # type: ignore[method-assign]
    await scene.a_period_passes()

    assert (row.reconcile_error, row.changes_listing) == ("the page is no more", None)
    assert [await scene.status(case) for case in cases] == ["triage"] * 4


async def test_a_ticket_that_is_dated_in_the_future_hides_nothing(scene: Scene) -> None:
    case = await scene.new_case()
    moon = scene.bench.clock() + timedelta(days=3650)
    scene.desk.issues["77"] = Issue("77", "", "New", scene.bench.clock(), moon)
    await scene.a_period_passes()
    await scene.human_moves(case, "Resolved")

    await scene.a_period_passes()

    assert await scene.status(case) == "resolved"


async def test_one_change_that_cannot_be_reflected_stops_no_other(scene: Scene) -> None:
    cases = [await scene.new_case() for _ in range(2)]
    maps = scene.desk.maps
    scene.desk.maps = _Choking(outbound=maps.outbound, inbound=maps.inbound)
    await scene.human_moves(cases[0], "Poison")
    await scene.human_moves(cases[1], "Active")
    await scene.a_period_passes()

    assert [await scene.status(case) for case in cases] == ["open", "triage"]
    assert (await scene.row()).reconcile_error == "a change of T-1 is left out (HookFailed)"
