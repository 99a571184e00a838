"""Status changes and comments: changes of what was read, and of nothing newer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from casebridge_core import (
    CaseStatus,
    Connector,
    PermissionDenied,
    ProjectedComment,
    StatusChange,
    TicketNotFound,
    TicketRef,
    TransitionRejected,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_roundup import RoundupConfig

Connect = Callable[..., Connector[RoundupConfig]]
DATA = "https://issues.example.com/soc/rest/data"

REF = TicketRef(external_id="12", key="issue12", url="https://issues.example.com/soc/issue12")
RESOLVED = StatusChange(status=CaseStatus.RESOLVED, native="resolved")
UNREAD = {"id": "1", "name": "unread"}
CHANGED = {"error": {"msg": "If-Match is missing or does not match."}}


def reads(httpx_mock: HTTPXMock, answers: Any, etag: str = '"e1"', **properties: Any) -> None:
    """Have the tracker show the issue, once."""
    httpx_mock.add_response(method="GET", json=answers.item("12", etag, **properties))


def changes(httpx_mock: HTTPXMock, answers: Any, status: int = 200, body: object = None) -> None:
    """Have the tracker answer one change."""
    httpx_mock.add_response(
        method="PATCH",
        url=f"{DATA}/issue/12",
        status_code=status,
        json=body or answers.data({"id": "12"}),
    )


def patches(httpx_mock: HTTPXMock) -> list[tuple[str, Any]]:
    requests = httpx_mock.get_requests(method="PATCH")
    return [(request.headers["if-match"], json.loads(request.content)) for request in requests]


async def test_a_status_is_set_on_what_was_read_and_read_back(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(httpx_mock, answers)
    httpx_mock.add_response(json=answers.rows(answers.issue("12", "resolved")))

    ticket = await hooks.push_status_change(connect(), REF, RESOLVED)

    assert ticket.status.name == "resolved"
    assert patches(httpx_mock) == [('"e1"', {"status": "resolved"})]


async def test_an_issue_that_is_there_already_is_left_alone(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status={"id": "8", "name": "resolved"})

    ticket = await hooks.push_status_change(connect(), REF, RESOLVED)

    assert ticket.status.id == "8"


async def test_a_change_that_somebody_was_quicker_than_is_made_of_what_is_there_now(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(httpx_mock, answers, 412, CHANGED)
    reads(httpx_mock, answers, '"e2"', status=UNREAD)
    changes(httpx_mock, answers)
    httpx_mock.add_response(json=answers.rows(answers.issue("12", "resolved")))

    await hooks.push_status_change(connect(), REF, RESOLVED)

    assert [tag for tag, _ in patches(httpx_mock)] == ['"e1"', '"e2"']


async def test_a_change_that_never_fits_is_tried_again_later(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    for _ in range(3):
        reads(httpx_mock, answers, status=UNREAD)
        changes(httpx_mock, answers, 412, CHANGED)

    with pytest.raises(VendorUnavailable, match="secret_key"):
        await hooks.push_status_change(connect(), REF, RESOLVED)


async def test_a_veto_is_told_in_the_auditors_words(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(httpx_mock, answers, 405, answers.error(405, "say why first"))

    with pytest.raises(TransitionRejected, match="say why first"):
        await hooks.push_status_change(connect(), REF, RESOLVED)


async def test_a_status_that_is_not_there_is_told_with_those_that_are(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(
        httpx_mock, answers, 400, answers.error(400, "property status: 'resolved' is not a status.")
    )
    httpx_mock.add_response(
        json=answers.rows({"id": "1", "name": "new"}, {"id": "2", "name": "done"})
    )

    with pytest.raises(TransitionRejected) as caught:
        await hooks.push_status_change(connect(), REF, RESOLVED)

    assert caught.value.allowed == ("new", "done")


async def test_an_auditor_that_makes_another_status_of_it_is_noticed(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(httpx_mock, answers)
    httpx_mock.add_response(json=answers.rows(answers.issue("12", "testing")))

    with pytest.raises(TransitionRejected, match="is testing"):
        await hooks.push_status_change(connect(), REF, RESOLVED)


async def test_a_missing_right_is_no_veto(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(
        httpx_mock, answers, 403, answers.error(403, "Permission to edit status of issue12 denied")
    )

    with pytest.raises(PermissionDenied, match="edit status"):
        await hooks.push_status_change(connect(), REF, RESOLVED)


async def test_an_issue_that_was_retired_is_not_found(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    reads(httpx_mock, answers, status=UNREAD)
    changes(httpx_mock, answers)
    httpx_mock.add_response(json=answers.rows())

    with pytest.raises(TicketNotFound, match="retired"):
        await hooks.push_status_change(connect(), REF, RESOLVED)


async def test_a_comment_is_put_on_the_issue_with_its_present_status(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    comment: ProjectedComment,
) -> None:
    httpx_mock.add_response(url=f"{DATA}/msg", method="POST", json=answers.data({"id": "30"}))
    reads(httpx_mock, answers, messages=["7", "9"], status="8")
    changes(httpx_mock, answers, 412, CHANGED)
    reads(httpx_mock, answers, '"e2"', messages=["7", "9", "29"], status="3")
    changes(httpx_mock, answers)

    posted = await hooks.push_comment(connect(), REF, comment)

    assert posted.external_id == "30"
    (message,) = httpx_mock.get_requests(url=f"{DATA}/msg")
    written = json.loads(message.content)
    assert written["messageid"] == "<CASE-7.action-1/issue12@comment.casebridge>"
    assert written["content"] == comment.text
    assert patches(httpx_mock) == [
        ('"e1"', {"messages": ["7", "9", "30"], "status": "8"}),
        ('"e2"', {"messages": ["7", "9", "29", "30"], "status": "3"}),
    ]


async def test_only_a_message_that_is_on_the_issue_is_a_comment(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    comment: ProjectedComment,
) -> None:
    message_id = "<CASE-7.action-1/issue12@comment.casebridge>"
    found = [{"id": each, "messageid": message_id} for each in ("31", "30")]
    httpx_mock.add_response(json=answers.rows(*found))
    reads(httpx_mock, answers, messages=["7", "30"])

    refs = await hooks.find_comment(connect(), REF, comment.key)

    assert [ref.external_id for ref in refs] == ["30"]
