"""The lines about the site, from what a server may tell of itself and what it may leave out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from casebridge_core import CheckLine, Connector
from casebridge_jira import JiraConfig
from casebridge_jira.client import JiraClient
from casebridge_jira.site_checks import site_lines

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

pytestmark = pytest.mark.anyio

Connect = Callable[..., Connector[JiraConfig]]

CLOUD = {"deploymentType": "Cloud", "version": "1001.0.0", "baseUrl": "https://acme.example.com"}
SERVER = {"deploymentType": "Server", "versionNumbers": [10, 3, 0]}
GATEWAY = "https://api.atlassian.com/ex/jira/abc-1"


async def lines_of(connector: Connector[JiraConfig]) -> dict[str, CheckLine]:
    return {line.name: line async for line in site_lines(JiraClient(connector))}


@pytest.mark.parametrize(("minutes", "ok"), [(0, True), (10, False), (-10, False)])
async def test_without_a_time_of_its_own_the_date_of_the_answer_counts(
    online: Connect, httpx_mock: HTTPXMock, minutes: int, *, ok: bool
) -> None:
    there = datetime.now(UTC) + timedelta(minutes=minutes)
    headers = {"Date": format_datetime(there, usegmt=True)}
    httpx_mock.add_response(json=CLOUD, headers=headers)
    line = (await lines_of(online()))["clock"]
    assert line.ok is ok
    side = {0: "apart", 10: "ahead of", -10: "behind"}[minutes]
    assert side in line.detail
    assert bool(line.cure) is not ok


async def test_a_server_that_tells_no_time_is_no_fault(
    online: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(json=CLOUD)
    assert (await lines_of(online()))["clock"].ok is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ({**CLOUD, "baseUrl": "https://other.example.com"}, "address"),
        ({**CLOUD, "baseUrl": "http://[broken"}, "address"),
    ],
)
async def test_another_address_is_worth_reading_and_no_fault(
    online: Connect, httpx_mock: HTTPXMock, told: dict[str, Any], name: str
) -> None:
    httpx_mock.add_response(json=told)
    assert (await lines_of(online()))[name].ok is None


async def test_a_cloud_setting_against_a_data_center_says_what_to_change(
    online: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(json=SERVER)
    line = (await lines_of(online()))["deployment"]
    assert line.ok is False
    assert "data_center" in line.cure


@pytest.mark.parametrize(("told", "ok"), [("abc-1", True), ("abc-2", False), (None, None)])
async def test_the_cloud_id_is_compared_with_what_the_site_tells(
    online: Connect, httpx_mock: HTTPXMock, told: str | None, *, ok: bool | None
) -> None:
    httpx_mock.add_response(url=f"{GATEWAY}/rest/api/2/serverInfo", json=CLOUD)
    answer: dict[str, Any] = {"json": {"cloudId": told}} if told else {"status_code": 404}
    httpx_mock.add_response(url="https://acme.example.com/_edge/tenant_info", **answer)
    line = (await lines_of(online(cloud_id="abc-1"))).get("cloud id")
    assert (line.ok if line else None) is ok
    assert "authorization" not in httpx_mock.get_requests()[-1].headers


@pytest.mark.parametrize(
    "odd", [{}, {"versionNumbers": "x"}, {"versionNumbers": []}, {"version": 9}]
)
async def test_what_a_server_leaves_out_breaks_nothing(
    online: Connect, httpx_mock: HTTPXMock, data_center: dict[str, object], odd: dict[str, Any]
) -> None:
    httpx_mock.add_response(json=odd)
    lines = await lines_of(online(data_center))
    assert lines["reachable"].ok is True
