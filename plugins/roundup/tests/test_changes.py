"""Pages of changes: none is skipped, and each issue comes with its messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from casebridge_core import CommentAction, Connector, InvalidRequest
from casebridge_roundup import RoundupConfig
from casebridge_roundup.changes import list_changes
from casebridge_roundup.client import RoundupClient

Connect = Callable[..., Connector[RoundupConfig]]

SINCE = datetime(2026, 11, 23, 16, 20, 6, tzinfo=UTC)


async def test_a_page_goes_on_from_its_last_second(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect
) -> None:
    first = [answers.issue("1"), answers.issue("2", activity="2026-11-23.16:20:09")]
    httpx_mock.add_response(json=answers.rows(*first))
    httpx_mock.add_response(json=answers.rows(answers.issue("2")))
    client = RoundupClient(connect())

    page = await list_changes(client, SINCE, None, size=2)
    last = await list_changes(client, SINCE, page.next_page, size=2)

    assert [event.external_id for event in page.events] == ["1", "2"]
    assert last.next_page is None
    asked = [request.url.params for request in httpx_mock.get_requests()]
    assert [(each["activity"], each["@page_index"]) for each in asked] == [
        ("2026-11-23.16:20:06+0000;", "1"),
        ("2026-11-23.16:20:09+0000;", "1"),
    ]
    assert {(each["creator"], each["@sort"]) for each in asked} == {("casebridge", "activity,id")}


async def test_a_page_within_one_second_goes_on_by_its_number(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect
) -> None:
    for numbers in (("1", "2"), ("3", "4"), ()):
        httpx_mock.add_response(json=answers.rows(*map(answers.issue, numbers)))
    client = RoundupClient(connect())

    seen, page = [], None
    for _ in range(3):
        found = await list_changes(client, SINCE, page, size=2)
        seen += [event.external_id for event in found.events]
        page = found.next_page

    assert seen == ["1", "2", "3", "4"]
    assert page is None
    indexes = [request.url.params["@page_index"] for request in httpx_mock.get_requests()]
    assert indexes == ["1", "2", "3"]


async def test_each_message_is_told_as_it_was_written_and_as_it_reads_now(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect
) -> None:
    joe = {"id": "4", "username": "joe"}
    messages = [
        {"id": "7", "content": "Summary", "messageid": "<aisoc-1@ticket.casebridge>"},
        {"id": "8", "content": "Hi", "author": joe, "creation": "2026-11-23.16:20:05"},
    ]
    held = [{"id": each, "link": "…"} for each in ("7", "8", "9")]
    httpx_mock.add_response(json=answers.rows(answers.issue("1", messages=held)))
    httpx_mock.add_response(json=answers.rows(*messages))

    page = await list_changes(RoundupClient(connect()), SINCE, None)

    (event,) = page.events
    assert [(each.action, each.at is None, each.text) for each in event.comments] == [
        (CommentAction.CREATED, False, "Hi"),
        (CommentAction.EDITED, True, "Hi"),
    ]
    assert httpx_mock.get_requests()[1].url.params.get_list("id") == ["7", "8", "9"]


async def test_a_page_of_somebody_elses_is_refused(connect: Connect) -> None:
    with pytest.raises(InvalidRequest, match="not one that this connector gave"):
        await list_changes(RoundupClient(connect()), SINCE, "2026|7")
