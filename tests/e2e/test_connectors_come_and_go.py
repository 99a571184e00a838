"""Disabling, removing, enabling and restoring a connector: nothing is pushed, nothing is lost."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


def test_a_disabled_connector_gets_nothing_and_catches_up_when_enabled(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)

    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    before = len(jira.control.requests())
    service.api.move(case, "triage")
    service.api.patch(f"/v1/cases/{case}", {"agent_summary": "While it was off."})
    service.api.resync(case)
    beside = service.add_jira(jira, project="OPS")
    service.api.resync(case)
    eventually(lambda: len(jira.control.tickets()) == 2)

    ours = [call for call in jira.control.requests()[before:] if "SEC" in call.path]
    assert ours == []
    assert jira.control.ticket("SEC-1").status == "To Do"
    service.api.delete(f"/v1/connectors/{beside}")
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": True})
    eventually(lambda: jira.control.ticket("SEC-1").status == "In Progress")
    eventually(lambda: len(jira.control.ticket("SEC-1").comments) == 1)
    assert [t.key for t in jira.control.tickets()] == ["SEC-1", "OPS-1"]


def test_a_case_made_while_its_connector_was_disabled_gets_its_ticket_by_a_resync(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    case = service.api.create_case()
    assert service.api.case(case)["tickets"] == []

    service.api.patch(f"/v1/connectors/{connector}", {"enabled": True})
    service.api.resync(case)

    assert service.api.linked(case)["jira"]["key"] == "SEC-1"


def test_work_cut_off_by_disabling_goes_on_when_enabled(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    jira.control.arm("slow_answer", "create", seconds=0.5)
    service.api.create_case(status="triage", agent_summary="Likely a web shell.")
    eventually(jira.control.tickets)

    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})
    service.wait_until_idle()
    assert jira.control.ticket("SEC-1").status == "To Do"
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": True})

    eventually(lambda: jira.control.ticket("SEC-1").status == "In Progress")
    eventually(lambda: len(jira.control.ticket("SEC-1").comments) == 1)
    assert len(jira.control.tickets()) == 1


def test_a_removed_connector_keeps_its_tickets_and_picks_up_when_restored(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    link = service.api.linked(case)["jira"]["url"]

    service.api.delete(f"/v1/connectors/{connector}")
    service.api.move(case, "resolved")
    assert service.api.ticket(case, "jira")["url"] == link
    assert jira.control.ticket("SEC-1").status == "To Do"
    service.api.post(f"/v1/connectors/{connector}/restore")

    service.api.linked(case)
    assert [(t.key, t.status) for t in jira.control.tickets()] == [("SEC-1", "Done")]


def test_what_the_vendor_did_while_it_was_removed_is_found_once_it_is_back(
    service: Service, jira: Vendor, clock: MovableClock
) -> None:
    connector = service.add_jira(jira)
    there, here = service.api.create_case("Moved there"), service.api.create_case("Moved here")
    keys = [service.api.linked(case)["jira"]["key"] for case in (there, here)]
    service.api.delete(f"/v1/connectors/{connector}")

    jira.control.move(keys[0], "Done")
    jira.control.wait_until_idle()
    service.api.move(here, "triage")
    assert service.api.status(there) == "open"
    clock.advance(minutes=1)  # a change is left to its webhook for a while
    service.api.post(f"/v1/connectors/{connector}/restore")
    service.api.post(f"/v1/connectors/{connector}/reconcile?wait_seconds=30")

    eventually(lambda: service.api.status(there) == "resolved")
    eventually(lambda: jira.control.ticket(keys[1]).status == "In Progress")
    assert len(jira.control.tickets()) == 2


def test_the_same_site_added_again_is_the_connector_that_was_removed(
    service: Service, jira: Vendor
) -> None:
    removed = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    service.api.delete(f"/v1/connectors/{removed}")
    service.api.move(case, "triage")

    again = service.add_jira(jira)
    service.api.resync(case)

    eventually(lambda: jira.control.ticket("SEC-1").status == "In Progress")
    service.api.linked(case)
    assert again == removed
    assert [ticket.key for ticket in jira.control.tickets()] == ["SEC-1"]
    assert service.add_jira(jira, project="OPS") != removed
    assert len(service.api.get("/v1/connectors")) == 2


def test_a_webhook_of_a_disabled_connector_changes_nothing(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    service.api.patch(f"/v1/connectors/{connector}", {"enabled": False})

    jira.control.move("SEC-1", "Done")

    jira.control.wait_until_idle()
    assert '"connector_disabled"' in jira.control.deliveries()[-1].answer
    assert service.api.status(case) == "open"


def test_a_connector_added_later_gets_the_open_case_by_a_resync(
    service: Service, jira: Vendor, servicenow: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case(severity="high")
    service.api.linked(case)

    service.add_servicenow(servicenow)
    service.api.resync(case)

    assert set(service.api.linked(case)) == {"jira", "servicenow"}
    assert len(jira.control.tickets()) == len(servicenow.control.tickets()) == 1
