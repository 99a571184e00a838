"""A tracker's error answers, told as the right error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from casebridge_core import (
    AuthenticationFailed,
    Connector,
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    PermissionDenied,
    PushError,
    RateLimited,
    TicketNotFound,
    TicketRef,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_roundup import RoundupConfig
from casebridge_roundup.pacing import pause_after
from casebridge_roundup.refusals import refine

Connect = Callable[..., Connector[RoundupConfig]]

REF = TicketRef(external_id="12", key="issue12", url="https://issues.example.com/soc/issue12")


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "property status: 'x' is not a status.", InvalidRequest),
        (400, "Required Header Missing", DestinationNotFound),
        (400, "Client is not allowed to use Rest Interface.", DestinationNotFound),
        (400, "Invalid HOST 127.0.0.1:8080", DestinationNotFound),
        (400, "Mon: An error occurred. Please check the server log for more.", VendorUnavailable),
        (403, "Forbidden.", AuthenticationFailed),
        (403, "Permission to view issue denied", PermissionDenied),
        (404, "no such issue 999", TicketNotFound),
        (404, "Class ticket not found", DestinationNotFound),
        (405, "say why first", InvalidRequest),
        (409, "not a number", InvalidRequest),
        (412, "If-Match is missing or does not match.", VendorUnavailable),
    ],
)
def test_a_refusal_is_told_by_its_sentence(
    answers: Any, status: int, message: str, kind: type[PushError]
) -> None:
    request = httpx.Request("GET", "https://issues.example.com/soc/rest/data/issue")
    response = httpx.Response(status, request=request)

    refused = refine(response, answers.error(status, message))

    assert type(refused) is kind
    assert message in str(refused)


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "<body><p>An error occurred.</p></body>", VendorUnavailable),
        (401, "Invalid Login - Invalid login", AuthenticationFailed),
        (404, "<!DOCTYPE HTML>", DestinationNotFound),
        (429, "Logins occurring too fast. Please wait: 150 seconds.", RateLimited),
        (502, "<html>", VendorUnavailable),
    ],
)
async def test_an_answer_that_is_no_json_is_told_by_its_status(
    httpx_mock: HTTPXMock,
    connect: Connect,
    hooks: VendorHooks,
    status: int,
    text: str,
    kind: type[PushError],
) -> None:
    httpx_mock.add_response(status_code=status, text=text)

    with pytest.raises(kind) as caught:
        await hooks.fetch_ticket(connect(), REF)

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("data/msg", VendorUnavailable),
        ("data/issue/@poe", VendorUnavailable),
        ("data/issue/@poe/t0ken", OutcomeUnknown),
    ],
)
def test_what_fails_in_the_middle_is_unclear_only_where_it_shows(
    answers: Any, path: str, kind: type[PushError]
) -> None:
    request = httpx.Request("POST", f"https://issues.example.com/soc/rest/{path}")
    response = httpx.Response(400, request=request)

    assert type(refine(response, answers.error(400, "Please check the server log."))) is kind


async def test_an_account_that_may_not_see_itself_is_told_the_cure(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    httpx_mock.add_response(json=answers.rows({"id": "4", "username": "casebridge2"}))

    with pytest.raises(PermissionDenied, match="view user names"):
        await hooks.identify_account(connect())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"x-ratelimit-remaining": "1"}, 0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-limit": "60"}, 0),
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-limit": "60",
                "x-ratelimit-limit-period": "3600",
            },
            60,
        ),
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-limit": "4",
                "x-ratelimit-limit-period": "2",
            },
            0.5,
        ),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-limit": "nan"}, 1),
    ],
)
def test_the_pause_is_as_long_as_one_call_takes_to_come_back(
    headers: dict[str, str], seconds: float
) -> None:
    assert pause_after(httpx.Headers(headers)) == seconds
