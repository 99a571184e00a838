"""What operators do by hand, on the running service with both vendors."""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def wall_off_done(jira: Vendor) -> None:
    """Leave no transition into the status Done."""
    workflow = cast("dict[str, Any]", jira.control.scenario()["workflow"])
    edges = [edge for edge in workflow["transitions"] if edge["name"] != "Done"]
    jira.control.change_scenario(workflow={**workflow, "transitions": edges})


def refuse(service: Service, path: str, body: object = None) -> httpx.Response:
    """Send a request that must be refused."""
    answer = service.api.http.post(path, json=body)
    assert answer.is_client_error, f"{answer.status_code} {answer.text}"
    return answer


def move_unseen(vendor: Vendor, ticket: str, status: str) -> None:
    """Move a ticket at the vendor whose webhook is lost."""
    endpoints = vendor.control.webhooks()
    assert endpoints.endpoints
    vendor.control.set_webhooks()
    vendor.control.move(ticket, status)


def writes(vendor: Vendor) -> list[str]:
    wanted = ("create", "transition", "comment", "edit")
    return [call.operation for call in vendor.control.requests() if call.operation in wanted]


# Pausing and resuming.


def test_a_connector_paused_by_hand_gets_nothing_until_it_is_resumed_by_hand(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)

    paused = service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    service.api.move(case, "triage")
    checked = service.api.post(f"/v1/connectors/{connector}/check")
    before = len(jira.control.requests())
    service.api.resync(case)

    assert (paused["state"], paused["paused_reason"]) == (
        "paused",
        "paused by api (tester): maintenance",
    )
    assert all(line["ok"] is not False for line in checked["lines"])
    assert service.api.get(f"/v1/connectors/{connector}")["state"] == "paused"
    assert service.api.ticket(case, "jira")["state"] == "paused"
    service.wait_until_idle()
    assert len(jira.control.requests()) == before
    assert service.api.post(f"/v1/connectors/{connector}/resume")["state"] == "active"
    service.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "In Progress"


def test_a_pause_needs_a_reason(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)

    for body in (None, {}, {"reason": ""}):
        refuse(service, f"/v1/connectors/{connector}/pause", body)

    assert service.api.get(f"/v1/connectors/{connector}")["state"] == "active"


# Replaying dead letters.


