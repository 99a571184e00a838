"""Calling a vendor: each way it can answer, told as the right error."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from casebridge_core import (
    InvalidRequest,
    OutcomeUnknown,
    PushError,
    RateLimited,
    TransitionRejected,
    UnexpectedResponse,
    VendorUnavailable,
)
from casebridge_core.http import VendorApi

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


async def test_an_answer_tells_its_status_and_headers(
    api: VendorApi, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(201, headers={"Location": f"{URL}/issue/1", "ETag": '"7"'})

    answer = await api.call("POST", "/issue")

    assert (answer.status, answer.document) == (201, None)
    assert (answer.headers["location"], answer.headers["etag"]) == (f"{URL}/issue/1", '"7"')


class Issue(msgspec.Struct):
    id: int | str
    votes: int = 0


async def test_an_answer_is_read_into_a_type(api: VendorApi, httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json=[{"id": 7, "votes": "3", "further": True}, {"id": "A-7"}])

    issues = await api.request_as(list[Issue], "GET", "/issues")

    assert [(issue.id, issue.votes) for issue in issues] == [(7, 3), ("A-7", 0)]


@pytest.mark.parametrize("document", [None, {}, [], "text", {"id": None}, {"id": "1", "votes": []}])
@pytest.mark.parametrize(
    ("method", "writes", "error"),
    [
        ("GET", None, UnexpectedResponse),
        ("POST", None, OutcomeUnknown),
        ("POST", False, UnexpectedResponse),
    ],
)
async def test_an_answer_that_does_not_fit_its_type_is_no_answer(
    api: VendorApi,
    httpx_mock: HTTPXMock,
    document: object,
    method: str,
    error: type[PushError],
    *,
    writes: bool | None,
) -> None:
    httpx_mock.add_response(json=document)

    with pytest.raises(error, match=rf"acme.example answered {method} /issue with something else"):
        await api.request_as(Issue, method, "/issue", writes=writes)


async def test_every_answer_is_observed_also_one_that_failed(
    http: httpx.AsyncClient, httpx_mock: HTTPXMock
) -> None:
    seen: list[str] = []
    api = VendorApi(http, URL, observe=lambda answer: seen.append(answer.headers["x-left"]))
    httpx_mock.add_response(json={}, headers={"X-Left": "1"})
    httpx_mock.add_response(status_code=429, headers={"X-Left": "0"})

    await api.request("GET", "/issue")
    with pytest.raises(RateLimited):
        await api.request("GET", "/issue")

    assert seen == ["1", "0"]


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


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (400, InvalidRequest, InvalidRequest),
        (429, RateLimited, RateLimited),
        (500, VendorUnavailable, OutcomeUnknown),
    ],
)
async def test_an_error_status_is_no_answer_whatever_its_json(
    api: VendorApi,
    httpx_mock: HTTPXMock,
    status: int,
    read: type[PushError],
    write: type[PushError],
) -> None:
    httpx_mock.add_response(status_code=status, json={"id": "1"}, is_reusable=True)

    for method, error in (("GET", read), ("POST", write)):
        with pytest.raises(PushError) as caught:
            await api.request(method, "/x")
        assert type(caught.value) is error


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
