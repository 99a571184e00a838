"""/v1/cases: the canonical record, as the API creates, edits, moves and lists it."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge.services.tenants import Scope
from tests.integration.desk import Desk

FULL: dict[str, Any] = {
    "title": "Beacon from web-01",
    "summary": "web-01 talks to a known command server.",
    "agent_summary": "Likely a web shell.",
    "severity": "high",
    "status": "triage",
    "detection_rules": ["Beaconing over TLS"],
    "raw_events": ["event-1", "event-2"],
    "entities": [{"kind": "host", "value": "web-01"}, {"kind": "ip", "value": "203.0.113.9"}],
    "deep_link": "https://soc.example/elsewhere/17",
}


def kinds(rows: list[Any]) -> list[str]:
    return [row["kind"] for row in rows]


def timeline(desk: Desk, case: Any, **params: Any) -> list[Any]:
    page = desk.admin.ask("GET", f"/v1/cases/{case['id']}/timeline", **params)
    return list(page["items"])


def test_a_case_keeps_everything_that_it_is_given(desk: Desk) -> None:
    created = desk.admin.create_case(**FULL)

    read = desk.admin.ask("GET", f"/v1/cases/{created['id']}")

    assert read == created
    assert {name: read[name] for name in FULL} == FULL
    assert read["severity_initial"] == "high"
    assert read["version"] == 1


def test_a_title_is_all_that_a_case_needs(desk: Desk) -> None:
    case = desk.admin.create_case()

    assert (case["status"], case["severity"], case["summary"]) == ("open", "medium", "")
    assert case["deep_link"] == f"https://soc.example/cases/{case['id']}"
    assert case["assignee"] is None
    assert kinds(timeline(desk, case)) == ["case_created"]


def test_a_case_is_created_with_a_pending_ticket_at_every_enabled_connector(desk: Desk) -> None:
    first, second = desk.admin.add_connector(), desk.admin.add_connector()
    desk.admin.ask("PATCH", f"/v1/connectors/{second['id']}", {"enabled": False})

    case = desk.admin.create_case()

    (ticket,) = case["tickets"]
    assert ticket["connector_id"] == first["id"]
    assert (ticket["state"], ticket["key"], ticket["failure"]) == ("pending", None, None)


def test_an_edit_changes_what_it_names_and_says_so(desk: Desk) -> None:
    case = desk.admin.create_case(**FULL)

    edited = desk.admin.ask(
        "PATCH", f"/v1/cases/{case['id']}", {"severity": "low", "agent_summary": None}
    )

    assert edited["severity"] == "low"
    assert edited["agent_summary"] is None
    unchanged = {"summary", "status", "entities", "severity_initial", "title"}
    assert {n: edited[n] for n in unchanged} == {n: case[n] for n in unchanged}
    assert edited["version"] == 2
    assert timeline(desk, case)[-1]["text"] == "edited: agent_summary, severity"


def test_an_edit_of_nothing_is_no_edit(desk: Desk) -> None:
    case = desk.admin.create_case()

    edited = desk.admin.ask("PATCH", f"/v1/cases/{case['id']}", {})

    assert edited["version"] == 1
    assert kinds(timeline(desk, case)) == ["case_created"]


def test_a_status_change_is_on_the_timeline_with_who_made_it(desk: Desk) -> None:
    case = desk.admin.create_case()
    analyst = desk.of_scope(Scope.WRITE)

    moved = analyst.ask(
        "POST", f"/v1/cases/{case['id']}/status", {"status": "contained", "reason": "isolated"}
    )

    assert (moved["status"], moved["version"]) == ("contained", 2)
    row = timeline(desk, case)[-1]
    assert row["kind"] == "status_changed"
    assert row["actor_label"] == "api (write)"
    assert row["text"] == "open → contained: isolated"


def test_a_status_that_a_case_has_already_changes_nothing(desk: Desk) -> None:
    case = desk.admin.create_case()

    moved = desk.admin.ask("POST", f"/v1/cases/{case['id']}/status", {"status": "open"})

    assert moved["version"] == 1
    assert kinds(timeline(desk, case)) == ["case_created"]


def test_any_status_can_move_to_any_other(desk: Desk) -> None:
    case = desk.admin.create_case()
    ladder = ["open", "triage", "contained", "resolved", "closed"]
    path = [to for back in ladder for to in (*ladder, back)]

    for status in path:
        moved = desk.admin.ask("POST", f"/v1/cases/{case['id']}/status", {"status": status})
        assert moved["status"] == status


def test_leaving_closed_is_a_reopen_and_says_so(desk: Desk) -> None:
    case = desk.admin.create_case(status="closed")

    desk.admin.ask("POST", f"/v1/cases/{case['id']}/status", {"status": "triage"})

    row = timeline(desk, case)[-1]
    assert row["text"] == "closed → triage (reopened)"
    assert row["detail"] == {"before": "closed", "after": "triage", "reopened": True}


def test_a_containment_action_is_kept_with_its_outcome(desk: Desk) -> None:
    case = desk.admin.create_case()
    action = {
        "action": "isolate host",
        "target": "web-01",
        "outcome": "isolated",
        "at": "2026-03-01T12:00:00+02:00",
    }

    made = desk.admin.ask("POST", f"/v1/cases/{case['id']}/containment-actions", action)

    read = desk.admin.ask("GET", f"/v1/cases/{case['id']}")
    assert read["containment_actions"] == [made]
    assert made["at"] == "2026-03-01T10:00:00Z"
    assert timeline(desk, case)[-1]["text"] == "isolate host on web-01: isolated"


def test_a_time_without_a_zone_is_refused(desk: Desk) -> None:
    case = desk.admin.create_case()
    action = {"action": "a", "target": "b", "outcome": "c", "at": "2026-03-01T12:00:00"}

    answer = desk.admin.send("POST", f"/v1/cases/{case['id']}/containment-actions", json=action)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "at"


def test_a_comment_stays_on_the_timeline(desk: Desk) -> None:
    desk.admin.add_connector()
    case = desk.admin.create_case()

    desk.admin.ask("POST", f"/v1/cases/{case['id']}/comments", {"text": "looks real"})

    row = timeline(desk, case)[-1]
    assert (row["kind"], row["text"]) == ("comment", "looks real")
    assert desk.admin.ask("GET", f"/v1/cases/{case['id']}")["version"] == 1


def test_cases_are_listed_newest_first_page_by_page(desk: Desk) -> None:
    made = [desk.admin.create_case(f"case {number}")["id"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = None

    while True:
        page = desk.admin.ask("GET", "/v1/cases", limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 2
        seen += [case["id"] for case in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == made[::-1]


def test_a_page_that_ends_with_the_list_has_no_next(desk: Desk) -> None:
    for _ in range(2):
        desk.admin.create_case()

    page = desk.admin.ask("GET", "/v1/cases", limit=2)

    assert len(page["items"]) == 2
    assert page["next_cursor"] is None


def test_cases_are_filtered_by_status(desk: Desk) -> None:
    desk.admin.create_case()
    triaged = desk.admin.create_case(status="triage")

    page = desk.admin.ask("GET", "/v1/cases", status="triage")

    assert [case["id"] for case in page["items"]] == [triaged["id"]]


@pytest.mark.parametrize("who", ["u-17", "Ada Analyst", "ada@example.com", "ADA@Example.com"])
def test_cases_are_filtered_by_the_assignee_that_a_vendor_told(desk: Desk, who: str) -> None:
    token, _ = desk.admin.mint_token(), desk.admin.add_connector()
    desk.admin.create_case()
    case = desk.admin.create_case()
    desk.link(case)
    ada = {"id": "u-17", "name": "Ada Analyst", "email": "ada@example.com"}
    event = {"external_id": case["tickets"][0]["id"], "assignee": ada}

    answer = desk.admin.deliver(token, {"acme": event})

    assert answer.json()["applied"] is True
    page = desk.admin.ask("GET", "/v1/cases", assignee=who)
    assert [(found["id"], found["assignee"]) for found in page["items"]] == [(case["id"], ada)]
    assert desk.admin.ask("GET", "/v1/cases", assignee="Eve")["items"] == []


def test_the_timeline_is_filtered_by_actor_label(desk: Desk) -> None:
    token, _ = desk.admin.mint_token(), desk.admin.add_connector()
    case = desk.admin.create_case()
    desk.link(case)
    event = {"external_id": case["tickets"][0]["id"], "status": {"name": "Resolved"}}
    desk.admin.ask("POST", f"/v1/cases/{case['id']}/comments", {"text": "mine"})

    desk.admin.deliver(token, {"acme": event})

    rows = timeline(desk, case, actor_label="itsm-webhook (acme)")
    assert kinds(rows) == ["status_changed", "inbound_actor", "inbound_payload"]
    assert timeline(desk, case, actor_label="itsm-webhook (jira)") == []


def test_the_timeline_is_read_oldest_first_page_by_page(desk: Desk) -> None:
    case = desk.admin.create_case()
    for number in range(4):
        desk.admin.ask("POST", f"/v1/cases/{case['id']}/comments", {"text": str(number)})
    path = f"/v1/cases/{case['id']}/timeline"

    first = desk.admin.ask("GET", path, limit=3)
    second = desk.admin.ask("GET", path, limit=3, cursor=first["next_cursor"])

    texts = [row["text"] for row in first["items"] + second["items"]]
    assert texts[1:] == ["0", "1", "2", "3"]
    assert second["next_cursor"] is None


def test_a_resync_reserves_the_tickets_that_are_missing(desk: Desk) -> None:
    case = desk.admin.create_case()
    connector = desk.admin.add_connector()

    synced = desk.admin.ask("POST", f"/v1/cases/{case['id']}/resync")

    assert [ticket["connector_id"] for ticket in synced["tickets"]] == [connector["id"]]
    assert timeline(desk, case)[-1]["kind"] == "resync"
