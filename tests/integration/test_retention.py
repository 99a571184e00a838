"""The retention of events: payloads go, rows stay, and what is younger is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from casebridge.engine import retention
from casebridge.engine.retention import Retention
from casebridge.persistence.inbox import InboundEventRow
from tests.integration.desk import Desk
from tests.integration.events import EVENTS, Tenant
from tests.stage import eventually

DAYS_90 = timedelta(days=90)


@pytest.fixture
def tenant(desk_of_both: Desk) -> Tenant:
    made = Tenant.settle_in(desk_of_both)
    made.link()
    return made


def in_a_year() -> datetime:
    return datetime.now(UTC) + timedelta(days=365)


def purge(tenant: Tenant, *, after: timedelta) -> int:
    """Purge as it is done so long after now."""

    def clock() -> datetime:
        return datetime.now(UTC) + after

    async def work() -> int:
        return await Retention(tenant.bridge.database, clock, lasting=DAYS_90).purge()

    return tenant.run(work)


def age(tenant: Tenant, event_id: str, **values: Any) -> None:
    async def work() -> None:
        async with tenant.bridge.database.write() as session:
            one = update(InboundEventRow).where(InboundEventRow.public_id == event_id)
            await session.execute(one.values(**values))

    tenant.run(work)


def test_a_payload_goes_at_the_end_of_its_retention_and_its_row_stays(tenant: Tenant) -> None:
    applied = tenant.deliver("Triage", actor={"id": "ada"})["event_id"]
    assert purge(tenant, after=DAYS_90 - timedelta(minutes=5)) == 0
    assert tenant.event(applied)["body"] is not None

    assert purge(tenant, after=DAYS_90 + timedelta(minutes=5)) >= 1
    assert purge(tenant, after=DAYS_90 + timedelta(minutes=5)) == 0

    event = tenant.event(applied)
    assert event["purged_at"] is not None
    assert (event["body"], event["body_base64"], event["headers"]) == (None, None, None)
    assert (event["applied"], event["native_status"]) == (True, "Triage")
    (row,) = tenant.timeline("status_changed")
    assert row["event_id"] == applied


def test_a_duplicate_is_recognised_after_the_retention(tenant: Tenant) -> None:
    tenant.deliver("Triage", actor={"id": "ada"})
    purge(tenant, after=timedelta(days=400))

    assert tenant.deliver("Triage", actor={"id": "ada"})["reason"] == "duplicate_delivery"


def test_a_replay_shows_that_the_payload_of_its_original_is_gone(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", external_id="another's")["event_id"]
    replay = tenant.replay(early)["id"]
    age(tenant, early, received_at=datetime.now(UTC) - timedelta(days=91))

    purge(tenant, after=timedelta())

    assert tenant.event(replay)["purged_at"] == tenant.event(early)["purged_at"] is not None
    assert tenant.caller.send("POST", f"{EVENTS}/{replay}/replay").status_code == 409


def test_many_are_purged_a_few_at_a_time(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    purge(tenant, after=timedelta(days=400))
    monkeypatch.setattr(retention, "_BATCH", 2)
    for number in range(5):
        tenant.deliver(None, delivery_id=str(number))

    assert purge(tenant, after=timedelta(days=400)) == 5
    assert all(event["purged_at"] for event in tenant.events())


def test_it_purges_when_it_starts_and_ends_when_it_is_told_to(tenant: Tenant) -> None:
    old = tenant.deliver("Triage", actor={"id": "ada"})["event_id"]
    portal = tenant.desk.http.blocking_portal
    keeper = portal.call(lambda: Retention(tenant.bridge.database, in_a_year, lasting=DAYS_90))

    running = portal.start_task_soon(lambda: keeper.run(sweep_seconds=1.0))

    eventually(lambda: tenant.event(old)["purged_at"])
    portal.call(keeper.stop)
    running.result(timeout=60)