def test_a_replay_tries_one_dead_letter_again(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    jira.control.arm("status", "create", status=400, count=2)
    first, second = (service.api.create_case(status="triage") for _ in range(2))
    dead = service.api.ticket_in(first, "jira", "dead")
    service.api.ticket_in(second, "jira", "dead")

    service.api.post(f"/v1/tickets/{dead['id']}/replay")

    assert service.api.linked(first)["jira"]["failure"] is None
    assert service.api.ticket(second, "jira")["state"] == "dead"
    assert len(jira.control.tickets()) == 1


def test_only_a_dead_letter_can_be_replayed(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    ticket = service.api.linked(service.api.create_case())["jira"]

    answer = refuse(service, f"/v1/tickets/{ticket['id']}/replay")

    assert answer.status_code == 409
    assert "resync" in answer.json()["detail"]


def test_a_replay_of_a_connector_tries_all_of_its_dead_letters_and_no_others(
    service: Service, jira: Vendor, servicenow: Vendor
) -> None:
    connector = service.add_jira(jira)
    service.add_servicenow(servicenow)
    alive = service.api.create_case()
    service.api.linked(alive)
    for vendor in (jira, servicenow):
        vendor.control.arm("status", "create", status=400, count=3)
    cases = [service.api.create_case() for _ in range(3)]
    for case in cases:
        for vendor_name in ("jira", "servicenow"):
            service.api.ticket_in(case, vendor_name, "dead")

    scheduled = service.api.post(f"/v1/connectors/{connector}/replay")

    assert scheduled == {"tickets": 3}
    for case in cases:
        service.api.ticket_in(case, "jira", "linked")
        assert service.api.ticket(case, "servicenow")["state"] == "dead"
    assert len(jira.control.tickets()) == 4


# Resync.

RESYNCS = {
    "a ticket": "/v1/tickets/{ticket}/resync",
    "a case": "/v1/cases/{case}/resync",
    "a connector": "/v1/connectors/{connector}/resync",
    "a tenant": "/v1/resync",
}
each_vendor = pytest.mark.parametrize("name", ["jira", "servicenow"])


def resync(service: Service, what: str, case: str, ticket: Any) -> None:
    names = {"case": case, "ticket": ticket["id"], "connector": ticket["connector_id"]}
    service.api.post(RESYNCS[what].format(**names))


@each_vendor
@pytest.mark.parametrize("what", RESYNCS)
def test_a_change_whose_webhook_was_lost_is_taken_over_by_a_resync_of(
    service: Service, jira: Vendor, servicenow: Vendor, name: str, what: str
) -> None:
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    vendor = {"jira": jira, "servicenow": servicenow}[name]
    case = service.api.create_case()
    tickets = service.api.linked(case)
    move_unseen(vendor, tickets[name]["key"], "In Progress")
    before = len(writes(vendor))
    assert service.api.status(case) == "open"

    resync(service, what, case, tickets[name])

    eventually(lambda: service.api.status(case) == "triage")
    service.api.linked(case)
    assert {ticket.status for ticket in jira.control.tickets()} == {"In Progress"}
    assert {ticket.status for ticket in servicenow.control.tickets()} == {"In Progress"}
    assert len(writes(vendor)) == before


@pytest.mark.parametrize("what", RESYNCS)
def test_a_settled_ticket_is_read_and_not_written_by_a_resync_of(
    service: Service, jira: Vendor, what: str
) -> None:
    service.add_jira(jira)
    case = service.api.create_case(status="contained", agent_summary="Likely a web shell.")
    ticket = service.api.linked(case)["jira"]
    jira.control.wait_until_idle()
    before = len(jira.control.requests())

    resync(service, what, case, ticket)

    eventually(lambda: len(jira.control.requests()) > before)
    service.api.linked(case)
    assert {call.method for call in jira.control.requests()[before:]} == {"GET"}
    assert service.api.status(case) == "contained"


def test_a_resync_does_not_undo_a_status_that_is_still_to_be_pushed(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    ticket = service.api.linked(case)["jira"]
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    service.api.move(case, "resolved")

    service.api.post(f"/v1/tickets/{ticket['id']}/resync")
    service.api.post(f"/v1/connectors/{connector}/resume")

    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")
    assert service.api.status(case) == "resolved"


# Force-sync.


def test_a_force_sync_needs_a_reason_and_a_minted_ticket(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    case = service.api.create_case()
    ticket = service.api.ticket(case, "jira")["id"]
    path = f"/v1/tickets/{ticket}/force-sync"

    answers = [refuse(service, path, body).status_code for body in ({}, {"reason": "x"})]
    unminted = refuse(service, path, {"reason": "the workflow is wrong"})

    assert set(answers) == {400}
    assert (unminted.status_code, "not minted" in unminted.text) == (409, True)
    assert [row for row in service.api.timeline(case) if row["kind"] == "force_sync"] == []


def test_a_force_sync_is_on_the_timeline_before_anything_is_pushed(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    connector = service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})
    before = len(jira.control.requests())

    order = {"reason": "the workflow is wrong"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    (row,) = [row for row in service.api.timeline(case) if row["kind"] == "force_sync"]
    assert row["actor_label"] == "api (tester)"
    assert row["text"] == "force-sync of SEC-1 to resolved: the workflow is wrong"
    assert len(jira.control.requests()) == before


def test_a_force_sync_goes_through_a_done_status_that_a_push_avoids(
    service: Service, jira: Vendor
) -> None:
    workflow = cast("dict[str, Any]", jira.control.scenario()["workflow"])
    settled = {"id": "10004", "name": "Settled", "category": "done"}
    names = {status["name"]: status["id"] for status in (*workflow["statuses"], settled)}
    edges = [
        {"id": str(number), "name": end, "to": names[end], "sources": [names[start]]}
        for number, (start, end) in enumerate((("To Do", "Settled"), ("Settled", "Done")), start=11)
    ]
    statuses = [*workflow["statuses"], settled]
    jira.control.change_scenario(workflow={**workflow, "statuses": statuses, "transitions": edges})
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    assert jira.control.ticket("SEC-1").status == "To Do"

    order = {"reason": "the only way leads through Settled"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    service.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "Done"
    assert service.api.status(case) == "resolved"
    texts = [row["text"] for row in service.api.timeline(case) if row["kind"] == "status_pushed"]
    assert texts == ["pushed resolved to SEC-1: Done (forced by api (tester))"]


def test_a_force_sync_that_the_vendor_does_not_allow_says_so_and_is_over(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    ticket = service.api.ticket_in(case, "jira", "dead")
    service.wait_until_idle()

    order = {"reason": "the workflow is wrong"}
    service.api.post(f"/v1/tickets/{ticket['id']}/force-sync", order)

    service.wait_until_idle()
    dead = service.api.ticket_in(case, "jira", "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    forced = "SELECT force_reason, force_actor FROM case_external_refs WHERE public_id = ?"
    assert service.rows(forced, ticket["id"]) == [(None, None)]


# The manual verbs.


def test_push_case_waits_for_its_outcome_if_asked(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": True})

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", body)

    assert (ticket["state"], ticket["key"]) == ("linked", "SEC-1")
    again = service.api.post(f"/v1/connectors/{connector}/push_case", body)
    assert (again["id"], again["state"]) == (ticket["id"], "linked")
    assert len(jira.control.tickets()) == 1


def test_push_case_does_not_wait_unless_asked(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    jira.control.arm("delay", "create", seconds=0.5)
    case = service.api.create_case()

    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", {"case_id": case})

    assert ticket["state"] == "pending"
    service.api.linked(case)


def test_push_case_returns_a_failure_as_soon_as_there_is_one(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    jira.control.arm("status", "create", status=400, count=None)
    case = service.api.create_case()
    service.api.ticket_in(case, "jira", "dead")

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_case", body)

    assert (ticket["state"], ticket["failure"]["kind"]) == ("dead", "InvalidRequest")
    assert ticket["failure"]["attempts"] == 1


def test_push_status_change_retries_and_waits_for_the_new_outcome(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    connector = service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    service.api.ticket_in(case, "jira", "dead")
    jira.control.use_preset("standard")

    body = {"case_id": case, "wait_seconds": 20}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_status_change", body)

    assert (ticket["state"], ticket["failure"]) == ("linked", None)
    assert jira.control.ticket("SEC-1").status == "Done"


def test_nobody_waits_for_a_paused_connector(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "maintenance"})

    body = {"case_id": case, "wait_seconds": 30}
    ticket = service.api.post(f"/v1/connectors/{connector}/push_status_change", body)

    assert ticket["state"] == "paused"


def test_push_status_change_needs_a_ticket(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()

    path = f"/v1/connectors/{connector}/push_status_change"
    answer = refuse(service, path, {"case_id": case})

    assert (answer.status_code, "push the case first" in answer.text) == (409, True)


def test_push_case_to_a_disabled_connector_is_refused(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()

    answer = refuse(service, f"/v1/connectors/{connector}/push_case", {"case_id": case})

    assert answer.status_code == 409
