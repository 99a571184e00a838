"""What concerns a whole connector: a refused credential, a missing project, a vendor's limits."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


def card(service: Service, vendor: str) -> Any:
    (found,) = (c for c in service.api.get("/v1/connectors") if c["vendor"] == vendor)
    return found


def failed_rows(service: Service, case: str) -> list[str]:
    return [row["text"] for row in service.api.timeline(case) if row["kind"] == "push_failed"]


@pytest.mark.parametrize(
    ("vendor", "change", "cure"),
    [
        pytest.param("jira", {"api_token": "renewed"}, {"api_token": "jira-sandbox-token"}),
        pytest.param(
            "servicenow", {"password": "renewed"}, {"password": "servicenow-sandbox-password"}
        ),
    ],
    ids=["jira", "servicenow"],
)
def test_a_refused_credential_pauses_its_connector_until_a_check_succeeds(
    bridged: Service,
    jira: Vendor,
    servicenow: Vendor,
    vendor: str,
    change: dict[str, str],
    cure: dict[str, str],
) -> None:
    control = {"jira": jira, "servicenow": servicenow}[vendor].control
    other = "servicenow" if vendor == "jira" else "jira"
    control.change_scenario(**change)

    case = bridged.api.create_case()

    paused = bridged.api.ticket_in(case, vendor, "paused")
    assert paused["failure"]["kind"] == "AuthenticationFailed"
    assert "401" in paused["failure"]["reason"]
    assert card(bridged, vendor)["state"] == "paused"
    assert "401" in card(bridged, vendor)["paused_reason"]
    assert len(failed_rows(bridged, case)) == 1
    bridged.api.ticket_in(case, other, "linked")
    before = len(control.requests())
    second = bridged.api.create_case("While it is paused")
    bridged.api.ticket_in(second, other, "linked")
    assert len(control.requests()) == before
    connector = card(bridged, vendor)["id"]
    assert any(
        line["ok"] is False
        for line in bridged.api.post(f"/v1/connectors/{connector}/check")["lines"]
    )
    assert card(bridged, vendor)["state"] == "paused"
    bridged.api.patch(f"/v1/connectors/{connector}", {"name": "A new name cures nothing"})
    assert card(bridged, vendor)["state"] == "paused"
    control.change_scenario(**cure)
    bridged.api.post(f"/v1/connectors/{connector}/check")
    for each in (case, second):
        assert bridged.api.linked(each)[vendor]["failure"] is None
    assert len(control.tickets()) == 2


def test_a_project_that_is_gone_pauses_its_connector_until_the_settings_change(
    bridged: Service, jira: Vendor
) -> None:
    connector = card(bridged, "jira")["id"]
    bridged.api.patch(f"/v1/connectors/{connector}", {"config": {"project": "GONE"}})

    case = bridged.api.create_case()

    paused = bridged.api.ticket_in(case, "jira", "paused")
    assert paused["failure"]["kind"] == "DestinationNotFound"
    assert "GONE" in paused["failure"]["reason"]
    assert len(failed_rows(bridged, case)) == 1
    bridged.api.patch(f"/v1/connectors/{connector}", {"config": {"project": "OPS"}})
    assert bridged.api.linked(case)["jira"]["key"] == "OPS-1"


def test_a_table_that_is_gone_pauses_its_connector_until_the_settings_change(
    bridged: Service, servicenow: Vendor
) -> None:
    connector = card(bridged, "servicenow")["id"]
    bridged.api.patch(f"/v1/connectors/{connector}", {"config": {"table": "u_gone"}})

    case = bridged.api.create_case()

    paused = bridged.api.ticket_in(case, "servicenow", "paused")
    assert paused["failure"]["kind"] == "DestinationNotFound"
    bridged.api.patch(f"/v1/connectors/{connector}", {"config": {"table": "incident"}})
    bridged.api.linked(case)
    assert len(servicenow.control.tickets()) == 1


@pytest.mark.parametrize(
    ("vendor", "words"), [("jira", "asks to wait"), ("servicenow", "answered 429")]
)
def test_a_vendor_that_asks_to_wait_is_left_alone_as_long_as_it_says(
    bridged: Service,
    clock: MovableClock,
    jira: Vendor,
    servicenow: Vendor,
    vendor: str,
    words: str,
) -> None:
    control = {"jira": jira, "servicenow": servicenow}[vendor].control
    other = "servicenow" if vendor == "jira" else "jira"
    control.arm("rate_limited", "create", retry_after=600)

    case = bridged.api.create_case()

    failing = bridged.api.ticket_in(case, vendor, "failing")
    assert failing["failure"]["kind"] == "RateLimited"
    assert words in failing["failure"]["reason"]
    assert card(bridged, vendor)["quiet_until"] is not None
    bridged.api.ticket_in(case, other, "linked")
    before = len(control.requests())
    second = bridged.api.create_case("While it is quiet")
    bridged.api.resync(case)
    bridged.api.ticket_in(second, other, "linked")
    clock.advance(seconds=590)
    third = bridged.api.create_case("Still quiet")
    bridged.api.ticket_in(third, other, "linked")
    assert len(control.requests()) == before
    clock.advance(seconds=10)
    for each in (case, second, third):
        assert bridged.api.linked(each)[vendor]["failure"] is None
    assert len(control.tickets()) == 3
    assert len(failed_rows(bridged, case)) == 1


def test_hundreds_of_failures_of_one_connector_are_one_notice(
    bridged: Service, jira: Vendor
) -> None:
    jira.control.change_scenario(api_token="renewed")
    first = bridged.api.create_case()
    bridged.api.ticket_in(first, "jira", "paused")

    cases = [bridged.api.create_case(f"Case {number}") for number in range(20)]

    for case in cases:
        bridged.api.ticket_in(case, "servicenow", "linked")
    assert [row for case in cases for row in failed_rows(bridged, case)] == []
    assert eventually(lambda: card(bridged, "jira")["paused_reason"])
