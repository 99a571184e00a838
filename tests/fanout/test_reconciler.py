"""What the reconciler makes up for at a vendor in memory, and how the timeline tells it.

News goes into the desk's post and stays there: no test delivers a webhook unless it says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import structs
from sqlalchemy import select

from casebridge.persistence.inbox import InboundEventRow
from casebridge_core import ChangePage, CommentAction, InboundComment
from tests.fanout.bench import Bench
from tests.fanout.desks import Desk
from tests.fanout.issues import Issue
from tests.fanout.reconciling import PERIOD, Scene, open_scene


@pytest.fixture
async def scene(bench: Bench, beta: Desk) -> Scene:
    """A vendor that names no actors."""
    return await open_scene(bench, beta)


async def test_a_missed_move_is_three_rows_under_a_label_of_its_own(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")

    await scene.a_period_passes()

    assert await scene.status(case) == "resolved"
    assert await scene.told(case) == [
        ("status_changed", "open → resolved"),
        ("inbound_actor", "somebody moved T-1 to Resolved"),
        ("inbound_payload", "no webhook had told of it: read from Beta's list of changes"),
    ]
    rows = await scene.counter.timeline(case, "status_changed")
    assert rows[0].actor_label == "itsm-reconciler (beta)"


async def test_what_is_known_leaves_no_trace_and_costs_no_write(scene: Scene) -> None:
    case = await scene.new_case()
    await scene.human_moves(case, "Resolved")
    await scene.a_period_passes()
    before = await scene.counter.timeline(case), await scene.counter.ref(case)

    for _ in range(3):
        await scene.a_period_passes()

    after = await scene.counter.timeline(case), await scene.counter.ref(case)
    assert [len(after[0]), after[1].updated_at] == [len(before[0]), before[1].updated_at]
    assert scene.lists() >= 4


async def test_tickets_of_other_people_are_passed_over(scene: Scene) -> None:
    case = await scene.new_case()
    stranger = Issue("77", "", "Resolved", scene.bench.clock(), scene.bench.clock())
    scene.desk.issues["77"] = stranger
    await scene.human_moves(case, "Active")

    await scene.a_period_passes()

    assert await scene.status(case) == "triage"
    async with scene.bench.database.read() as session:
        assert (await session.scalars(select(InboundEventRow))).all() == []


async def test_pages_are_worked_off_and_the_cursor_follows(scene: Scene) -> None:
    cases = [await scene.new_case() for _ in range(5)]
    for case in cases:
        await scene.human_moves(case, "Active")
    newest = (await scene.issue(cases[-1])).updated_at

    await scene.a_period_passes()

    assert [await scene.status(case) for case in cases] == ["triage"] * 5
    assert scene.lists() == 3
    row = await scene.row()
    assert (row.changes_cursor, row.reconcile_error) == (newest, None)
    assert row.reconciled_at is not None


async def test_the_first_list_begins_with_the_oldest_open_ticket(scene: Scene) -> None:
    asked: list[datetime] = []
    listed = scene.desk.changes

    def note(since: datetime, page: str | None) -> ChangePage:
        asked.append(since)
        return listed(since, page)

    scene.desk.changes = note  # type: ignore[method-assign]
    scene.bench.clock.advance(days=30)
    case = await scene.new_case()
    minted = (await scene.issue(case)).updated_at
    scene.bench.clock.advance(days=2)

    await scene.a_period_passes()

    assert asked[0] == minted - timedelta(seconds=60 + 30)


async def test_a_connector_without_tickets_is_not_asked(scene: Scene) -> None:
    assert await scene.a_period_passes() == 1

    assert scene.lists() == 0
    assert (await scene.row()).reconciled_at is not None


async def test_a_change_is_left_to_its_webhook_first(scene: Scene) -> None:
    case = await scene.new_case()
    scene.bench.clock.advance(seconds=PERIOD.total_seconds())
    scene.desk.move(await scene.issue(case), "Resolved")

    await scene.reconciler.reconcile_due()
    at_first = await scene.status(case)
    scene.bench.clock.advance(seconds=15)
    await scene.reconciler.reconcile_due()

    assert (at_first, await scene.status(case)) == ("open", "resolved")


async def test_a_webhook_within_its_grace_is_not_made_up_for(scene: Scene) -> None:
    case = await scene.new_case()
    token = await scene.bench.open_inbox(scene.counter.who)
    scene.desk.post.clear()
    scene.bench.clock.advance(seconds=PERIOD.total_seconds())
    scene.desk.move(await scene.issue(case), "Resolved")

    await scene.reconciler.reconcile_due()
    await scene.bench.deliver(token, scene.desk.post.pop())
    scene.bench.clock.advance(seconds=15)
    await scene.reconciler.reconcile_due()

    assert await scene.status(case) == "resolved"
    assert await scene.told(case) == []


async def test_a_comment_is_found_on_a_ticket_that_never_rests(scene: Scene) -> None:
    case = await scene.new_case()
    issue = await scene.issue(case)
    written: dict[str, datetime] = {}
    listed = scene.desk.changes

    def with_comments(since: datetime, page: str | None) -> ChangePage:
        found = listed(since, page)
        comments = tuple(
            InboundComment(
                external_id=note.number, action=CommentAction.CREATED, text=note.text, at=at
            )
            for note in issue.notes
            if (at := written[note.number]) >= since
        )
        events = tuple(structs.replace(event, comments=comments) for event in found.events)
        return structs.replace(found, events=events)

    scene.desk.changes = with_comments  # type: ignore[method-assign]
    for round_ in range(4):
        scene.bench.clock.advance(seconds=PERIOD.total_seconds() - 10)
        if round_ == 1:
            scene.desk.note(issue, CommentAction.CREATED)
            written[issue.notes[0].number] = issue.updated_at
        scene.bench.clock.advance(seconds=10)
        scene.desk.rename(issue)
        await scene.reconciler.reconcile_due()

    noted = (await scene.bench.cases.get(scene.counter.who, case)).annotations
    assert [row.text for row in noted] == [issue.notes[0].text]
