"""What holds of a world that has come to rest: agreement in every field, and nothing unasked."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import select

from casebridge.persistence.cases import AnnotationRow, CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge_core import CaseStatus
from tests.fanout.desks import Desk
from tests.fanout.issues import Issue
from tests.fanout.world import World

FEW: Final = 4
"""Pushes that a ticket may still need when everything works again and all post is delivered."""


async def judge(world: World) -> None:
    """Judge a world at rest."""
    async with world.bench.database.read() as session:
        refs = (await session.scalars(select(RefRow))).all()
    for ref in refs:
        desk = next(desk for desk in world.desks if desk.vendor == ref.vendor)
        issue = desk.issues.get(ref.external_id or "")
        if issue is None and ref.external_id is not None:
            _is_given_up(ref)
            continue
        await _agree(world, ref, desk, issue)
    for case in world.cases:
        await _names_one_of_its_assignees(world, case)
    await _nobody_moved_a_case_unasked(world)
    assert not world.violations, world.violations


async def come_to_rest_soon(world: World) -> None:
    """Let a world come to rest, with few pushes."""
    before = [len(desk.writes("transition")) for desk in world.desks]
    undelivered = [len(desk.post) for desk in world.desks]
    await world.come_to_rest()
    for desk, count, waiting in zip(world.desks, before, undelivered, strict=True):
        tally = Tally(call.about for call in desk.writes("transition")[count:])
        most = max(tally.values(), default=0)
        assert most <= FEW + sum(undelivered), f"{desk.vendor}: {most} pushes, {waiting} waiting"


async def nothing_old_matters(world: World) -> None:
    """Deliver what is old again, newest first: a case at rest stays at rest.

    What was told with a time that was still to come is known for old by its delivery id only.
    """
    before = [_shown(await world.counter.case(case)) for case in world.cases]
    writes = [len(desk.writes()) for desk in world.desks]
    rows = await _annotations(world)
    wrong = [body for desk in world.desks for body in desk.from_the_future]
    for body in [body for body in reversed(world.sent) if body not in wrong][:8]:
        await world.deliver_again(body)
    await world.work_and_deliver()
    assert [_shown(await world.counter.case(case)) for case in world.cases] == before
    assert [len(desk.writes()) for desk in world.desks] == writes
    assert await _annotations(world) == rows


async def _agree(world: World, ref: RefRow, desk: Desk, issue: Issue | None) -> None:
    case = await _case_of(world, ref)
    told = f"{ref.vendor} {ref.external_key}: case {case.status}, error {ref.last_error}"
    assert (ref.due_at, ref.lease_token) == (None, None), told
    if ref.last_error is not None:
        assert ref.dead_at is not None, told
        wanted = desk.maps.outbound[CaseStatus(case.status)]
        assert ref.last_error_kind != "TransitionRejected" or wanted in ref.last_error, told
        return
    assert issue is not None, told
    meanings = world.meanings(desk, issue.status)
    told = f"{told}, ticket {issue.status}"
    assert not meanings or CaseStatus(case.status) in meanings, told
    detail = await world.bench.cases.get(world.counter.who, case.public_id)
    assert len(issue.comments) == len(detail.actions), told
    assert ref.external_key == issue.key, told
    assert ref.assignee_id == (issue.assignee.id if issue.assignee else None), told
    annotations = [row for row in detail.annotations if row.ref_id == ref.id]
    _hold_what_people_wrote(world, issue, annotations)


def _is_given_up(ref: RefRow) -> None:
    """Tell that the ref of a ticket that was deleted is at rest."""
    assert ref.gone_at is not None or ref.dead_at is not None, ref.external_key
    assert ref.due_at is None, ref.external_key


def _hold_what_people_wrote(
    world: World, issue: Issue, annotations: Sequence[AnnotationRow]
) -> None:
    """Compare the notes of which all was told; a vendor whose clock was wrong told no order."""
    bodies = [msgspec.json.decode(body) for body in world.lost]
    lost = {
        comment["external_id"]
        for body in bodies
        for told in body.values()
        for comment in told.get("comments", ())
    }
    held = {row.external_id: row for row in annotations}
    assert set(held) <= {note.number for note in issue.notes}, "one of ours is an annotation"
    for note in issue.notes if not world.time_was_wrong else ():
        if note.number not in lost:
            row = held[note.number]
            assert (row.text, row.deleted_at is not None) == (note.text, note.deleted), note


async def _names_one_of_its_assignees(world: World, case: str) -> None:
    refs = [ref for ref in await world.counter.refs(case) if ref.gone_at is None]
    named = (await world.counter.case(case)).assignee_id
    assigned = {ref.assignee_id for ref in refs} - {None}
    assert named in assigned if assigned else named is None, f"{named} of {assigned}"


async def _nobody_moved_a_case_unasked(world: World) -> None:
    """Each change that came from a vendor has a human's move to thank, which no push overwrote."""
    async with world.bench.database.read() as session:
        rows = (
            await session.execute(
                select(TimelineRow, RefRow.external_id, ConnectorRow.vendor)
                .join(ConnectorRow, ConnectorRow.id == TimelineRow.connector_id)
                .join(
                    RefRow,
                    (RefRow.case_id == TimelineRow.case_id)
                    & (RefRow.connector_id == ConnectorRow.id),
                )
                .where(TimelineRow.kind.in_(("status_changed", "status_pushed")))
                .order_by(TimelineRow.id)
            )
        ).all()
    pushed: dict[tuple[str, str | None], datetime] = {}
    taken: Tally[tuple[str, str | None, str]] = Tally()
    for row, number, vendor in rows:
        if row.kind == "status_pushed":
            pushed[vendor, number] = row.at
            continue
        after = str(row.detail["after"])
        desk = next(desk for desk in world.desks if desk.vendor == vendor)
        moves = [
            move
            for move in world.moves
            if (move.vendor, move.number) == (vendor, number)
            and CaseStatus(after) in world.meanings(desk, move.native)
        ]
        taken[vendor, number, after] += 1
        told = f"{vendor} {number} moved its case to {after} unasked, at {row.at}"
        assert taken[vendor, number, after] <= len(moves), told
        since = pushed.get((vendor, number))
        assert since is None or any(move.at >= since for move in moves), f"{told}, after a push"


def _shown(case: CaseRow) -> tuple[str, str | None]:
    return case.status, case.assignee_id


async def _annotations(world: World) -> list[tuple[str, str, bool]]:
    async with world.bench.database.read() as session:
        rows = await session.scalars(select(AnnotationRow).order_by(AnnotationRow.id))
        return [(row.external_id, row.text, row.deleted_at is not None) for row in rows]


async def _case_of(world: World, ref: RefRow) -> CaseRow:
    async with world.bench.database.read() as session:
        return await session.get_one(CaseRow, ref.case_id)
