"""The connection check: each line, and the cure on each failing one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from casebridge_core import (
    CaseStatus,
    CheckLine,
    ConnectionReport,
    Connector,
    StatusOverrides,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]


def line(report: ConnectionReport, name: str) -> CheckLine:
    return next(found for found in report.lines if found.name == name)


async def test_a_good_connection_is_well_line_by_line(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], sandbox: Sandbox
) -> None:
    report = await hooks.check_connection(connect())

    assert report.ok
    assert report.account is not None
    assert report.account.id == sandbox.sandbox.scenario.user_name
    assert [status.id for status in report.statuses] == ["1", "2", "3", "6", "7", "8"]
    assert {found.name for found in report.lines if found.ok} >= {
        "Reachable",
        "Signed in",
        "Table and correlation_id",
        "States",
        "Close code",
        "Caller",
        "Comments can be found again",
        "Clock",
    }


@pytest.mark.parametrize(
    ("settings", "name", "cure"),
    [
        ({"table": "incidents"}, "Table and correlation_id", "existing table"),
        ({"close_code": "Solved (Permanently)"}, "Close code", "Solution provided"),
        ({"password": "wrong"}, "Signed in", "password"),
        (
            {"statuses": StatusOverrides(outbound={CaseStatus.CONTAINED: "20"})},
            "States",
            "In Progress (2)",
        ),
    ],
)
async def test_a_wrong_setting_fails_its_line_and_names_the_cure(
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    settings: dict[str, Any],
    name: str,
    cure: str,
) -> None:
    report = await hooks.check_connection(connect(**settings))

    assert not report.ok
    assert line(report, name).ok is False
    assert cure in line(report, name).cure


async def test_a_field_that_the_table_lacks_is_noticed(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], sandbox: Sandbox
) -> None:
    sandbox.control.create_ticket("Somebody's")

    report = await hooks.check_connection(connect(correlation_field="u_case"))

    assert line(report, "Table and u_case").ok is False


async def test_what_cannot_be_seen_is_told_and_fails_nothing(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], sandbox: Sandbox
) -> None:
    closed = ["sys_user", "sys_choice", "sys_journal_field"]
    sandbox.control.change_scenario(denied_tables=closed)

    report = await hooks.check_connection(connect(caller_id=""))

    assert report.ok
    for name in ("Signed in", "States", "Close code", "Comments can be found again", "Caller"):
        assert line(report, name).ok is None
    assert report.account is not None


async def test_a_clock_that_is_wrong_is_noticed(
    hooks: VendorHooks, connector: ServiceNow, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(
        json={"result": []},
        headers={"date": "Sun, 01 Mar 2020 12:00:00 GMT"},
        is_reusable=True,
    )

    report = await hooks.check_connection(connector)

    assert line(report, "Clock").ok is False
    anonymous = httpx_mock.get_requests()[-1]
    assert "authorization" not in anonymous.headers


async def test_an_instance_that_is_ahead_is_noticed_over_real_http(
    hooks: VendorHooks, vendor: ServiceNow, sandbox: Sandbox
) -> None:
    sandbox.control.advance_clock(600)

    report = await hooks.check_connection(vendor)

    assert line(report, "Clock").ok is False
    assert "ahead" in line(report, "Clock").detail
    assert "NTP" in line(report, "Clock").cure


async def test_an_instance_that_tells_no_time_fails_nothing(
    hooks: VendorHooks, connector: ServiceNow, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(json={"result": []}, is_reusable=True)

    report = await hooks.check_connection(connector)

    assert line(report, "Clock").ok is None


@pytest.mark.parametrize(
    ("preset", "settings", "states"),
    [
        (
            "security-incidents",
            {"table": "sn_si_incident"},
            ["10", "16", "18", "19", "20", "100", "3", "7"],
        ),
        (
            "own-table",
            {
                "table": "u_security_task",
                "state_model": "task",
                "field_names": {"short_description": "u_title"},
                "caller_id": None,
            },
            ["-5", "1", "2", "3", "4", "7"],
        ),
    ],
)
async def test_other_tables_are_well_too_and_offer_their_states(
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    sandbox: Sandbox,
    preset: str,
    settings: dict[str, Any],
    states: list[str],
) -> None:
    connector = connect(**settings)
    sandbox.control.use_preset(preset)
    sandbox.control.change_scenario(readable_tables=["sys_user_has_role"])

    report = await hooks.check_connection(connector)

    assert report.ok
    assert [status.id for status in report.statuses] == states
    assert line(report, "May create tickets").ok is True


async def test_a_marker_that_cannot_be_searched_is_noticed(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], sandbox: Sandbox
) -> None:
    sandbox.control.create_ticket("Somebody's")
    connector = connect(field_names={"correlation_display": "u_origin"})

    report = await hooks.check_connection(connector)

    assert line(report, "Table and correlation_id").ok is False
    assert "u_origin" in line(report, "Table and correlation_id").detail


async def test_an_instance_out_of_reach_ends_the_report(
    hooks: VendorHooks, connector: ServiceNow, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ConnectError("no"))

    report = await hooks.check_connection(connector)

    assert [found.name for found in report.lines] == ["Reachable"]
    assert not report.ok
