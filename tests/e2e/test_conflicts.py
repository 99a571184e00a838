"""The specification's four conflicts, each with its interleaving built by held messages."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from casebridge_sandbox.webhooks import WebhookFaults
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]

HOLD = WebhookFaults(hold=True)
ISOLATED = {"action": "isolate", "target": "web-01", "outcome": "isolated"}
NATIVE = {"jira": ("In Progress", "Done"), "servicenow": ("In Progress", "Resolved")}


@pytest.fixture(params=["jira", "servicenow"])
def vendor(
    request: pytest.FixtureRequest, service: Service, jira: Vendor, servicenow: Vendor
) -> Vendor:
    """One of the vendors, connected."""
    if request.param == "jira":
        service.add_jira(jira)
        return jira
    service.add_servicenow(servicenow)
    return servicenow


@pytest.fixture
def case(service: Service, vendor: Vendor) -> str:
    """A case with its ticket, all of whose webhooks so far are answered."""
    created = service.api.create_case()
    service.api.linked(created)
    vendor.control.wait_until_idle()
    return created


def natives(vendor: Vendor) -> tuple[str, str]:
    return NATIVE[vendor.sandbox.vendor]


def changes(service: Service, case: str) -> list[str]:
    rows = service.api.timeline(case)
    return [row["text"] for row in rows if row["kind"] == "status_changed"]


@pytest.mark.parametrize("order", ["sent", "reversed"])
def test_rule_1_the_case_moves_while_the_ticket_is_moving_and_the_case_wins(
    service: Service, vendor: Vendor, case: str, order: Any
) -> None:
    active, done = natives(vendor)
    vendor.control.webhook_faults(HOLD)
    key = vendor.control.tickets()[0].key
    vendor.control.move(key, active)
    vendor.control.advance_clock(1)

    service.api.move(case, "resolved")
    service.api.linked(case)
    assert vendor.control.release(order) >= 2

    vendor.control.wait_until_idle()
    service.api.linked(case)
    assert changes(service, case) == ["open → resolved"]
    assert vendor.control.tickets()[0].status == done


def test_rule_1_a_move_that_is_heard_of_before_the_push_arrives_does_not_win_either(
    service: Service, vendor: Vendor, case: str
) -> None:
    active, done = natives(vendor)
    vendor.control.webhook_faults(HOLD)
    key = vendor.control.tickets()[0].key
    vendor.control.move(key, active)
    vendor.control.arm("slow_answer", "fetch", seconds=0.5)

    service.api.move(case, "resolved")
    eventually(lambda: not vendor.control.faults())
    vendor.control.webhook_faults()
    vendor.control.release()
    vendor.control.wait_until_idle()

    service.api.linked(case)
    vendor.control.wait_until_idle()
    assert changes(service, case) == ["open → resolved"]
    assert vendor.control.tickets()[0].status == done


def test_rule_2_the_ticket_moves_during_containment_and_wins_for_the_status_only(
    service: Service, vendor: Vendor, case: str
) -> None:
    _, done = natives(vendor)
    vendor.control.arm("delay", "comment", seconds=0.5)
    service.api.post(f"/v1/cases/{case}/containment-actions", ISOLATED)
    eventually(lambda: not vendor.control.faults())

    vendor.control.move(vendor.control.tickets()[0].key, done)

    eventually(lambda: service.api.status(case) == "resolved")
    service.api.linked(case)
    (ticket,) = vendor.control.tickets()
    assert (ticket.status, len(ticket.comments)) == (done, 1)
    texts = [row["text"] for row in service.api.timeline(case)]
    assert "isolate on web-01: isolated" in texts
    assert "open → resolved" in texts
    assert vendor.control.requests("transition") == []


def test_rule_3_the_same_status_from_both_sides_is_one_change(
    service: Service, vendor: Vendor, case: str
) -> None:
    _, done = natives(vendor)
    vendor.control.webhook_faults(HOLD)
    vendor.control.move(vendor.control.tickets()[0].key, done)

    service.api.move(case, "resolved")
    service.api.linked(case)
    vendor.control.release()

    vendor.control.wait_until_idle()
    service.api.linked(case)
    assert changes(service, case) == ["open → resolved"]
    assert vendor.control.requests("transition") == []


def test_rule_3_holds_when_the_ticket_is_first(service: Service, vendor: Vendor, case: str) -> None:
    _, done = natives(vendor)
    vendor.control.move(vendor.control.tickets()[0].key, done)
    vendor.control.wait_until_idle()

    service.api.move(case, "resolved")

    service.api.linked(case)
    assert changes(service, case) == ["open → resolved"]
    assert vendor.control.requests("transition") == []


def test_rule_4_a_refused_transition_moves_the_case_and_leaves_the_ticket_before_it(
    service: Service, servicenow: Vendor
) -> None:
    servicenow.control.change_scenario(only_admins_close=True)
    connector = service.add_servicenow(servicenow)
    statuses = {"statuses": {"outbound": {"closed": "7"}}}
    service.api.patch(f"/v1/connectors/{connector}", statuses)
    case = service.api.create_case(status="contained")
    service.api.linked(case)

    service.api.move(case, "closed")

    dead = service.api.ticket_in(case, "servicenow", "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    assert service.api.status(case) == "closed"
    assert servicenow.control.tickets()[0].status == "Resolved"
    (shown,) = service.api.get(f"/v1/connectors/{connector}/failures")
    assert shown["failure"]["reason"] == dead["failure"]["reason"]


def test_a_human_who_moves_the_ticket_after_the_case_moved_has_the_last_word(
    service: Service, vendor: Vendor, case: str
) -> None:
    active, _ = natives(vendor)
    service.api.move(case, "resolved")
    service.api.linked(case)
    vendor.control.advance_clock(1)

    vendor.control.move(vendor.control.tickets()[0].key, active)

    eventually(lambda: service.api.status(case) == "triage")
    service.api.linked(case)
    assert vendor.control.tickets()[0].status == active
    assert len(vendor.control.requests("transition")) == 1
