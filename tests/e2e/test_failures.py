"""Every failure of a vendor is told in words on the ref, once on the timeline, and is got over."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]

VENDORS = ("jira", "servicenow")


@pytest.fixture
def vendors(jira: Vendor, servicenow: Vendor) -> dict[str, Vendor]:
    return {"jira": jira, "servicenow": servicenow}


def failed_rows(service: Service, case: str) -> list[str]:
    return [row["text"] for row in service.api.timeline(case) if row["kind"] == "push_failed"]


PASSING = [
    pytest.param("transition", {"kind": "status", "status": 503}, "answered 503", id="503"),
    pytest.param("transition", {"kind": "status", "status": 500}, "answered 500", id="500"),
    pytest.param("transition", {"kind": "html_ok"}, "an HTML page", id="page with 200"),
    pytest.param("transition", {"kind": "html_error", "status": 502}, "", id="page of an error"),
    pytest.param("fetch", {"kind": "html_ok"}, "an HTML page", id="page to a read"),
    pytest.param("fetch", {"kind": "truncated_json"}, "instead of JSON", id="half JSON"),
    pytest.param("transition", {"kind": "cut_before"}, "broke off", id="cut connection"),
]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(("operation", "fault", "words"), PASSING)
def test_a_passing_failure_is_told_in_words_and_retried_until_it_is_over(
    bridged: Service,
    clock: MovableClock,
    vendors: dict[str, Vendor],
    name: str,
    operation: str,
    fault: dict[str, Any],
    words: str,
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    control = vendors[name].control
    control.arm(operation=operation, count=2, **fault)

    bridged.api.move(case, "triage")

    failing = bridged.api.ticket_in(case, name, "failing")
    assert words in failing["failure"]["reason"]
    assert failing["failure"]["next_try_at"] is not None
    clock.advance(seconds=10)
    eventually(lambda: not control.faults())
    bridged.wait_until_idle()
    clock.advance(seconds=10)
    tickets = bridged.api.linked(case)
    assert tickets[name]["failure"] is None
    assert control.ticket(tickets[name]["key"]).status == "In Progress"
    assert len(failed_rows(bridged, case)) == 1


@pytest.mark.parametrize("name", VENDORS)
def test_a_resync_retries_at_once_what_would_wait(
    bridged: Service, vendors: dict[str, Vendor], name: str
) -> None:
    case = bridged.api.create_case()
    key = bridged.api.linked(case)[name]["key"]
    vendors[name].control.arm("status", "fetch", status=503, count=2)
    bridged.api.move(case, "triage")
    bridged.api.ticket_in(case, name, "failing")

    bridged.api.resync(case)
    eventually(lambda: not vendors[name].control.faults())
    bridged.wait_until_idle()
    bridged.api.resync(case)

    assert bridged.api.linked(case)[name]["failure"] is None
    assert vendors[name].control.ticket(key).status == "In Progress"


def test_a_status_change_retries_at_once_what_would_wait(bridged: Service, jira: Vendor) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.arm("status", "fetch", status=503)
    bridged.api.move(case, "triage")
    bridged.api.ticket_in(case, "jira", "failing")

    bridged.api.move(case, "resolved")

    bridged.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "Done"


def test_after_three_days_nobody_tries_again_until_somebody_asks(
    bridged: Service, clock: MovableClock, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.arm("status", "fetch", status=503, count=None)
    bridged.api.move(case, "triage")
    bridged.api.ticket_in(case, "jira", "failing")

    clock.advance(days=3)

    dead = bridged.api.ticket_in(case, "jira", "dead")
    assert dead["failure"]["next_try_at"] is None
    assert dead["failure"]["reason"] == "127.0.0.1 answered 503"
    jira.control.disarm()
    bridged.api.resync(case)
    assert bridged.api.linked(case)["jira"]["failure"] is None


def test_an_unreachable_vendor_gets_its_ticket_when_it_is_back(
    bridged: Service, clock: MovableClock, jira: Vendor
) -> None:
    with socket.socket() as closed:  # its port is taken, and nobody listens
        closed.bind(("127.0.0.1", 0))
        host, port = closed.getsockname()
        connector = bridged.api.get("/v1/connectors")[0]["id"]
        config = {"base_url": f"http://{host}:{port}", "api_token": "jira-sandbox-token"}
        bridged.api.patch(f"/v1/connectors/{connector}", {"config": config})

        case = bridged.api.create_case()

        failing = bridged.api.ticket_in(case, "jira", "failing")
        assert failing["failure"]["kind"] == "VendorUnavailable"
        assert failing["failure"]["reason"] == f"could not connect to {host}:{port}"
    config = {"base_url": jira.url, "api_token": "jira-sandbox-token"}
    bridged.api.patch(f"/v1/connectors/{connector}", {"config": config})
    assert bridged.api.linked(case)["jira"]["key"] == "SEC-1"
    assert len(failed_rows(bridged, case)) == 1
