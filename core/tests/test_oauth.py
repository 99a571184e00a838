"""Access tokens: borne while they are good, renewed in time, and told apart when refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

import httpx
import pytest

from casebridge_core import (
    AuthenticationFailed,
    Connector,
    ConnectorConfig,
    OutcomeUnknown,
    PushError,
    RateLimited,
    Secret,
    UnexpectedResponse,
    VendorUnavailable,
    decode_config,
)
from casebridge_core.http import VendorApi
from casebridge_core.oauth import ACCESS_TOKEN_FIELDS, AccessToken

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

TOKENS = "https://login.acme.example/oauth/token"
API = "https://acme.example/api"
MARKER = "s3cr3t-marker"


class Config(ConnectorConfig, frozen=True, kw_only=True):
    renewed_fields: ClassVar[frozenset[str]] = ACCESS_TOKEN_FIELDS

    refresh_token: Secret
    access_token: Secret | None = None
    access_token_until: float | None = None


class Desk:
    """One connector with a clock that stands still."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.now = 1_000.0
        raw = {"base_url": "https://acme.example", "refresh_token": MARKER}
        self.connector: Connector[Config] = Connector(
            id="1", tenant_id="1", vendor="acme", config=decode_config(Config, raw), http=http
        )

    def token(self) -> AccessToken:
        """Return what one hook uses: like every hook, it begins with the first configuration."""
        return AccessToken(
            self.connector, TOKENS, grant, cure="sign in again", clock=lambda: self.now
        )

    def api(self) -> VendorApi:
        return VendorApi(self.http, API, credential=self.token())


def grant(config: Config) -> Mapping[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": config.refresh_token.reveal()}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with httpx.AsyncClient() as http:
        yield Desk(http)


def granted(number: int, **more: Any) -> dict[str, Any]:
    body = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
    return {**body, "expires_in": 3600, "token_type": "Bearer", **more}


def sent(httpx_mock: HTTPXMock, url: str) -> list[httpx.Request]:
    return [request for request in httpx_mock.get_requests() if str(request.url) == url]


def tokens_sent(httpx_mock: HTTPXMock) -> list[str]:
    forms = [dict(parse_qsl(request.content.decode())) for request in sent(httpx_mock, TOKENS)]
    return [form["refresh_token"] for form in forms]


async def test_a_token_is_fetched_once_and_borne_by_every_request(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1))
    httpx_mock.add_response(url=f"{API}/me", json={}, is_reusable=True)
    api = desk.api()

    await asyncio.gather(api.request("GET", "/me"), api.request("GET", "/me"))
    await desk.api().request("GET", "/me")

    assert tokens_sent(httpx_mock) == [MARKER]
    borne = {request.headers["authorization"] for request in sent(httpx_mock, f"{API}/me")}
    assert borne == {"Bearer access-1"}


async def test_it_is_renewed_a_minute_before_it_expires_with_the_newest_refresh_token(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1))
    httpx_mock.add_response(url=TOKENS, json=granted(2))
    assert await desk.token().headers() == {"Authorization": "Bearer access-1"}

    desk.now += 3539
    assert await desk.token().headers() == {"Authorization": "Bearer access-1"}
    desk.now += 1
    assert await desk.token().headers() == {"Authorization": "Bearer access-2"}

    assert tokens_sent(httpx_mock) == [MARKER, "refresh-1"]


async def test_a_refused_token_is_replaced_and_the_request_sent_again(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1))
    httpx_mock.add_response(url=f"{API}/issue", status_code=401)
    httpx_mock.add_response(url=TOKENS, json=granted(2))
    httpx_mock.add_response(url=f"{API}/issue", json={"id": "7"})

    assert await desk.api().request("POST", "/issue", payload={"x": 1}) == {"id": "7"}

    first, second = sent(httpx_mock, f"{API}/issue")
    assert (first.content, second.content) == (b'{"x":1}', b'{"x":1}')
    assert second.headers["authorization"] == "Bearer access-2"


