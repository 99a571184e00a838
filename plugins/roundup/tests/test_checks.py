"""The connection check: each line that is not well has its cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from casebridge_core import Connector, VendorHooks
from casebridge_roundup import RoundupConfig

Connect = Callable[..., Connector[RoundupConfig]]
ROOT = "https://issues.example.com/soc/rest"
TOKEN = "h2U6VBQtXc46074rG44YFSwEeCUDL6Tu"


@pytest.fixture
def tracker(httpx_mock: HTTPXMock, answers: Any) -> HTTPXMock:
    """A tracker that lets the account in, whose statuses are others than the classic ones."""
    httpx_mock.add_response(url=f"{ROOT}/", json=answers.data({"supported_versions": [1]}))
    user = {"id": "3", "username": "casebridge"}
    for path, found in (
        ("user?username%3A=casebridge&%40fields=username%2Crealname", [user]),
        (
            (
                "issue?%40fields=status%2Cassignedto%2Cactivity&%40verbose=2&creator=casebridge"
                "&%40page_size=1"
            ),
            [],
        ),
        ("status?%40fields=name&%40sort=order", [{"id": "1", "name": "unread"}]),
        ("priority?%40fields=name&%40sort=order", [{"id": "1", "name": "urgent"}]),
    ):
        httpx_mock.add_response(url=f"{ROOT}/data/{path}", json=answers.rows(*found))
    return httpx_mock


async def test_statuses_and_priorities_that_are_missing_are_named(
    tracker: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    link = answers.data({"link": f"{ROOT}/data/issue/@poe/{TOKEN}"})
    tracker.add_response(url=f"{ROOT}/data/issue/@poe", json=link)

    report = await hooks.check_connection(connect())

    lines = {line.name: line for line in report.lines}
    assert {name for name, line in lines.items() if line.ok is False} == {
        "status in-progress",
        "status resolved",
    }
    assert lines["status resolved"].cure == "Map it in the status map to one of: unread."
    assert lines["priorities"].detail == "not in the tracker, and left out: bug, critical"
    assert [status.name for status in report.statuses] == ["unread"]


async def test_a_tracker_that_lets_no_write_in_is_told_with_the_cure(
    tracker: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    refused = answers.error(400, "Client is not allowed to use Rest Interface.")
    tracker.add_response(url=f"{ROOT}/data/issue/@poe", status_code=400, json=refused)

    report = await hooks.check_connection(connect())

    (writes,) = (line for line in report.lines if line.name == "writes")
    assert writes.ok is False
    assert "web_url" in writes.cure


async def test_a_refused_credential_is_one_line(
    httpx_mock: HTTPXMock, connect: Connect, hooks: VendorHooks
) -> None:
    httpx_mock.add_response(status_code=401, text="Invalid Login - Invalid login")

    report = await hooks.check_connection(connect())

    assert [(line.name, line.ok) for line in report.lines] == [("account", False)]
    assert report.account is None
