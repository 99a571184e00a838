"""Feature flags: a bridge or a vendor that is off, and what comes back when it is on again."""

from __future__ import annotations

from functools import partial
from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.letters import Mailbox, jira_moved
from tests.shell import shell_of
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


def switch(service: Service, name: str, *, on: bool) -> Any:
    answer = service.api.http.put("/v1/feature-flags", json={"name": name, "enabled": on})
    assert answer.is_success, answer.text
    return answer.json()


def flags(service: Service) -> dict[str, bool]:
    return {flag["name"]: flag["enabled"] for flag in service.api.get("/v1/feature-flags")}


def has_ticket(service: Service, case: str) -> bool:
    return bool(service.api.case(case)["tickets"])


def test_what_nobody_has_switched_is_on_but_for_backfill(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)

    found = flags(service)

    assert found.pop("backfill") is False
    assert set(found) >= {"bridge", "vendor:jira", "vendor:servicenow"}
    assert all(found.values())
    wrong = service.api.http.put("/v1/feature-flags", json={"name": "brigde", "enabled": True})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "name")
    assert "known: bridge, backfill" in wrong.json()["detail"]


def test_with_the_bridge_off_nothing_leaves_and_what_comes_is_kept(
    service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case("Before")
    ticket = service.api.linked(case)["jira"]
    jira.control.set_webhooks()
    mailbox = Mailbox.mint(service)
    service.wait_until_idle()

    switch(service, "bridge", on=False)
    calls = len(jira.control.requests())
    service.api.move(case, "contained")
    meanwhile = service.api.create_case("Meanwhile")
    service.api.resync(case)
    answer = mailbox.post(jira_moved(ticket["external_id"], "Done"))
    card = service.api.get(f"/v1/connectors/{connector}")
    refused = service.api.http.post(f"/v1/connectors/{connector}/reconcile")

    assert (answer.status_code, answer.json()["reason"]) == (200, "bridge_off")
    assert service.api.status(case) == "contained"
    assert service.api.case(meanwhile)["tickets"] == []
    assert (card["state"], card["held_by"]) == ("held", "bridge")
    assert (refused.status_code, "flag bridge is off" in refused.text) == (409, True)
    assert service.add_jira(jira, project="OPS")
    assert {each["state"] for each in service.api.get("/v1/connectors")} == {"held"}
    assert len(jira.control.requests()) == calls

    switch(service, "bridge", on=True)
    eventually(lambda: jira.control.ticket("SEC-1").status == "In Progress")
    service.wait_until_idle()
    assert len(jira.control.tickets()) == 1  # for the rest, a backfill is not allowed


def test_the_bridge_switched_on_fills_up_what_is_open_where_that_is_allowed(
    service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    service.api.linked(service.api.create_case("Before"))
    switch(service, "backfill", on=True)
    switch(service, "bridge", on=False)
    meanwhile = [service.api.create_case(f"Meanwhile {number}") for number in range(3)]

    switch(service, "bridge", on=True)

    for case in meanwhile:
        eventually(partial(has_ticket, service, case))
        service.api.linked(case)
    assert len(jira.control.tickets()) == 4
    (backfill,) = service.api.get("/v1/backfills")
    assert backfill["ramp"]["first"] < backfill["ramp"]["most"]
    switch(service, "bridge", on=True)
    assert len(service.api.get("/v1/backfills")) == 1


def test_a_vendor_that_is_off_holds_its_connectors_and_no_others(
    service: Service, jira: Vendor, servicenow: Vendor
) -> None:
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    case = service.api.create_case()
    service.api.linked(case)

    switch(service, "vendor:jira", on=False)
    service.api.move(case, "resolved")

    service.api.ticket_in(case, "servicenow", "linked")
    eventually(lambda: servicenow.control.tickets()[0].status == "Resolved")
    assert jira.control.ticket("SEC-1").status == "To Do"
    switch(service, "vendor:jira", on=True)
    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")


def test_the_vendors_change_of_the_time_when_it_was_off_is_found_by_the_reconciler(
    service: Service, jira: Vendor, clock: MovableClock
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    service.api.linked(case)
    switch(service, "bridge", on=False)
    jira.control.move("SEC-1", "Done")
    jira.control.wait_until_idle()
    assert service.api.status(case) == "open"
    clock.advance(minutes=1)  # a change is left to its webhook for a while

    switch(service, "bridge", on=True)
    service.api.post(f"/v1/connectors/{connector}/reconcile?wait_seconds=30")

    eventually(lambda: service.api.status(case) == "resolved")


def test_flags_are_switched_in_the_console_and_on_the_command_line(
    service: Service, jira: Vendor, admin: Browser
) -> None:
    service.add_jira(jira)

    page = admin.submit("/flags", on="/flags", name="vendor:jira", to="off")

    assert 'Switch on<span class="sr"> vendor:jira' in page.text
    assert "feature flag vendor:jira is off" in admin.open("/connectors").text
    shell = shell_of(service)
    shell.says("flag", "set", "vendor:jira", "on")
    assert flags(service)["vendor:jira"] is True
    assert "vendor:jira" in shell.says("flag", "list")
