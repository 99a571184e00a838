"""Calling a vendor: each way it can answer, told as the right error."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import (
    AuthenticationFailed,
    InvalidRequest,
    OutcomeUnknown,
    PushError,
    RateLimited,
    TicketNotFound,
    TransitionRejected,
    UnexpectedResponse,
    VendorUnavailable,
)
from casebridge_core.http import VendorApi, decode_json, error_for, retry_after

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

URL = "https://acme.example/api"
MARKER = "s3cr3t-marker"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def api(http: httpx.AsyncClient) -> VendorApi:
    return VendorApi(http, URL, headers={"Authorization": f"Bearer {MARKER}"})


def response(status: int, **fields: Any) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", URL), **fields)


READ_AND_WRITE = [
    (400, InvalidRequest, InvalidRequest),
    (401, AuthenticationFailed, AuthenticationFailed),
    (403, InvalidRequest, InvalidRequest),
    (404, TicketNotFound, TicketNotFound),
    (405, InvalidRequest, InvalidRequest),
    (408, VendorUnavailable, OutcomeUnknown),
    (409, InvalidRequest, InvalidRequest),
    (410, TicketNotFound, TicketNotFound),
    (413, InvalidRequest, InvalidRequest),
    (422, InvalidRequest, InvalidRequest),
    (425, VendorUnavailable, OutcomeUnknown),
    (429, RateLimited, RateLimited),
    (500, VendorUnavailable, OutcomeUnknown),
    (501, VendorUnavailable, OutcomeUnknown),
    (502, VendorUnavailable, OutcomeUnknown),
    (503, VendorUnavailable, OutcomeUnknown),
    (504, VendorUnavailable, OutcomeUnknown),
    (599, VendorUnavailable, OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "read", "write"), READ_AND_WRITE)
def test_each_status_is_an_error_of_its_own_for_reads_and_writes(
    status: int, read: type[PushError], write: type[PushError]
) -> None:
    assert type(error_for(response(status), writes=False)) is read
    assert type(error_for(response(status), writes=True)) is write


def test_the_vendors_own_reason_is_told() -> None:
    error = error_for(response(400), writes=True, reason="summary is required")

    assert str(error) == "acme.example answered 400: summary is required"


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_the_vendor_asks_for_is_kept(status: int) -> None:
    told = response(status, headers={"Retry-After": "7"})

    assert error_for(told, writes=False).retry_after == 7
    assert error_for(told, writes=True).retry_after == 7


@pytest.mark.parametrize(
    ("error", "retryable", "uncertain", "pauses"),
    [
        (VendorUnavailable, True, False, False),
        (RateLimited, True, False, False),
        (OutcomeUnknown, True, True, False),
        (AuthenticationFailed, False, False, True),
        (TicketNotFound, False, False, False),
        (TransitionRejected, False, False, False),
        (InvalidRequest, False, False, False),
        (UnexpectedResponse, True, False, False),
    ],
)
def test_each_error_says_what_to_do_next(
    error: type[PushError],
    retryable: bool,  # noqa: FBT001
    uncertain: bool,  # noqa: FBT001
    pauses: bool,  # noqa: FBT001
) -> None:
    assert (error.retryable, error.uncertain, error.pauses_connector) == (
        retryable,
        uncertain,
        pauses,
    )


def test_a_rejected_transition_names_what_is_missing_and_allowed() -> None:
    error = TransitionRejected("no", missing_fields=("resolution",), allowed=("Done",))

    assert (error.missing_fields, error.allowed) == (("resolution",), ("Done",))
    assert InvalidRequest("no", fields=("priority",)).fields == ("priority",)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("999999999999", 259_200.0),
        ("inf", 259_200.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 99999999999999999999 11:00:00 GMT", None),
        ("Sun, 01 Mar 2027 11:00:00 GMT", 259_200.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_three_days(
    value: str, seconds: float | None
) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert retry_after(response(429, headers={"Retry-After": value}), now=now) == seconds


def test_no_header_asks_for_no_wait() -> None:
    assert retry_after(response(429)) is None


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_no_retry_after_breaks_the_clock(value: str) -> None:
    wait = retry_after(response(429, headers=[(b"retry-after", value.encode("latin-1"))]))

    assert wait is None or timedelta(0) <= timedelta(seconds=wait) <= timedelta(days=3)


@pytest.mark.parametrize(
    ("content", "document"),
    [
        (b"", None),
        (b"{}", {}),
        (b'{"a": [1]}', {"a": [1]}),
        (b"null", None),
        (b"<html>", None),
        (b'{"a":', None),
        (b"\xff\xfe\x00", None),
        (b"[" * 200_000, None),
    ],
)
def test_a_body_is_decoded_or_none(content: bytes, document: object) -> None:
    assert decode_json(response(200, content=content)) == document


async def test_a_request_carries_the_credential_and_the_json(
    api: VendorApi, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(json={"id": "1"})

    answer = await api.request(
        "POST", "/issue", params={"a": "b"}, payload={"x": 1}, headers={"X-Once": "yes"}
    )

    (request,) = httpx_mock.get_requests()
    assert answer == {"id": "1"}
    assert str(request.url) == f"{URL}/issue?a=b"
    assert request.headers["authorization"] == f"Bearer {MARKER}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["x-once"] == "yes"
    assert request.content == b'{"x":1}'


async def test_a_form_and_an_auth_scheme_can_be_sent(
    http: httpx.AsyncClient, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(status_code=204)
    api = VendorApi(http, f"{URL}/", auth=httpx.BasicAuth("user", MARKER))

    assert await api.request("POST", "/token", form={"grant": "x"}) is None

    (request,) = httpx_mock.get_requests()
    assert str(request.url) == f"{URL}/token"
    assert request.headers["authorization"].startswith("Basic ")
    assert request.content == b"grant=x"


@pytest.mark.parametrize("content", [b"", b" \n", b"null"])
async def test_no_body_and_null_are_answers(
    api: VendorApi, httpx_mock: HTTPXMock, content: bytes
) -> None:
    httpx_mock.add_response(content=content)

    assert await api.request("PUT", "/x") is None


@pytest.mark.parametrize(("method", "writes"), [("GET", False), ("get", False), ("PUT", True)])
@pytest.mark.parametrize(
    ("content", "kind", "what"),
    [
        (b"<html>Sign in</html>", "text/html; charset=utf-8", "an HTML page"),
        (b'{"half":', "application/json", "an unreadable answer (application/json)"),
        (b"OK", "", "an unreadable answer (no content type)"),
    ],
)
async def test_a_2xx_that_is_not_json_is_not_success(
    api: VendorApi,
    httpx_mock: HTTPXMock,
    method: str,
    writes: bool,  # noqa: FBT001
    content: bytes,
    kind: str,
    what: str,
) -> None:
    httpx_mock.add_response(content=content, headers={"Content-Type": kind} if kind else {})

    with pytest.raises(PushError) as caught:
        await api.request(method, "/x")

    assert type(caught.value) is (OutcomeUnknown if writes else UnexpectedResponse)
    assert str(caught.value).startswith(f"acme.example sent {what} instead of JSON")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("method", "error"), [("GET", UnexpectedResponse), ("POST", OutcomeUnknown)]
)
async def test_a_redirect_is_not_followed_and_the_credential_goes_nowhere(
    api: VendorApi, httpx_mock: HTTPXMock, status: int, method: str, error: type[PushError]
) -> None:
    httpx_mock.add_response(status_code=status, headers={"Location": "https://evil.example/"})

    with pytest.raises(error, match="check base_url, redirects are not followed"):
        await api.request(method, "/x")

    assert len(httpx_mock.get_requests()) == 1


async def test_a_call_may_say_itself_whether_it_writes(
    api: VendorApi, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(status_code=500, is_reusable=True)

    with pytest.raises(VendorUnavailable):
        await api.request("POST", "/search", writes=False)
    with pytest.raises(OutcomeUnknown):
        await api.request("GET", "/do?action=delete", writes=True)


async def test_a_plugin_refines_what_only_the_vendor_documents(
    http: httpx.AsyncClient, httpx_mock: HTTPXMock
) -> None:
    def refine(response: httpx.Response, document: Any) -> PushError | None:
        if response.status_code == 403 and document == {"rule": "closed"}:
            return TransitionRejected("the ticket is closed")
        return None

    api = VendorApi(http, URL, refine=refine)
    httpx_mock.add_response(status_code=403, json={"rule": "closed"})
    httpx_mock.add_response(status_code=403, text="<html>")

    with pytest.raises(TransitionRejected):
        await api.request("PUT", "/x")
    with pytest.raises(InvalidRequest, match="answered 403"):
        await api.request("PUT", "/x")


@pytest.mark.parametrize(
    ("failure", "read", "write"),
    [
        (httpx.ConnectError("refused"), VendorUnavailable, VendorUnavailable),
        (httpx.ConnectTimeout("slow"), VendorUnavailable, VendorUnavailable),
        (httpx.PoolTimeout("full"), VendorUnavailable, VendorUnavailable),
        (httpx.ProxyError("403 Forbidden"), VendorUnavailable, VendorUnavailable),
        (httpx.ReadTimeout("slow"), VendorUnavailable, OutcomeUnknown),
        (httpx.WriteTimeout("slow"), VendorUnavailable, OutcomeUnknown),
        (httpx.ReadError("cut"), VendorUnavailable, OutcomeUnknown),
        (httpx.WriteError("cut"), VendorUnavailable, OutcomeUnknown),
        (httpx.RemoteProtocolError("cut"), VendorUnavailable, OutcomeUnknown),
        (httpx.DecodingError("gzip"), VendorUnavailable, OutcomeUnknown),
    ],
)
async def test_each_broken_connection_tells_whether_it_may_have_been_stored(
    api: VendorApi,
    httpx_mock: HTTPXMock,
    failure: Exception,
    read: type[PushError],
    write: type[PushError],
) -> None:
    httpx_mock.add_exception(failure, is_reusable=True)

    for method, error in (("GET", read), ("POST", write)):
        with pytest.raises(PushError) as caught:
            await api.request(method, "/x")
        assert type(caught.value) is error
        assert caught.value.__cause__ is failure
        assert ("may have been stored" in str(caught.value)) is (error is OutcomeUnknown)


@pytest.mark.parametrize("path", ["issue", "https://evil.example/", ".evil.example/", "@evil", ""])
async def test_a_path_cannot_change_the_host(api: VendorApi, path: str) -> None:
    with pytest.raises(ValueError, match="path must start with a slash"):
        await api.request("GET", path)


@pytest.mark.parametrize("credential", [f"{MARKER}\n", f"{MARKER}\x00", f"{MARKER}é", "\ud800"])
async def test_a_credential_that_http_cannot_carry_is_not_quoted(
    http: httpx.AsyncClient, credential: str
) -> None:
    api = VendorApi(http, "http://127.0.0.1:9", headers={"Authorization": f"Bearer {credential}"})

    with pytest.raises(PushError) as caught:
        await api.request("POST", "/x")

    shown = "".join(traceback.format_exception(caught.value))
    assert MARKER not in f"{shown} {caught.value!r} {caught.value.__cause__}"
