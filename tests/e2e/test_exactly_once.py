"""Whatever breaks, at whatever moment: one ticket, each comment once, the right status.

The vendors' search finds a new ticket after up to 30 s; the service's clock is moved past that.
"""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]

FAULTS = [
    {"kind": "cut_before"},
    {"kind": "cut_after"},
    {"kind": "stored_error"},
    {"kind": "truncated_json"},
    {"kind": "cut_midway"},
    {"kind": "html_ok"},
    {"kind": "status", "status": 502},
]
each_vendor = pytest.mark.parametrize("vendor", ["jira", "servicenow"], indirect=True)

CASE = {"status": "resolved", "agent_summary": "Likely a web shell."}


@pytest.fixture(scope="module")
def patience() -> float:
    return 1.0


@pytest.fixture
def vendor(
    request: pytest.FixtureRequest, service: Service, jira: Vendor, servicenow: Vendor
) -> Vendor:
    """One of the vendors, connected."""
    if request.param == "jira":
        service.add_jira(jira)
        return jira
    service.add_servicenow(servicenow)
    return servicenow


def wait_until_right(service: Service, clock: MovableClock, vendor: Vendor, case: str) -> None:
    """Wait until the ticket is where the case is, moving the clock to the next attempt."""

    def settled() -> bool:
        service.wait_until_idle()
        (ticket,) = service.api.case(case)["tickets"]
        if ticket["state"] != "linked":
            clock.advance(seconds=8)
        return bool(ticket["state"] == "linked")

    eventually(settled)
    (found,) = vendor.control.tickets()
    assert found.category == "done"
    (comment,) = found.comments
    assert "Likely a web shell." in comment.text
    (ticket,) = service.api.case(case)["tickets"]
    assert (ticket["external_id"], ticket["failure"]) == (found.id, None)
    assert service.api.status(case) == "resolved"


@pytest.mark.parametrize("fault", FAULTS[:4], ids=lambda fault: fault["kind"])
@pytest.mark.parametrize("operation", ["create", "transition", "comment"])
@each_vendor
def test_a_broken_answer_leaves_one_ticket_and_each_comment_once(
    service: Service, clock: MovableClock, vendor: Vendor, operation: str, fault: dict[str, Any]
) -> None:
    vendor.control.arm(operation=operation, **fault)

    case = service.api.create_case(**CASE)

    wait_until_right(service, clock, vendor, case)
    assert vendor.control.faults() == []


@pytest.mark.parametrize("fault", FAULTS[3:], ids=lambda fault: fault["kind"])
@each_vendor
def test_an_answer_that_is_broken_again_and_again_leaves_one_ticket(
    service: Service, clock: MovableClock, vendor: Vendor, fault: dict[str, Any]
) -> None:
    for operation in ("create", "search", "transition", "fetch", "comment", "list_comments"):
        vendor.control.arm(operation=operation, count=2, **fault)

    case = service.api.create_case(**CASE)

    wait_until_right(service, clock, vendor, case)


@each_vendor
def test_an_answer_that_comes_too_late_leaves_one_ticket(
    service: Service, clock: MovableClock, vendor: Vendor
) -> None:
    for operation in ("create", "transition", "comment"):
        vendor.control.arm("slow_answer", operation, seconds=1.5)

    case = service.api.create_case(**CASE)

    wait_until_right(service, clock, vendor, case)


def test_a_ticket_that_search_does_not_show_yet_is_waited_for(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    jira.control.change_scenario(search_lag_seconds=20)
    service.add_jira(jira)
    jira.control.arm("cut_after", "create")
    case = service.api.create_case(**CASE)
    for _ in range(4):
        clock.advance(seconds=5)
        service.api.resync(case)
        service.wait_until_idle()
    assert len(jira.control.tickets()) == 1
    assert jira.control.requests("search")

    jira.control.advance_clock(20)

    wait_until_right(service, clock, jira, case)


def test_a_ticket_that_was_not_created_is_created_once_the_search_must_have_found_it(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    service.add_jira(jira)
    jira.control.arm("cut_before", "create")
    case = service.api.create_case(**CASE)
    service.api.ticket_in(case, "jira", "failing")
    service.wait_until_idle()
    service.api.resync(case)
    service.wait_until_idle()
    assert jira.control.tickets() == []

    clock.advance(seconds=31)

    wait_until_right(service, clock, jira, case)


def test_two_tickets_of_one_key_are_named_and_the_older_one_is_kept(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    service.add_jira(jira)
    jira.control.arm("cut_after", "create")
    jira.control.arm("status", "search", status=503, count=1)
    case = service.api.create_case()
    (first,) = eventually(jira.control.tickets)
    labels = first.fields["labels"]
    jira.control.create_ticket("A copy made by hand", fields={"labels": labels})

    service.wait_until_idle()
    service.api.resync(case)
    service.wait_until_idle()
    service.api.resync(case)

    assert service.api.linked(case)["jira"]["key"] == first.key
    assert any("SEC-2" in row["text"] for row in service.api.timeline(case))


@each_vendor
def test_a_ticket_that_was_reported_and_never_stored_is_made_again(
    service: Service, clock: MovableClock, vendor: Vendor
) -> None:
    vendor.control.arm("not_done", "create")

    case = service.api.create_case(**CASE)

    failing = eventually(lambda: service.api.case(case)["tickets"][0]["failure"])
    assert "is not there" in failing["reason"]
    wait_until_right(service, clock, vendor, case)
