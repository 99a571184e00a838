"""Statuses without a meaning: listed, mapped with one call, and the waiting cases follow."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casebridge.services.faults import Conflict
from casebridge.services.unmapped import StatusMapping
from casebridge_core import CaseStatus
from tests.integration.desk import Desk
from tests.integration.events import Tenant

UNMAPPED = "/v1/unmapped-statuses"
ADA = {"id": "ada", "name": "Ada"}
NOW = datetime.now(UTC)


def at(minutes: float) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat()


@pytest.fixture
def tenant(desk_of_both: Desk) -> Tenant:
    made = Tenant.settle_in(desk_of_both)
    made.link()
    return made


def new_delivery() -> str:
    return secrets.token_hex(8)


def statuses(tenant: Tenant, **filters: Any) -> list[Any]:
    return list(tenant.caller.ask("GET", UNMAPPED, **filters))


def the_status(tenant: Tenant) -> Any:
    (status,) = statuses(tenant)
    return status


def map_to(tenant: Tenant, status: str) -> Any:
    path = f"{UNMAPPED}/{the_status(tenant)['id']}/map"
    return tenant.caller.ask("POST", path, {"status": status})


def another_case(tenant: Tenant) -> str:
    """Create a second case whose ticket is linked; return its ticket's id."""
    case = tenant.caller.create_case("another")
    tenant.desk.link(case)
    return str(case["tickets"][0]["id"])


def test_a_status_without_a_meaning_is_listed_with_what_is_known_of_it(tenant: Tenant) -> None:
    other = another_case(tenant)
    limbo = {"name": "Limbo", "id": "77", "category": "in_progress"}
    for ticket in (tenant.ticket_id, tenant.ticket_id, other):
        told = tenant.deliver(limbo, external_id=ticket, actor=ADA, delivery_id=new_delivery())
        assert told["reason"] == "unmapped_status"
    tenant.deliver("Open", external_id=other, actor=ADA)

    status = the_status(tenant)

    assert status | {"id": "", "first_seen_at": "", "last_seen_at": ""} == {
        "id": "",
        "connector_id": tenant.connector["id"],
        "connector_name": "acme",
        "vendor": "acme",
        "name": "Limbo",
        "native_id": "77",
        "category": "in_progress",
        "state": "open",
        "suggestion": "triage",
        "mapped_to": None,
        "seen": 3,
        "tickets": 1,
        "waiting": 1,
        "first_seen_at": "",
        "last_seen_at": "",
        "mapped_at": None,
        "dismissed_at": None,
    }
    assert status["first_seen_at"] < status["last_seen_at"]


def test_mapping_a_status_lets_the_waiting_case_follow(tenant: Tenant) -> None:
    event = tenant.deliver("Limbo", actor=ADA, occurred_at=at(-5))
    assert event["reason"] == "unmapped_status"

    mapped = map_to(tenant, "contained")

    assert (mapped["moved"], mapped["reasons"]) == (1, {})
    assert mapped["status"]["state"] == "mapped"
    assert mapped["status"]["mapped_to"] == "contained"
    assert mapped["status"]["mapped_at"] is not None
    assert (mapped["status"]["tickets"], mapped["status"]["waiting"]) == (1, 0)
    assert tenant.status() == "contained"
    card = tenant.caller.ask("GET", f"/v1/connectors/{tenant.connector['id']}")
    assert card["statuses"]["inbound"] == {"Limbo": "contained"}
    (moved,) = tenant.timeline("status_changed")
    assert moved["event_id"] == event["event_id"]
    (row,) = tenant.timeline("status_mapped")
    assert row["actor_label"] == "api (admin)"
    assert row["text"] == "Limbo now means contained, and the case follows"


def test_mapping_calls_no_vendor_and_pushes_nothing_back(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)

    map_to(tenant, "contained")

    ticket = tenant.caller.ask("GET", f"/v1/tickets/{tenant.ticket_id}")
    assert (ticket["state"], ticket["status"]) == ("linked", "Limbo")
    assert ticket["last_inbound_status"] == "contained"


