"""What has changed at Jira since a moment, in the account's time, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from casebridge_core import (
    Connector,
    VendorHooks,
)
from casebridge_jira import JiraConfig
from casebridge_jira.changes import wall_clock

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

pytestmark = pytest.mark.anyio

Connect = Callable[..., Connector[JiraConfig]]

API = "https://acme.example.com/rest/api/3"
ME = {"accountId": "5b-bridge", "displayName": "Casebridge", "timeZone": "Europe/Berlin"}
GONE = {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "2026-07-01 12:30"),
        ("America/New_York", "2026-07-01 06:30"),
        ("Etc/UTC", "2026-07-01 10:30"),
        ("Not/AZone", "2026-06-30 22:30"),
        ("../../etc/passwd", "2026-06-30 22:30"),
        ("", "2026-06-30 22:30"),
    ],
)
def test_jql_takes_the_wall_clock_of_the_account(zone: str, text: str) -> None:
    assert wall_clock(datetime(2026, 7, 1, 10, 30, 59, tzinfo=UTC), zone) == text


async def test_data_center_goes_on_from_the_last_minute_and_within_one_by_offset(
    hooks: VendorHooks,
    online: Connect,
    data_center: dict[str, object],
    httpx_mock: HTTPXMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("casebridge_jira.changes.PAGE", 2)
    asked: list[tuple[str, int]] = []
    minutes = [0, 0, 0, 5, 6]

    def answer(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        minute = int(body["jql"].partition("10:")[2][:2])
        first = body.get("startAt", 0)
        asked.append((body["jql"].partition('>= "')[2][:16], first))
        found = [(n, m) for n, m in enumerate(minutes) if m >= minute]
        issues = [
            {
                "id": str(n),
                "key": f"SEC-{n}",
                "fields": {"status": {"name": "Done"}, "updated": f"2026-03-01T10:{m:02}:30Z"},
            }
            for n, m in found[first : first + 2]
        ]
        return httpx.Response(200, json={"issues": issues, "total": len(found)})

    api = "https://jira.example.com/jira/rest/api/2"
    httpx_mock.add_response(url=f"{api}/myself", json={"name": "bridge", "timeZone": "Etc/UTC"})
    httpx_mock.add_callback(answer, url=f"{api}/search", is_reusable=True)
    connector, page, seen = online(data_center), None, set[str]()
    for _ in range(3):
        changes = await hooks.list_changes(connector, datetime(2026, 3, 1, 10, tzinfo=UTC), page)
        seen |= {event.external_id for event in changes.events}
        page = changes.next_page
    assert page is None
    assert seen == {"0", "1", "2", "3", "4"}
    assert asked == [("2026-03-01 10:00", 0), ("2026-03-01 10:00", 2), ("2026-03-01 10:05", 0)]


async def test_an_issue_that_goes_while_its_comments_are_read_hides_no_other(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    def issue(number: str, total: int) -> dict[str, object]:
        note = {"id": "1", "body": "Cleaned.", "created": "2026-03-01T10:00:00.000+0000"}
        comments = {"comments": [note], "total": total}
        fields = {"status": {"name": "Done", "id": "3"}, "comment": comments}
        return {"id": number, "key": f"SEC-{number}", "fields": fields}

    httpx_mock.add_response(url=f"{API}/myself", json=ME, is_reusable=True)
    found = {"issues": [issue("1", 30), issue("2", 1)], "isLast": True}
    httpx_mock.add_response(url=f"{API}/search/jql", json=found)
    gone = f"{API}/issue/1/comment?startAt=0&maxResults=100&orderBy=created"
    httpx_mock.add_response(url=gone, status_code=404, json=GONE)
    changes = await hooks.list_changes(online(), datetime.now(UTC), None)
    assert [(e.external_id, len(e.comments)) for e in changes.events] == [("1", 1), ("2", 1)]


def test_an_hour_that_comes_twice_is_taken_early() -> None:
    second_time = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert wall_clock(second_time, "Europe/Berlin") == "2026-10-25 01:30"
