"""What connectors have been doing, counted on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from casebridge.domain.actors import TimelineKind
from casebridge.domain.hours import HourCount
from casebridge.persistence.database import Database
from casebridge.services import timeline
from casebridge.services.connector_activity import ConnectorActivity, Failures
from casebridge.services.timeline import Cause
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

PUSHED, FAILED = TimelineKind.STATUS_PUSHED, TimelineKind.PUSH_FAILED


def activity(database: Database) -> ConnectorActivity:
    return ConnectorActivity(database, lambda: NOON)


async def test_the_last_day_is_counted_by_whole_hours_back_from_now(database: Database) -> None:
    moments: list[tuple[Any, datetime]] = [
        (PUSHED, NOON),
        (PUSHED, NOON - timedelta(minutes=59, seconds=59)),
        (FAILED, NOON - timedelta(minutes=30)),
        (PUSHED, NOON - timedelta(hours=1, seconds=1)),
        (PUSHED, NOON - timedelta(hours=23, minutes=59, microseconds=7)),
        (PUSHED, NOON - timedelta(hours=24, seconds=1)),
    ]
    async with database.write() as session:
        tenant = await add_tenant(session)
        case = await add_case(session, tenant)
        busy, idle = [await add_connector(session, tenant) for _ in range(2)]
        for kind, at in moments:
            cause = Cause(actor="somebody", at=at, connector_id=busy.id)
            timeline.record(session, case, cause, kind, "what happened")

    counted = await activity(database).last_day([busy, idle])

    assert set(counted) == {busy.id}
    assert {(each.hours_ago, each.kind): each.count for each in counted[busy.id]} == {
        (0, PUSHED): 2,
        (0, FAILED): 1,
        (1, PUSHED): 1,
        (23, PUSHED): 1,
    }
    assert all(isinstance(each, HourCount) for each in counted[busy.id])


async def test_failing_and_dead_tickets_are_counted_and_listed_dead_first(
    database: Database,
) -> None:
    failed = {"last_error": "no", "last_error_kind": "Rejected", "last_error_at": NOON}
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector, other = [await add_connector(session, tenant) for _ in range(2)]
        cases = [await add_case(session, tenant) for _ in range(3)]
        await add_ref(session, cases[0], connector)
        since = NOON - timedelta(hours=2)
        tried = await add_ref(session, cases[1], connector, first_failed_at=since, **failed)
        dead = await add_ref(session, cases[2], connector, dead_at=NOON, due_at=None, **failed)

    counted = await activity(database).failures([connector, other])
    listed = await activity(database).failing(connector)

    assert counted.get(connector.id) == Failures(failing=1, dead=1, since=since)
    assert counted.get(other.id) is None
    assert [(ref.id, case.id) for ref, case in listed] == [
        (dead.id, cases[2].id),
        (tried.id, cases[1].id),
    ]