def test_mapping_again_is_harmless_and_lets_later_ones_follow(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    first = map_to(tenant, "contained")
    second = map_to(tenant, "contained")

    assert (first["moved"], second["moved"]) == (1, 0)
    assert second["status"]["mapped_at"] == first["status"]["mapped_at"]
    assert len(tenant.timeline("status_changed")) == 1


def test_a_case_that_moved_on_meanwhile_is_not_overwritten(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA, occurred_at=at(-5))
    tenant.move("resolved")

    mapped = map_to(tenant, "contained")

    assert (mapped["moved"], mapped["reasons"]) == (0, {"superseded_by_case": 1})
    assert tenant.status() == "resolved"


def test_a_case_that_moved_on_meanwhile_is_not_overwritten_without_vendors_times(
    tenant: Tenant,
) -> None:
    tenant.deliver("Limbo", actor=ADA)
    tenant.move("resolved")
    tenant.deliver(None, assignee={"id": "ben"})

    assert map_to(tenant, "contained")["moved"] == 0
    assert tenant.status() == "resolved"


def test_a_case_that_is_there_already_agrees_from_now_on(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)

    mapped = map_to(tenant, "open")

    assert (mapped["moved"], mapped["reasons"]) == (0, {"already_there": 1})
    assert mapped["status"]["waiting"] == 0


def test_a_ticket_that_went_on_is_left_alone(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA, occurred_at=at(-5))
    tenant.deliver("Resolved", actor=ADA, occurred_at=at(-4))

    mapped = map_to(tenant, "contained")

    assert (mapped["moved"], mapped["status"]["tickets"]) == (0, 0)
    assert tenant.status() == "resolved"


def test_a_status_that_is_mapped_at_the_connector_is_mapped_here(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    path = f"/v1/connectors/{tenant.connector['id']}"

    tenant.caller.ask("PATCH", path, {"statuses": {"inbound": {"limbo": "triage"}}})

    status = the_status(tenant)
    assert (status["state"], status["mapped_to"], status["mapped_at"]) == ("mapped", "triage", None)
    assert status["waiting"] == 1
    assert statuses(tenant, state="open") == []
    assert map_to(tenant, "triage")["moved"] == 1
    card = tenant.caller.ask("GET", path)
    assert card["statuses"]["inbound"] == {"limbo": "triage"}


def test_a_status_whose_mapping_is_taken_away_is_open_again(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    map_to(tenant, "triage")

    tenant.caller.ask("PATCH", f"/v1/connectors/{tenant.connector['id']}", {"statuses": {}})

    assert [status["name"] for status in statuses(tenant, state="open")] == ["Limbo"]


def test_what_somebody_else_mapped_meanwhile_is_a_conflict(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    map_to(tenant, "triage")

    path = f"{UNMAPPED}/{the_status(tenant)['id']}/map"
    answer = tenant.caller.send("POST", path, json={"status": "closed"})

    assert answer.status_code == 409
    assert answer.json()["errors"] == [
        {"field": "status", "problem": answer.json()["errors"][0]["problem"]}
    ]
    assert "means triage already" in answer.json()["detail"]


def test_two_who_map_at_once_do_not_both_win(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    status_id = the_status(tenant)["id"]

    async def race() -> list[Any]:
        who = await tenant.bridge.tenants.authenticate(tenant.caller.key or "")
        both = [
            tenant.bridge.unmapped.map(who, status_id, StatusMapping(status=status))
            for status in (CaseStatus.TRIAGE, CaseStatus.RESOLVED)
        ]
        return await asyncio.gather(*both, return_exceptions=True)

    outcomes = tenant.run(race)

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert the_status(tenant)["mapped_to"] == tenant.status()


def test_a_dismissed_status_is_off_the_list_until_it_is_mapped(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    path = f"{UNMAPPED}/{the_status(tenant)['id']}"

    dismissed = tenant.caller.ask("POST", f"{path}/dismiss")
    again = tenant.deliver("Limbo", actor=ADA, occurred_at=at(1))

    assert dismissed["state"] == "dismissed"
    assert again["reason"] in {"unmapped_status", "superseded_by_case"}
    assert statuses(tenant, state="open") == []
    assert [status["seen"] for status in statuses(tenant, state="dismissed")] == [2]
    first, second = (row["text"] for row in tenant.timeline("inbound_ignored"))
    assert first.endswith("map it to take it over")
    assert second.endswith("this status means nothing for a case, as somebody has said")
    assert map_to(tenant, "triage")["status"]["state"] == "mapped"
    assert tenant.caller.send("POST", f"{path}/dismiss").status_code == 409


def test_a_disabled_connectors_cases_stay_where_they_are(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    path = f"/v1/connectors/{tenant.connector['id']}"
    tenant.caller.ask("PATCH", path, {"enabled": False})

    assert map_to(tenant, "triage")["moved"] == 0
    assert tenant.status() == "open"
    tenant.caller.ask("PATCH", path, {"enabled": True})
    assert map_to(tenant, "triage")["moved"] == 1


def test_the_statuses_of_a_removed_connector_are_gone_with_it(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    path = f"{UNMAPPED}/{the_status(tenant)['id']}/map"

    tenant.caller.ask("DELETE", f"/v1/connectors/{tenant.connector['id']}")

    assert statuses(tenant) == []
    assert tenant.caller.send("POST", path, json={"status": "triage"}).status_code == 404


@pytest.mark.parametrize("body", [{}, {"status": "limbo"}, {"status": None}, {"to": "open"}])
def test_a_wrong_meaning_is_refused_by_its_field(tenant: Tenant, body: Any) -> None:
    tenant.deliver("Limbo", actor=ADA)

    path = f"{UNMAPPED}/{the_status(tenant)['id']}/map"
    answer = tenant.caller.send("POST", path, json=body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] in (["status"], ["to"])


def test_the_list_is_filtered_by_connector(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)

    assert len(statuses(tenant, connector_id=tenant.connector["id"])) == 1
    unknown = tenant.caller.send("GET", UNMAPPED, params={"connector_id": "con_nobody"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (404, "connector_id")


def test_anothers_status_is_as_if_it_were_not_there(tenant: Tenant) -> None:
    tenant.deliver("Limbo", actor=ADA)
    stranger = Tenant.settle_in(tenant.desk)
    path = f"{UNMAPPED}/{the_status(tenant)['id']}"

    assert statuses(stranger) == []
    for verb, body in (("map", {"status": "triage"}), ("dismiss", None)):
        answer = stranger.caller.send("POST", f"{path}/{verb}", json=body)
        assert answer.status_code == 404
    assert the_status(tenant)["state"] == "open"


def test_one_status_of_many_cases_at_once_is_counted_for_each(tenant: Tenant) -> None:
    others = [another_case(tenant) for _ in range(5)]
    connector = tenant.connector["id"]

    async def deliver_all() -> None:
        async with asyncio.TaskGroup() as group:
            for ticket in others:
                group.create_task(tenant.receive("Limbo", external_id=ticket))

    tenant.run(deliver_all)

    (status,) = statuses(tenant, connector_id=connector)
    assert (status["seen"], status["tickets"]) == (5, 5)
