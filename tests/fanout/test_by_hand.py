"""Pausing, replaying and resyncing by hand, on the running service with both vendors."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.fanout.orders import refuse
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


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


def resync(service: Service, what: str, case: str, ticket: Any) -> None:
    names = {"case": case, "ticket": ticket["id"], "connector": ticket["connector_id"]}
    service.api.post(RESYNCS[what].format(**names))


@pytest.mark.parametrize(
    ("what", "name"),
    list(zip(RESYNCS, ("jira", "servicenow", "jira", "servicenow"), strict=True)),
)
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
