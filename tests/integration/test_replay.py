"""Replays: the same decision again, on what is known now, and across no guard but one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from casebridge.persistence.connectors import RefRow
from casebridge.persistence.inbox import InboundEventRow
from tests.integration.desk import Desk
from tests.integration.events import EVENTS, Tenant

ADA = {"id": "ada", "name": "Ada"}
NOW = datetime.now(UTC)


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


@pytest.fixture
def tenant(desk_of_both: Desk) -> Tenant:
    """A tenant whose ticket is minted and not linked yet."""
    return Tenant.settle_in(desk_of_both)


def replay_all(tenant: Tenant, **order: Any) -> Any:
    return tenant.caller.ask("POST", f"{EVENTS}/replay", order)


def test_an_event_that_found_no_ticket_is_decided_once_there_is_one(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA)
    assert early["reason"] == "unlinked_ticket"
    tenant.link()

    made = tenant.replay(early["event_id"])

    assert (made["applied"], made["replay_of"]) == (True, early["event_id"])
    assert made["body"] == tenant.event(early["event_id"])["body"]
    assert tenant.event(early["event_id"])["replays"] == [made["id"]]
    assert tenant.status() == "triage"
    (row,) = tenant.timeline("event_replayed")
    assert row["actor_label"] == "api (admin)"
    assert row["event_id"] == made["id"]
    assert early["event_id"] in row["text"]
    (moved,) = tenant.timeline("inbound_actor")
    assert (moved["text"], moved["event_id"]) == ("Ada moved T-1 to Triage", made["id"])


def test_a_replay_is_no_duplicate_and_a_redelivery_after_it_is(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA)
    tenant.link()
    assert tenant.replay(early["event_id"])["applied"] is True

    assert tenant.deliver("Triage", actor=ADA)["reason"] == "duplicate_delivery"
    assert tenant.replay(early["event_id"])["reason"] == "last_known_status"


def test_a_replay_of_a_replay_decides_the_original_again(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA)
    first = tenant.replay(early["event_id"])
    tenant.link()

    second = tenant.replay(first["id"])

    assert (first["reason"], second["applied"]) == ("unlinked_ticket", True)
    assert second["replay_of"] == early["event_id"]


def test_a_stale_event_stays_stale(tenant: Tenant) -> None:
    tenant.link()
    tenant.deliver("Resolved", actor=ADA, occurred_at=at(-10))
    late = tenant.deliver("Triage", actor=ADA, occurred_at=at(-20))
    assert late["reason"] == "stale"

    assert tenant.replay(late["event_id"])["reason"] == "stale"
    assert tenant.status() == "resolved"


def test_an_event_without_a_time_is_as_old_as_its_receipt(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA, assignee={"id": "ben"})
    tenant.link()
    tenant.deliver("Resolved", actor=ADA, assignee={"id": "eve"})

    made = tenant.replay(early["event_id"])

    assert made["reason"] == "stale"
    assert tenant.status() == "resolved"
    assert tenant.caller.ask("GET", f"/v1/cases/{tenant.case_id}")["assignee"]["id"] == "eve"


def test_a_case_that_moved_on_is_not_brought_back(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA)
    tenant.link()
    tenant.move("resolved")

    assert tenant.replay(early["event_id"])["reason"] == "superseded_by_case"
    assert tenant.status() == "resolved"


def test_the_open_events_of_a_filter_are_replayed_some_at_a_time(tenant: Tenant) -> None:
    for minute, status in enumerate(("Triage", "Contained", "Resolved")):
        tenant.deliver(status, actor=ADA, occurred_at=at(minute - 30))
    tenant.deliver("Triage", external_id="another's")
    tenant.link()
    order = {"reason": "unlinked_ticket", "connector_id": tenant.connector["id"], "limit": 3}

    first = replay_all(tenant, **order)
    rest = replay_all(tenant, **order, cursor=first["next_cursor"])
    again = replay_all(tenant, **order)

    assert (first["replayed"], first["applied"], first["reasons"]) == (3, 3, {})
    assert (rest["replayed"], rest["reasons"]) == (1, {"unlinked_ticket": 1})
    assert rest["next_cursor"] is None
    assert (again["replayed"], again["reasons"]) == (1, {"unlinked_ticket": 1})
    assert tenant.status() == "resolved"
    assert len(tenant.timeline("status_changed")) == 3


def test_a_filter_must_name_something(tenant: Tenant) -> None:
    for order in ({}, {"applied": True}, {"limit": 5}):
        answer = tenant.caller.send("POST", f"{EVENTS}/replay", json=order)
        assert answer.status_code == 400
    foreign = tenant.caller.send("POST", f"{EVENTS}/replay", json={"connector_id": "con_nobody"})
    assert (foreign.status_code, foreign.json()["errors"][0]["field"]) == (404, "connector_id")


def test_a_payload_past_its_retention_is_not_replayed(tenant: Tenant) -> None:
    early = tenant.deliver("Triage", actor=ADA)["event_id"]

    async def purge() -> None:
        async with tenant.bridge.database.write() as session:
            await session.execute(
                update(InboundEventRow)
                .where(InboundEventRow.public_id == early)
                .values(purged_at=NOW, headers={}, body=b"")
            )

    tenant.run(purge)

    answer = tenant.caller.send("POST", f"{EVENTS}/{early}/replay")

    assert answer.status_code == 409
    assert "retention" in answer.json()["detail"]
    assert replay_all(tenant, reason="unlinked_ticket")["replayed"] == 0
    event = tenant.event(early)
    assert event["purged_at"] is not None
    assert (event["headers"], event["body"], event["body_base64"]) == (None, None, None)


async def blocked(tenant: Tenant) -> None:
    """Wait until a transaction waits for the lock on a ticket; on SQLite none ever does."""
    if tenant.bridge.database.is_sqlite:
        return
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    async with asyncio.timeout(60):
        while True:
            async with tenant.bridge.database.read() as session:
                if await session.scalar(query):
                    return
            await asyncio.sleep(0.01)


async def link(tenant: Tenant, session: Any) -> None:
    """Do what a convergence does when it links the ticket."""
    ref = await session.scalar(select(RefRow).where(RefRow.public_id == tenant.ticket_id))
    ref.external_id, ref.external_key, ref.due_at = tenant.ticket_id, "T-1", None
    await session.flush()
    await tenant.bridge.replays.catch_up(session, ref)


def test_a_webhook_during_the_link_waits_for_it(tenant: Tenant) -> None:
    async def race() -> Any:
        async with tenant.bridge.database.write() as session:
            await link(tenant, session)
            delivery = asyncio.create_task(tenant.receive("Triage"))
            await blocked(tenant)
        return await delivery

    assert tenant.run(race).applied is True
    assert tenant.status() == "triage"


def test_a_link_during_the_webhook_waits_for_it(tenant: Tenant) -> None:
    async def linking() -> None:
        async with tenant.bridge.database.write() as session:
            await link(tenant, session)

    async def race() -> None:
        answer = None
        inbox = tenant.bridge.inbox
        follow_up = inbox._follow_up

        async def and_wait(*args: Any) -> None:
            await follow_up(*args)
            tasks.append(asyncio.create_task(linking()))
            await blocked(tenant)

        tasks: list[asyncio.Task[None]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inbox, "_follow_up", and_wait)
            answer = await tenant.receive("Triage")
        await tasks[0]
        assert answer.reason == "unlinked_ticket"

    tenant.run(race)

    assert tenant.status() == "triage"
    assert [event["applied"] for event in tenant.events()] == [True, False]


def test_doubles_at_once_are_dealt_with_one_after_the_other(tenant: Tenant) -> None:
    tenant.link()

    async def race() -> list[Any]:
        deliveries = [tenant.receive("Triage") for _ in range(8)]
        return await asyncio.gather(*deliveries)

    answers = tenant.run(race)

    assert sorted(answer.applied for answer in answers) == [False] * 7 + [True]
    assert {a.reason for a in answers if not a.applied} == {"duplicate_delivery"}

    async def count() -> int | None:
        async with tenant.bridge.database.read() as session:
            same = InboundEventRow.external_id == tenant.ticket_id
            return await session.scalar(select(func.count()).where(same))

    assert tenant.run(count) == 8
