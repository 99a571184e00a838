"""The bridge is turned on for cases that are already there: planned, ramped, paused, resumed."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.processes import free_port, service_process
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


def open_cases(service: Service, count: int = 8) -> list[str]:
    return [service.api.create_case(f"Case {number}") for number in range(count)]


def switch(service: Service, *, on: bool = True) -> None:
    body = {"name": "backfill", "enabled": on}
    assert service.api.http.put("/v1/feature-flags", json=body).is_success


def plan(service: Service, connector: str) -> Any:
    return service.api.post(f"/v1/connectors/{connector}/backfill/plan", {})


def run(service: Service, connector: str, at_a_time: int = 3, **more: object) -> str:
    """Start a backfill of a fixed ramp; return its id."""
    body = {"ramp": {"first": at_a_time, "most": at_a_time}, **more}
    return str(service.api.post(f"/v1/connectors/{connector}/backfills", body)["id"])


def read(service: Service, backfill: str) -> Any:
    return service.api.get(f"/v1/backfills/{backfill}")


def order(service: Service, backfill: str, verb: str) -> Any:
    return service.api.post(f"/v1/backfills/{backfill}/{verb}")


def in_state(service: Service, backfill: str, state: str, *, within: float = 60.0) -> Any:
    def there() -> Any:
        found = read(service, backfill)
        return found if found["state"] == state else None

    return eventually(there, within=within)


def once_each(service: Service, cases: list[str], vendor: Vendor) -> None:
    """See that each case has its ticket, and that the vendor holds no other."""
    keys = {str(ticket["key"]) for case in cases for ticket in service.api.linked(case).values()}
    assert Counter(ticket.key for ticket in vendor.control.tickets()) == Counter(keys)
    assert len(keys) == len(cases)


def stuck(service: Service, vendor: Vendor, connector: str, at_a_time: int) -> str:
    """Start a backfill at a vendor that is down; return it when the whole ramp is failing."""
    vendor.control.arm("status", "create", status=503, count=None)
    backfill = run(service, connector, at_a_time)
    eventually(lambda: read(service, backfill)["failing"] == at_a_time)
    return backfill


def test_each_open_case_gets_one_ticket_and_says_so(service: Service, jira: Vendor) -> None:
    switch(service)
    cases = open_cases(service)
    closed = service.api.create_case("Long ago", status="closed")
    connector = service.add_jira(jira)

    backfill = run(service, connector)

    done = in_state(service, backfill, "done")
    assert (done["total"], done["minted"], done["left"], done["per_cent"]) == (8, 8, 0, 100)
    once_each(service, cases, jira)
    assert service.api.case(closed)["tickets"] == []
    kinds = [row["kind"] for row in service.api.timeline(cases[0])]
    assert kinds[:3] == ["case_created", "backfill", "ticket_minted"]


def test_without_the_feature_flag_nothing_starts_and_the_answer_says_how(
    service: Service, jira: Vendor
) -> None:
    open_cases(service, 2)
    connector = service.add_jira(jira)

    answer = service.api.http.post(f"/v1/connectors/{connector}/backfills", json={})

    assert answer.status_code == 409
    assert "PUT /v1/feature-flags" in answer.json()["detail"]
    assert service.api.get("/v1/backfills") == []
    assert plan(service, connector)["tickets"] == 2


def test_a_plan_changes_nothing_and_calls_nobody(service: Service, jira: Vendor) -> None:
    cases = open_cases(service, 3)
    connector = service.add_jira(jira)

    found = plan(service, connector)

    assert (found["tickets"], found["failing"], found["obstacles"]) == (3, 0, [])
    assert found["seconds"] > 0
    assert jira.control.requests() == []
    assert [service.api.case(case)["tickets"] for case in cases] == [[], [], []]


@pytest.mark.parametrize("vendor", ["jira", "servicenow"])
def test_a_plan_does_not_promise_fewer_calls_than_are_made(
    service: Service, jira: Vendor, servicenow: Vendor, vendor: str
) -> None:
    sandbox = {"jira": jira, "servicenow": servicenow}[vendor]
    switch(service)
    service.api.create_case("Plain")
    service.api.create_case("With a comment", agent_summary="Likely a web shell.")
    service.api.create_case("On the way", status="contained")
    add = service.add_jira if vendor == "jira" else service.add_servicenow
    connector = add(sandbox)
    service.api.post(f"/v1/connectors/{connector}/check")  # tells once and for all who we are
    before = len(sandbox.control.requests())
    planned = plan(service, connector)["calls"]

    in_state(service, run(service, connector), "done")

    service.wait_until_idle()
    assert 3 <= len(sandbox.control.requests()) - before <= planned


def test_at_most_the_ramp_is_under_way(service: Service, clock: MovableClock, jira: Vendor) -> None:
    switch(service)
    cases = open_cases(service)
    connector = service.add_jira(jira)

    backfill = stuck(service, jira, connector, 3)

    clock.advance(seconds=60)
    attempts = len(jira.control.requests("create"))
    eventually(lambda: len(jira.control.requests("create")) >= attempts + 3)
    assert read(service, backfill)["under_way"] == 3
    assert sum(bool(service.api.case(case)["tickets"]) for case in cases) == 3
    jira.control.disarm()
    clock.advance(seconds=60)
    in_state(service, backfill, "done")
    once_each(service, cases, jira)


def test_a_paused_backfill_finishes_what_is_under_way_and_goes_on_when_resumed(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    switch(service)
    cases = open_cases(service)
    backfill = stuck(service, jira, service.add_jira(jira), 2)

    order(service, backfill, "pause")

    jira.control.disarm()
    clock.advance(seconds=60)
    eventually(lambda: read(service, backfill)["minted"] == 2)
    service.wait_until_idle()
    paused = read(service, backfill)
    assert (paused["state"], paused["left"]) == ("paused", 6)
    assert len(jira.control.tickets()) == 2
    order(service, backfill, "resume")
    in_state(service, backfill, "done")
    once_each(service, cases, jira)


def test_a_cancelled_backfill_mints_no_more_and_another_may_begin(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    switch(service)
    cases = open_cases(service)
    connector = service.add_jira(jira)
    backfill = stuck(service, jira, connector, 2)

    order(service, backfill, "cancel")

    jira.control.disarm()
    clock.advance(seconds=60)
    eventually(lambda: read(service, backfill)["minted"] == 2)
    assert service.api.http.post(f"/v1/backfills/{backfill}/resume").status_code == 409
    second = run(service, connector)
    assert in_state(service, second, "done")["total"] == 6
    assert read(service, backfill)["state"] == "cancelled"
    once_each(service, cases, jira)


def test_a_connector_has_one_backfill_at_a_time(service: Service, jira: Vendor) -> None:
    switch(service)
    open_cases(service, 1)
    connector = service.add_jira(jira)
    first = run(service, connector, start=False)

    answer = service.api.http.post(f"/v1/connectors/{connector}/backfills", json={})

    assert answer.status_code == 409
    assert first in answer.json()["detail"]


def test_a_backfill_that_is_planned_in_waits_to_be_started(service: Service, jira: Vendor) -> None:
    switch(service)
    cases = open_cases(service, 2)
    backfill = run(service, service.add_jira(jira), start=False)
    assert read(service, backfill)["state"] == "planned"
    assert jira.control.requests("create") == []

    order(service, backfill, "resume")

    in_state(service, backfill, "done")
    once_each(service, cases, jira)


def test_a_new_case_overtakes_the_backfill(service: Service, jira: Vendor) -> None:
    switch(service)
    cases = open_cases(service, 10)
    connector = service.add_jira(jira)
    service.api.patch(f"/v1/connectors/{connector}", {"limits": {"in_flight": 1}})
    jira.control.arm("delay", "create", seconds=0.1, count=None)
    backfill = run(service, connector, 10)
    eventually(jira.control.tickets)

    new = service.api.create_case("Now")

    before = len(jira.control.tickets())
    key = service.api.linked(new)["jira"]["key"]
    assert int(key.removeprefix("SEC-")) <= before + 2
    jira.control.disarm()
    in_state(service, backfill, "done")
    once_each(service, [*cases, new], jira)


def test_dead_letters_pause_a_backfill_and_it_goes_on_once_they_are_replayed(
    service: Service, jira: Vendor
) -> None:
    switch(service)
    cases = open_cases(service)
    connector = service.add_jira(jira)
    refusal = {"errorMessages": [], "errors": {"summary": "is not allowed"}}
    jira.control.arm("status", "create", status=400, body=refusal, count=None)

    backfill = run(service, connector, 2, tolerance=2)

    paused = in_state(service, backfill, "paused")
    assert "2 tickets are dead letters" in paused["note"]
    assert len(jira.control.requests("create")) == 2
    jira.control.disarm()
    service.api.post(f"/v1/connectors/{connector}/replay")
    order(service, backfill, "resume")
    assert in_state(service, backfill, "done")["dead"] == 0
    once_each(service, cases, jira)


def test_a_backfill_waits_for_its_connector_and_says_so(service: Service, jira: Vendor) -> None:
    switch(service)
    cases = open_cases(service, 4)
    connector = service.add_jira(jira)
    jira.control.change_scenario(api_token="renewed")

    backfill = run(service, connector)

    waiting = eventually(lambda: read(service, backfill)["waiting_for"])
    assert "paused" in waiting
    assert "401" in waiting
    jira.control.change_scenario(api_token="jira-sandbox-token")
    service.api.post(f"/v1/connectors/{connector}/check")
    in_state(service, backfill, "done")
    once_each(service, cases, jira)


def test_switching_the_flag_off_brings_a_backfill_to_a_standstill(
    service: Service, clock: MovableClock, jira: Vendor
) -> None:
    switch(service)
    cases = open_cases(service)
    backfill = stuck(service, jira, service.add_jira(jira), 2)

    switch(service, on=False)

    jira.control.disarm()
    clock.advance(seconds=60)
    eventually(lambda: read(service, backfill)["minted"] == 2)
    found = read(service, backfill)
    assert found["state"] == "running"
    assert "feature flag" in found["waiting_for"]
    assert found["left"] == 6
    switch(service)
    in_state(service, backfill, "done")
    once_each(service, cases, jira)


OBSTACLES = {
    "paused": ("POST", "/pause", {"reason": "change freeze"}, "change freeze"),
    "disabled": ("PATCH", "", {"enabled": False}, "disabled"),
    "removed": ("DELETE", "", None, "removed"),
}


@pytest.mark.parametrize("what", OBSTACLES)
def test_a_connector_that_is_not_in_use_is_an_obstacle(
    service: Service, jira: Vendor, what: str
) -> None:
    method, path, body, words = OBSTACLES[what]
    switch(service)
    open_cases(service, 1)
    connector = service.add_jira(jira)
    service.api.http.request(method, f"/v1/connectors/{connector}{path}", json=body)

    found = plan(service, connector)
    answer = service.api.http.post(f"/v1/connectors/{connector}/backfills", json={})

    assert [words in sentence for sentence in found["obstacles"]] == [True]
    assert answer.status_code == 409
    assert words in answer.json()["detail"]


def test_a_ramp_that_goes_down_is_refused(service: Service, jira: Vendor) -> None:
    connector = service.add_jira(jira)

    answer = service.api.http.post(
        f"/v1/connectors/{connector}/backfill/plan", json={"ramp": {"first": 9, "most": 3}}
    )

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["ramp.most"]


def test_a_killed_service_goes_on_where_it_was(tmp_path: Path, jira: Vendor) -> None:
    port = free_port()
    with service_process(tmp_path / "data", port) as first:
        switch(first.service)
        cases = open_cases(first.service, 10)
        connector = first.service.add_jira(jira)
        jira.control.arm("slow_answer", "create", seconds=0.2, count=None)
        backfill = run(first.service, connector, 2)
        eventually(lambda: len(jira.control.tickets()) >= 3)
        first.kill()
    jira.control.disarm()
    assert 3 <= len(jira.control.tickets()) < 10

    with service_process(tmp_path / "data", port) as second:
        # a create that the kill may have cut off waits for the vendor's index before it is repeated
        in_state(second.service, backfill, "done", within=180.0)
        once_each(second.service, cases, jira)


def test_a_case_says_which_backfill_minted_its_ticket(service: Service, jira: Vendor) -> None:
    switch(service)
    (case,) = open_cases(service, 1)
    backfill = run(service, service.add_jira(jira))
    in_state(service, backfill, "done")

    (row,) = (row for row in service.api.timeline(case) if row["kind"] == "backfill")

    assert row["detail"]["backfill"] == backfill
    assert re.fullmatch(r"api \(.+\)", row["actor_label"])