async def test_a_request_that_is_refused_again_is_refused(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1))
    httpx_mock.add_response(url=TOKENS, json=granted(2))
    httpx_mock.add_response(url=f"{API}/me", status_code=401, is_reusable=True)

    with pytest.raises(AuthenticationFailed):
        await desk.api().request("GET", "/me")


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        ({"status_code": 403, "json": {"error": "invalid_grant"}}, AuthenticationFailed, "sign in"),
        ({"status_code": 400, "json": {"error": "invalid_grant"}}, AuthenticationFailed, "sign in"),
        ({"status_code": 401, "json": {"error": "access_denied"}}, AuthenticationFailed, "client"),
        ({"status_code": 401, "json": {"error": "server_error"}}, AuthenticationFailed, "sign in"),
        ({"status_code": 400, "json": {"error": MARKER}}, UnexpectedResponse, "answered 400"),
        ({"status_code": 403, "html": "<p>Blocked"}, UnexpectedResponse, "answered 403"),
        ({"status_code": 429, "headers": {"Retry-After": "9"}}, RateLimited, "429"),
        ({"status_code": 503}, VendorUnavailable, "503"),
        ({"status_code": 302, "headers": {"Location": "/"}}, UnexpectedResponse, "redirect"),
        ({"html": "<p>Sleeping"}, UnexpectedResponse, "HTML page"),
        ({"json": {"token_type": "Bearer"}}, UnexpectedResponse, "no access token"),
        ({"json": ["access_token"]}, UnexpectedResponse, "no access token"),
    ],
)
async def test_a_refused_grant_says_what_to_do_and_shows_no_secret(
    desk: Desk,
    httpx_mock: HTTPXMock,
    answer: dict[str, Any],
    error: type[PushError],
    told: str,
) -> None:
    body = answer.get("json")
    if isinstance(body, dict):
        body["error_description"] = f"the token {MARKER} is unknown"
    httpx_mock.add_response(url=TOKENS, **answer)

    with pytest.raises(error, match=told) as refused:
        await desk.api().request("POST", "/issue", payload={})

    assert MARKER not in str(refused.value)
    assert not refused.value.uncertain


async def test_a_token_request_that_breaks_off_leaves_the_write_undone(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=TOKENS)

    with pytest.raises(VendorUnavailable):
        await desk.api().request("POST", "/issue", payload={})

    httpx_mock.add_response(url=TOKENS, json=granted(1))
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=f"{API}/issue")
    with pytest.raises(OutcomeUnknown):
        await desk.api().request("POST", "/issue", payload={})


@pytest.mark.parametrize(
    ("expires_in", "good_for"),
    [(3600, 3540), ("3600", 3540), (60, 30), (10, 5), (None, None), ("soon", None), ({}, None)],
)
async def test_the_end_of_a_token_is_read_in_every_notation(
    desk: Desk, httpx_mock: HTTPXMock, expires_in: object, good_for: float | None
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1, expires_in=expires_in))
    token = desk.token()

    await token.headers()

    until = token._config.access_token_until
    assert until == (None if good_for is None else desk.now + good_for)


async def test_a_token_that_is_old_at_once_is_not_asked_for_for_ever(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json=granted(1, expires_in=-5), is_reusable=True)

    with pytest.raises(UnexpectedResponse, match="already expired"):
        await desk.token().headers()

    assert len(sent(httpx_mock, TOKENS)) == 3


async def test_a_vendor_whose_refresh_token_stays_is_no_different(
    desk: Desk, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=TOKENS, json={"access_token": "a", "expires_in": 60})
    httpx_mock.add_response(url=TOKENS, json={"access_token": "b", "expires_in": 60})
    await desk.token().headers()
    desk.now += 60

    assert await desk.token().headers() == {"Authorization": "Bearer b"}
    assert tokens_sent(httpx_mock) == [MARKER, MARKER]
