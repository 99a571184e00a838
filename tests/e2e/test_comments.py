"""The comments that leave for the tickets, and what the tickets say of the case."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import Service

Vendor = RunningSandbox[Any]


@pytest.fixture
def vendors(jira: Vendor, servicenow: Vendor) -> tuple[Vendor, Vendor]:
    return jira, servicenow


def comments_at(vendor: Vendor) -> list[str]:
    return [comment.text for comment in vendor.control.tickets()[0].comments]


def contain(service: Service, case: str, action: str) -> None:
    body = {
        "action": action,
        "target": "web-01",
        "outcome": f"{action} done",
        "at": "2026-03-01T11:20:30+01:00",
    }
    service.api.post(f"/v1/cases/{case}/containment-actions", body)


def test_the_agents_summary_is_one_comment(
    bridged: Service, vendors: tuple[Vendor, Vendor]
) -> None:
    case = bridged.api.create_case(agent_summary="Likely a web shell.")

    bridged.api.linked(case)

    for vendor in vendors:
        (comment,) = comments_at(vendor)
        assert "Likely a web shell." in comment


def test_an_agents_summary_that_comes_later_becomes_a_comment(
    bridged: Service, vendors: tuple[Vendor, Vendor]
) -> None:
    case = bridged.api.create_case()
    bridged.api.linked(case)

    bridged.api.patch(f"/v1/cases/{case}", {"agent_summary": "Likely a web shell."})

    bridged.api.linked(case)
    for vendor in vendors:
        (comment,) = comments_at(vendor)
        assert "Likely a web shell." in comment


def test_each_containment_action_is_one_comment_with_its_time_and_outcome(
    bridged: Service, vendors: tuple[Vendor, Vendor]
) -> None:
    case = bridged.api.create_case()

    for action in ("isolate", "reimage"):
        contain(bridged, case, action)
    bridged.api.linked(case)
    for _ in range(2):
        bridged.api.resync(case)

    bridged.api.linked(case)
    for vendor in vendors:
        first, second = comments_at(vendor)
        assert "isolate on web-01" in first
        assert "isolate done" in first
        assert "2026-03-01 10:20:30 UTC" in first
        assert "reimage done" in second


def test_our_comments_are_internal_where_the_vendor_tells_customers_apart(
    service: Service, jira: Vendor, servicenow: Vendor
) -> None:
    jira.control.use_preset("service-desk")
    service.add_jira(jira)
    service.add_servicenow(servicenow)

    case = service.api.create_case(agent_summary="Not for the customer.")

    service.api.linked(case)
    for vendor in (jira, servicenow):
        (comment,) = vendor.control.tickets()[0].comments
        assert comment.internal


def test_every_involved_entity_and_the_link_back_stand_on_the_ticket(
    bridged: Service, vendors: tuple[Vendor, Vendor]
) -> None:
    entities = {
        "host": "web-01",
        "user": "CORP\\ada",
        "ip": "203.0.113.9",
        "domain": "evil.example",
        "hash": "d41d8cd98f00b204e9800998ecf8427e",
        "vulnerability": "CVE-2026-0001",
    }

    case = bridged.api.create_case(
        entities=[{"kind": kind, "value": value} for kind, value in entities.items()],
        deep_link="https://soc.example/cases/4711",
    )

    bridged.api.linked(case)
    for vendor in vendors:
        ticket = vendor.control.tickets()[0]
        for kind, value in entities.items():
            assert f"{kind}: {value}" in ticket.description
        assert "https://soc.example/cases/4711" in ticket.description


def test_the_case_shows_what_passed_between_it_and_its_tickets(
    bridged: Service, vendors: tuple[Vendor, Vendor]
) -> None:
    case = bridged.api.create_case(status="resolved", agent_summary="Done.")

    bridged.api.linked(case)

    rows = bridged.api.timeline(case, actor_label="itsm-webhook (jira)")
    theirs = {"inbound_ignored", "event_replayed"}
    ours = [row["text"] for row in rows if row["kind"] not in theirs]
    assert ours == [
        "minted SEC-1",
        "pushed resolved to SEC-1: Done",
        "commented on SEC-1: agent summary",
    ]
