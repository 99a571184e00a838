"""What the connection check tells of roles, required fields and the business rule."""

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


SYSTEM_TABLES = [
    "sys_data_policy_rule",
    "sys_data_policy2",
    "sys_dictionary",
    "sys_script",
    "sys_user_has_role",
]


async def test_what_administrators_see_is_told_to_one(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], sandbox: Sandbox
) -> None:
    sandbox.control.change_scenario(readable_tables=SYSTEM_TABLES, time_zone="GMT")
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere")

    report = await hooks.check_connection(connect(hold_reason="4"))

    assert report.ok
    assert line(report, "May create tickets").detail == "roles: itil"
    assert line(report, "May move tickets").ok is True
    assert line(report, "Time zone").ok is True
    assert line(report, "Webhook").ok is True
    assert line(report, "On hold reason").detail.startswith("4 (of: Awaiting Caller (1)")
    required = line(report, "Required fields")
    assert required.ok is True
    assert "number, short_description" in required.detail
    assert "close_code (where stateIN6,7)" in required.detail


async def test_what_only_administrators_see_cannot_be_told_to_others(
    hooks: VendorHooks, vendor: ServiceNow, sandbox: Sandbox
) -> None:
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere")

    report = await hooks.check_connection(vendor)

    assert report.ok
    for name in ("May create tickets", "May move tickets", "Required fields", "Webhook"):
        assert line(report, name).ok is None
        assert line(report, name).cure
    assert line(report, "Webhook").detail.startswith("cannot be told")


@pytest.mark.parametrize(
    ("scenario", "settings", "name", "detail"),
    [
        (
            {"require_caller": True},
            {"caller_id": None},
            "Required fields",
            "a data policy asks for, and nothing fills: caller_id",
        ),
        (
            {},
            {"statuses": StatusOverrides(outbound={CaseStatus.CLOSED: "Closed"})},
            "May move tickets",
            "the status map takes closed to Closed (7), which needs itil_admin or admin",
        ),
        ({}, {"hold_reason": "2"}, "On hold reason", "not one that this instance knows"),
    ],
)
async def test_what_will_be_refused_fails_its_line(
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    sandbox: Sandbox,
    scenario: dict[str, Any],
    settings: dict[str, Any],
    name: str,
    detail: str,
) -> None:
    sandbox.control.change_scenario(readable_tables=SYSTEM_TABLES, **scenario)

    report = await hooks.check_connection(connect(**settings))

    assert line(report, name).ok is False
    assert detail in line(report, name).detail
    assert line(report, name).cure


@pytest.mark.parametrize(
    ("scenario", "name", "detail"),
    [
        ({"roles": ["snc_internal"]}, "May create tickets", "none of its roles"),
        ({"mandatory_columns": ["u_site"]}, "Required fields", "on forms and not filled: u_site"),
        ({}, "Required fields", "nothing fills: hold_reason (where state=3)"),
        ({"time_zone": "US/Pacific"}, "Time zone", "US/Pacific"),
    ],
)
async def test_what_may_be_refused_is_told(
    hooks: VendorHooks,
    vendor: ServiceNow,
    sandbox: Sandbox,
    scenario: dict[str, Any],
    name: str,
    detail: str,
) -> None:
    settings = {"require_hold_reason": "mandatory_columns" not in scenario, **scenario}
    sandbox.control.change_scenario(readable_tables=SYSTEM_TABLES, **settings)

    report = await hooks.check_connection(vendor)

    assert line(report, name).ok is None
    assert detail in line(report, name).detail
    assert line(report, name).cure


@pytest.mark.parametrize(
    ("more", "ok", "detail"),
    [
        ({}, False, "a data policy asks for, and nothing fills: u_site"),
        ({"table": "task", "sys_data_policy.inherit": "true"}, False, "fills: u_site"),
        ({"sys_data_policy.conditions": "EQ"}, False, "fills: u_site"),
        ({"sys_data_policy.conditions": "state=6^EQ"}, None, "u_site (where state=6)"),
        ({"sys_data_policy.conditions": None}, None, "where a condition that cannot be seen holds"),
        ({"table": "task"}, None, "neither dictionary nor data policies show any"),
        ({"table": "problem"}, None, "neither dictionary nor data policies show any"),
        ({"mandatory": "ignore"}, None, "neither dictionary nor data policies show any"),
        ({"sys_data_policy.active": "false"}, None, "neither dictionary nor data policies show"),
    ],
)
async def test_a_data_policy_is_read_for_where_it_holds(
    hooks: VendorHooks,
    connector: ServiceNow,
    httpx_mock: HTTPXMock,
    more: dict[str, str | None],
    ok: bool | None,  # noqa: FBT001 - a parameter
    detail: str,
) -> None:
    rule = {
        "table": "incident",
        "field": "u_site",
        "mandatory": "true",
        "sys_data_policy.active": "true",
        "sys_data_policy.conditions": "",
        **more,
    }
    shown = {name: value for name, value in rule.items() if value is not None}

    def answer(request: httpx.Request) -> httpx.Response:
        found = [shown] if request.url.path.endswith("sys_data_policy_rule") else []
        return httpx.Response(200, json={"result": found})

    httpx_mock.add_callback(answer, is_reusable=True)

    report = await hooks.check_connection(connector)

    assert line(report, "Required fields").ok is ok
    assert detail in line(report, "Required fields").detail


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([{"name": "Another rule", "active": "true"}], "there is no business rule"),
        ([{"name": "Casebridge: tell the inbox", "active": "false"}], "is not active"),
    ],
)
async def test_a_business_rule_that_is_seen_to_be_missing_is_told(
    hooks: VendorHooks,
    connector: ServiceNow,
    httpx_mock: HTTPXMock,
    rules: list[dict[str, str]],
    told: str,
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params.get("sysparm_query", "")
        named = [each for each in rules if f"name={each['name']}" in asked]
        found = named if "name=" in asked else rules
        seen = request.url.path.endswith("sys_script")
        return httpx.Response(200, json={"result": found if seen else []})

    httpx_mock.add_callback(answer, is_reusable=True)

    report = await hooks.check_connection(connector)

    assert line(report, "Webhook").ok is None
    assert told in line(report, "Webhook").detail
