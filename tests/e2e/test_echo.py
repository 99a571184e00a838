"""Our own changes come back as webhooks, late, twice and out of order, and change nothing."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from casebridge_sandbox.webhooks import WebhookFaults
from tests.stage import Service

Vendor = RunningSandbox[Any]


def settle(service: Service, case: str, *vendors: Vendor) -> None:
    """Wait until every webhook is answered and every ticket is where its case is."""
    for _ in range(2):
        for vendor in vendors:
            vendor.control.wait_until_idle()
        service.api.linked(case)


def changes(service: Service, case: str) -> list[str]:
    rows = service.api.timeline(case)
    return [row["text"] for row in rows if row["kind"] == "status_changed"]


def moves(vendor: Vendor) -> int:
    return len(vendor.control.requests("transition"))


@pytest.mark.parametrize("status", ["triage", "contained", "resolved", "closed"])
def test_a_pushed_status_and_its_webhook_leave_the_case_where_it_is(
    bridged: Service, jira: Vendor, servicenow: Vendor, status: str
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    bridged.api.move(case, status)

    settle(bridged, case, jira, servicenow)
    assert bridged.api.status(case) == status
    assert changes(bridged, case) == [f"open → {status}"]
    assert moves(jira) == moves(servicenow) == 1


@pytest.mark.parametrize("order", ["sent", "reversed", "shuffled"])
def test_our_own_changes_that_come_back_late_and_in_any_order_change_nothing(
    bridged: Service, jira: Vendor, servicenow: Vendor, order: Any
) -> None:
    for vendor in (jira, servicenow):
        vendor.control.webhook_faults(WebhookFaults(hold=True, double=1.0))
    case = bridged.api.create_case()
    for status in ("contained", "closed", "open", "contained"):
        bridged.api.linked(case)
        bridged.api.move(case, status)
    bridged.api.linked(case)
    before = changes(bridged, case)

    for vendor in (jira, servicenow):
        assert vendor.control.release(order) > 4

    settle(bridged, case, jira, servicenow)
    assert bridged.api.status(case) == "contained"
    assert changes(bridged, case) == before
    assert {v.control.tickets()[0].status for v in (jira, servicenow)} == {"In Progress"}


@pytest.mark.parametrize("order", ["sent", "reversed"])
def test_the_hops_of_a_long_way_do_not_bounce_the_case(
    service: Service, jira: Vendor, order: Any
) -> None:
    jira.control.use_preset("strict")
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    jira.control.webhook_faults(WebhookFaults(hold=True))
    service.api.move(case, "closed")
    service.api.linked(case)
    service.api.move(case, "contained")
    service.api.linked(case)

    assert jira.control.release(order) >= 4

    settle(service, case, jira)
    assert jira.control.ticket("SEC-1").status == "In Progress"
    assert changes(service, case) == ["open → closed", "closed → contained (reopened)"]


def test_a_change_at_one_vendor_reaches_the_other_once_and_comes_back_to_neither(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    jira.control.move("SEC-1", "Done", by="Ada Analyst")

    settle(bridged, case, jira, servicenow)
    assert changes(bridged, case) == ["open → resolved"]
    assert (moves(jira), moves(servicenow)) == (0, 1)


def test_changes_to_and_fro_between_two_vendors_end_in_one_status(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]

    for native in ("In Progress", "Done", "To Do", "In Progress"):
        jira.control.move("SEC-1", native)
        settle(bridged, case, jira, servicenow)
    servicenow.control.move(number, "Resolved")
    settle(bridged, case, jira, servicenow)

    assert bridged.api.status(case) == "resolved"
    assert jira.control.ticket("SEC-1").status == "Done"
    assert len(changes(bridged, case)) == 5
    assert (moves(jira), moves(servicenow)) == (1, 4)


def test_the_webhooks_of_a_human_are_believed_in_the_vendors_order_not_in_theirs(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.wait_until_idle()
    jira.control.webhook_faults(WebhookFaults(hold=True))
    for native in ("In Progress", "Done"):
        jira.control.move("SEC-1", native)
        jira.control.advance_clock(0.1)

    jira.control.release("reversed")

    settle(bridged, case, jira, servicenow)
    assert changes(bridged, case) == ["open → resolved"]


def test_a_human_change_that_is_delivered_twice_is_one_change(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]
    for vendor in (jira, servicenow):
        vendor.control.webhook_faults(WebhookFaults(double=1.0))

    servicenow.control.move(number, "In Progress")
    settle(bridged, case, jira, servicenow)
    jira.control.move("SEC-1", "Done")

    settle(bridged, case, jira, servicenow)
    assert changes(bridged, case) == ["open → triage", "triage → resolved"]
