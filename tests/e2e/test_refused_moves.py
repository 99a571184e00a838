"""A move that the vendor's workflow refuses, and a success that was none."""

from __future__ import annotations

from typing import Any, cast

import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import Service

Vendor = RunningSandbox[Any]


def wall_off_done(jira: Vendor) -> None:
    """Leave no transition into the status Done."""
    workflow = cast("dict[str, Any]", jira.control.scenario()["workflow"])
    edges = [edge for edge in workflow["transitions"] if edge["name"] != "Done"]
    jira.control.change_scenario(workflow={**workflow, "transitions": edges})


def failed_rows(service: Service, case: str) -> list[str]:
    return [row["text"] for row in service.api.timeline(case) if row["kind"] == "push_failed"]


def test_a_refused_transition_is_visible_and_leaves_case_and_ticket_where_they_are(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)

    service.api.move(case, "resolved")

    dead = service.api.ticket_in(case, "jira", "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    assert 'no way from "To Do" to "Done"' in dead["failure"]["reason"]
    assert service.api.status(case) == "resolved"
    assert jira.control.ticket("SEC-1").status == "To Do"
    (row,) = failed_rows(service, case)
    assert dead["failure"]["reason"] in row
    (shown,) = service.api.get(f"/v1/connectors/{connector}/failures")
    assert (shown["key"], shown["failure"]["kind"]) == ("SEC-1", "TransitionRejected")


def test_a_refused_transition_goes_through_after_a_human_cleared_the_way(
    service: Service, jira: Vendor
) -> None:
    wall_off_done(jira)
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    service.api.ticket_in(case, "jira", "dead")

    jira.control.use_preset("standard")
    service.api.resync(case)

    service.api.linked(case)
    assert jira.control.ticket("SEC-1").status == "Done"


def test_a_refused_transition_holds_back_no_comment(service: Service, jira: Vendor) -> None:
    wall_off_done(jira)
    service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    service.api.move(case, "resolved")
    service.api.ticket_in(case, "jira", "dead")

    body = {"action": "isolate", "target": "web-01", "outcome": "isolated"}
    service.api.post(f"/v1/cases/{case}/containment-actions", body)

    service.api.ticket_in(case, "jira", "dead")
    service.wait_until_idle()
    assert len(jira.control.ticket("SEC-1").comments) == 1


def test_a_human_who_does_what_was_refused_ends_the_failure(service: Service, jira: Vendor) -> None:
    wall_off_done(jira)
    service.add_jira(jira)
    case = service.api.create_case(status="resolved")
    service.api.ticket_in(case, "jira", "dead")

    jira.control.move("SEC-1", "Done", force=True)

    assert service.api.linked(case)["jira"]["failure"] is None
    assert service.api.status(case) == "resolved"


@pytest.mark.parametrize("name", ["jira", "servicenow"])
def test_a_success_that_moved_nothing_is_noticed(
    bridged: Service, jira: Vendor, servicenow: Vendor, name: str
) -> None:
    control = {"jira": jira, "servicenow": servicenow}[name].control
    case = bridged.api.create_case()
    bridged.api.linked(case)
    control.arm("not_done", "transition")

    bridged.api.move(case, "triage")

    dead = bridged.api.ticket_in(case, name, "dead")
    assert dead["failure"]["kind"] == "TransitionRejected"
    assert len(failed_rows(bridged, case)) == 1
    bridged.api.resync(case)
    bridged.api.linked(case)
    assert [ticket.status for ticket in control.tickets()] == ["In Progress"]


@pytest.mark.parametrize("name", ["jira", "servicenow"])
def test_a_ticket_that_is_gone_when_a_push_comes_is_told_in_words(
    bridged: Service, jira: Vendor, servicenow: Vendor, name: str
) -> None:
    control = {"jira": jira, "servicenow": servicenow}[name].control
    case = bridged.api.create_case()
    key = bridged.api.linked(case)[name]["key"]
    control.set_webhooks()
    control.delete(key)

    bridged.api.move(case, "triage")

    dead = bridged.api.ticket_in(case, name, "dead")
    assert dead["failure"]["kind"] == "TicketNotFound"
    assert control.tickets() == []
