"""A case becomes tickets in both vendors, and a signed webhook brings the status back."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def test_a_case_becomes_one_ticket_in_each_vendor(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case(
        "Beacon from web-01",
        summary="web-01 talks to a known command server.",
        severity="high",
        agent_summary="Likely a web shell; isolate the host.",
        detection_rules=["Beaconing over TLS"],
        entities=[{"kind": "host", "value": "web-01"}, {"kind": "ip", "value": "203.0.113.9"}],
    )

    tickets = bridged.api.linked(case)

    assert tickets["jira"]["key"] == "SEC-1"
    assert [t.key for t in jira.control.tickets()] == ["SEC-1"]
    assert [t.id for t in servicenow.control.tickets()] == [tickets["servicenow"]["external_id"]]
    issue = jira.control.ticket("SEC-1")
    assert issue.summary == "Beacon from web-01"
    for text in (
        "web-01 talks to",
        "high",
        "host: web-01",
        "ip: 203.0.113.9",
        "Beaconing over TLS",
    ):
        assert text in issue.description
    assert bridged.api.case(case)["deep_link"] in {link.url for link in issue.links}
    assert "minted SEC-1" in [row["text"] for row in bridged.api.timeline(case)]


def test_a_human_resolves_the_jira_issue_and_the_incident_follows(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    tickets = bridged.api.linked(case)

    jira.control.move("SEC-1", "Done", by="Ada Analyst")

    eventually(lambda: bridged.api.case(case)["status"] == "resolved")
    number = tickets["servicenow"]["key"]
    eventually(lambda: servicenow.control.ticket(number).status == "Resolved")
    bridged.api.linked(case)
    label = "itsm-webhook (jira)"
    rows = bridged.api.timeline(case, actor_label=label)
    inbound = [
        r for r in rows if r["kind"] in {"status_changed", "inbound_actor", "inbound_payload"}
    ]
    assert [row["kind"] for row in inbound] == [
        "status_changed",
        "inbound_actor",
        "inbound_payload",
    ]
    assert inbound[0]["text"] == "open → resolved"
    assert "Ada Analyst" in inbound[1]["text"]


def test_a_status_change_of_the_case_reaches_both_tickets(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    tickets = bridged.api.linked(case)

    bridged.api.move(case, "contained")

    eventually(lambda: jira.control.ticket("SEC-1").status == "In Progress")
    number = tickets["servicenow"]["key"]
    eventually(lambda: servicenow.control.ticket(number).status == "In Progress")
    jira.control.wait_until_idle()
    servicenow.control.wait_until_idle()
    assert bridged.api.case(case)["status"] == "contained"


def test_a_resolved_case_that_is_taken_up_again_takes_both_tickets_up_again(
    bridged: Service, jira: Vendor, servicenow: Vendor
) -> None:
    case = bridged.api.create_case()
    number = bridged.api.linked(case)["servicenow"]["key"]
    bridged.api.move(case, "resolved")
    bridged.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "Done"
    assert servicenow.control.ticket(number).status == "Resolved"
    for vendor in ("jira", "servicenow"):
        assert bridged.api.ticket(case, vendor)["last_pushed_status"] == "resolved"

    bridged.api.move(case, "triage")

    bridged.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "In Progress"
    assert servicenow.control.ticket(number).status == "In Progress"
    assert [t.key for t in jira.control.tickets()] == ["SEC-1"]
