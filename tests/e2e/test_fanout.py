"""What leaves for the tickets, how often, and that no vendor holds the case up."""

from __future__ import annotations

from typing import Any

import msgspec

from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]

BLOCKED = {
    "action": "block",
    "target": "203.0.113.9",
    "outcome": "blocked at the edge",
    "at": "2026-03-01T10:20:30Z",
}


def everything_at(vendor: Vendor) -> str:
    """Return all that a vendor stores, as one text."""
    return msgspec.json.encode(vendor.control.tickets()).decode()


def calls(vendor: Vendor, *operations: str) -> list[str]:
    """Return the writes that a vendor received, oldest first."""
    wanted = operations or ("create", "transition", "comment", "edit")
    return [call.operation for call in vendor.control.requests() if call.operation in wanted]


def test_a_case_is_answered_before_any_vendor_is_called(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    for vendor in (jira, servicenow):
        vendor.control.arm("delay", "create", seconds=1.0)

    case = bridged.api.post("/v1/cases", {"title": "Held up"})

    assert [ticket["state"] for ticket in case["tickets"]] == ["pending", "pending"]
    assert jira.control.tickets() == servicenow.control.tickets() == []
    bridged.api.linked(case["id"])


def test_one_failing_connector_stops_neither_the_other_nor_the_case(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    jira.control.arm("status", "create", status=400, count=None)

    case = bridged.api.create_case()
    bridged.api.move(case, "resolved")

    eventually(lambda: [t.status for t in servicenow.control.tickets()] == ["Resolved"])
    bridged.api.ticket_in(case, "jira", "dead")
    bridged.api.ticket_in(case, "servicenow", "linked")
    assert bridged.api.status(case) == "resolved"
    assert jira.control.tickets() == []


def test_a_status_set_to_its_current_value_calls_no_vendor(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    bridged.api.move(case, "triage")
    bridged.api.linked(case)
    before = [len(vendor.control.requests()) for vendor in (jira, servicenow)]

    for _ in range(2):
        bridged.api.move(case, "triage")

    bridged.api.linked(case)
    assert [len(vendor.control.requests()) for vendor in (jira, servicenow)] == before


def test_a_resync_of_a_settled_case_reads_each_ticket_and_writes_nothing(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    before = {vendor: len(vendor.control.requests()) for vendor in (jira, servicenow)}

    bridged.api.resync(case)

    bridged.api.linked(case)
    for vendor, count in before.items():
        calls = vendor.control.requests()[count:]
        assert {call.method for call in calls} == {"GET"}


def test_a_move_between_statuses_of_one_native_name_calls_no_vendor(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case(status="triage")
    bridged.api.linked(case)

    bridged.api.move(case, "contained")

    bridged.api.linked(case)
    assert calls(jira, "transition") == calls(servicenow, "transition") == ["transition"]


def test_a_received_status_is_not_pushed_back_to_its_sender(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]

    servicenow.control.move(number, "Resolved", by="Ben Responder")

    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")
    bridged.api.post(f"/v1/cases/{case}/containment-actions", BLOCKED)
    eventually(lambda: calls(servicenow, "comment") and calls(jira, "comment"))
    assert calls(servicenow, "transition") == []
    assert calls(jira, "transition") == ["transition"]
    assert bridged.api.ticket(case, "servicenow")["last_inbound_status"] == "resolved"


def test_a_burst_of_status_changes_ends_where_the_case_is(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]

    for status in ("triage", "contained", "resolved", "open", "closed"):
        bridged.api.move(case, status)

    bridged.api.linked(case)
    for vendor in (jira, servicenow):
        vendor.control.wait_until_idle()
    assert jira.control.ticket("SEC-1").status == "Done"
    assert servicenow.control.ticket(number).status == "Resolved"
    assert bridged.api.status(case) == "closed"


def test_a_burst_that_waits_for_a_vendor_is_merged_into_one_push(
    bridged: Service, jira: Vendor
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)
    jira.control.arm("slow_answer", "fetch", seconds=0.5)

    for status in ("triage", "open", "contained", "resolved", "closed"):
        bridged.api.move(case, status)

    bridged.api.linked(case)
    assert len(calls(jira, "transition")) <= 2
    assert jira.control.ticket("SEC-1").status == "Done"


def test_a_case_that_begins_in_a_later_status_has_tickets_in_that_status(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case(status="resolved")

    bridged.api.linked(case)
    assert [ticket.status for ticket in jira.control.tickets()] == ["Done"]
    assert [ticket.status for ticket in servicenow.control.tickets()] == ["Resolved"]
    assert bridged.api.status(case) == "resolved"


def test_what_stays_with_the_case_is_nowhere_on_the_tickets(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case(
        severity="high",
        detection_rules=["Rule of the first day"],
        raw_events=["raw-event-4711"],
    )
    bridged.api.linked(case)
    before = {v.url: v.control.tickets()[0] for v in (jira, servicenow)}

    bridged.api.post(f"/v1/cases/{case}/comments", {"text": "hunch-of-an-analyst"})
    edit = {"severity": "critical", "detection_rules": ["Rule of the second day"]}
    bridged.api.patch(f"/v1/cases/{case}", edit)
    bridged.api.post(f"/v1/cases/{case}/containment-actions", BLOCKED)

    bridged.api.linked(case)
    for vendor in (jira, servicenow):
        text = everything_at(vendor)
        for secret in ("hunch-of-an-analyst", "critical", "second day", "raw-event-4711"):
            assert secret not in text
        now, then = vendor.control.tickets()[0], before[vendor.url]
        assert (now.summary, now.description) == (then.summary, then.description)
        assert (now.fields, len(now.comments)) == (then.fields, 1)
        assert calls(vendor, "edit", "transition") == []
