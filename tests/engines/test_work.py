"""What any number of workers keep to together: order, limits, pauses, and the dead letter."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.engines.crew import Crew, busiest
from tests.stage import eventually

Vendor = RunningSandbox[Any]


def limit(crew: Crew, connector: str, **limits: int) -> None:
    crew.service.api.patch(f"/v1/connectors/{connector}", {"limits": limits})


def test_a_ticket_is_worked_on_by_one_worker_at_a_time(crew: Crew, jira: Vendor) -> None:
    api = crew.service.api
    crew.service.add_jira(jira)
    jira.control.arm("delay", count=None, seconds=0.05)
    case = api.create_case()

    for status in ("triage", "contained", "triage", "resolved"):
        api.move(case, status)
        api.resync(case)
        assert api.ticket(case, "jira")["state"] != "failing"
    api.linked(case)

    assert busiest(jira) == 1
    (ticket,) = jira.control.tickets()
    assert ticket.category == "done"


def test_the_latest_state_of_a_case_is_what_its_ticket_ends_at(crew: Crew, jira: Vendor) -> None:
    api = crew.service.api
    crew.service.add_jira(jira)
    cases = [api.create_case(f"case {number}") for number in range(4)]
    for case in cases:
        api.linked(case)
    jira.control.arm("delay", "transition", count=None, seconds=0.1)

    for status in ("triage", "resolved", "contained", "closed", "triage"):
        for case in cases:
            api.move(case, status)

    assert {api.linked(case)["jira"]["status"] for case in cases} == {"In Progress"}
    assert {ticket.status for ticket in jira.control.tickets()} == {"In Progress"}
    assert {api.case(case)["status"] for case in cases} == {"triage"}


def test_all_workers_together_keep_to_a_connectors_cap(
    crew: Crew, jira: Vendor, servicenow: Vendor
) -> None:
    limit(crew, crew.service.add_jira(jira), in_flight=2)
    crew.service.add_servicenow(servicenow)
    for vendor in (jira, servicenow):
        vendor.control.arm("delay", "create", count=None, seconds=1.0)

    cases = [crew.service.api.create_case(f"case {number}") for number in range(8)]
    for case in cases:
        crew.service.api.linked(case)

    assert busiest(jira, "create") == 2
    assert busiest(servicenow, "create") > 2
    assert len(jira.control.tickets()) == len(servicenow.control.tickets()) == 8


def test_all_workers_together_keep_to_a_connectors_rate(crew: Crew, jira: Vendor) -> None:
    allowed_at_once, tickets = 10, 12
    limit(crew, crew.service.add_jira(jira), calls_per_minute=60, in_flight=2)
    began = time.monotonic()

    for number in range(tickets):
        crew.service.api.create_case(f"case {number}")
    quiet = "SELECT count(*) FROM connectors WHERE removed_at IS NULL AND quiet_until IS NOT NULL"
    eventually(lambda: crew.rows(quiet) == [(1,)])
    crew.clear()

    calls = len(jira.control.requests())
    steps_under_way = 2 * 3  # a step is charged for its calls once they are made
    assert calls <= allowed_at_once + (time.monotonic() - began) + steps_under_way
    assert len(jira.control.tickets()) < tickets


def test_a_wait_that_a_vendor_asks_for_holds_up_its_connector_and_no_worker(
    crew: Crew, jira: Vendor, servicenow: Vendor
) -> None:
    api = crew.service.api
    crew.service.add_jira(jira)
    crew.service.add_servicenow(servicenow)
    jira.control.arm("rate_limited", "create", retry_after=3)

    first = api.create_case("first")
    api.ticket_in(first, "jira", "failing")
    cases = [first, *(api.create_case(f"case {number}") for number in range(4))]
    for case in cases:
        api.linked(case)

    refused, *later = jira.control.requests("create")
    assert refused.status == 429
    assert all(call.at - refused.at >= timedelta(seconds=2.9) for call in later)
    meanwhile = [call for call in servicenow.control.requests("create") if call.at < later[0].at]
    assert len(meanwhile) == len(cases)


def test_a_dead_letter_stays_until_it_is_replayed(crew: Crew, jira: Vendor) -> None:
    api = crew.service.api
    crew.service.add_jira(jira)
    jira.control.arm("status", "create", status=400, body={"errors": {"summary": "no"}})
    case = api.create_case()
    dead = api.ticket_in(case, "jira", "dead")
    calls = len(jira.control.requests())
    other = api.create_case("another")
    api.linked(other)
    assert api.ticket(case, "jira")["state"] == "dead"
    assert len(jira.control.requests("create")) == 2
    assert calls > 0

    api.post(f"/v1/tickets/{dead['id']}/replay")

    assert api.linked(case)["jira"]["key"]
    assert len(jira.control.tickets()) == 2
