"""Signing in: each way puts its credential where ServiceNow wants it."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    Connector,
    PushError,
    RateLimited,
    TicketRef,
    UnexpectedResponse,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_core.connectors import Exchange, changed_config
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]
TLS = ssl.create_default_context()
CLIENT = {"client_id": "c-1", "client_secret": "s3cret-of-client"}


async def test_basic_and_api_key(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
    row: Callable[..., dict[str, Any]],
) -> None:
    httpx_mock.add_response(json={"result": row()}, is_reusable=True)

    await hooks.fetch_ticket(connector_with(), ref)
    await hooks.fetch_ticket(connector_with(password=None, api_key="k-1"), ref)

    basic, key = httpx_mock.get_requests()
    assert basic.headers["authorization"].startswith("Basic ")
    assert key.headers["x-sn-apikey"] == "k-1"
    assert "authorization" not in key.headers


@pytest.mark.parametrize(
    ("password", "grant"), [(None, "client_credentials"), ("correct horse", "password")]
)
async def test_one_token_serves_every_request_of_a_hook(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    password: str | None,
    grant: str,
) -> None:
    httpx_mock.add_response(
        method="POST",
        url="https://example.service-now.com/oauth_token.do",
        json={"access_token": "t-1", "expires_in": 1799, "token_type": "Bearer"},
    )
    httpx_mock.add_response(method="GET", json={"result": []}, is_reusable=True)

    await hooks.check_connection(connector_with(password=password, **CLIENT))

    token, *others = httpx_mock.get_requests()
    form = {name: values[0] for name, values in parse_qs(token.content.decode()).items()}
    assert form["grant_type"] == grant
    assert (form["client_id"], form["client_secret"]) == ("c-1", "s3cret-of-client")
    assert form.get("password") == password
    *signed, clock = others
    assert {request.headers["authorization"] for request in signed} == {"Bearer t-1"}
    assert "authorization" not in clock.headers


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status_code": 401, "json": {"error": "invalid_client"}}, AuthenticationFailed),
        ({"status_code": 400, "json": {"error": "access_denied"}}, AuthenticationFailed),
        (
            {
                "status_code": 401,
                "json": {"error": "server_error", "error_description": "access_denied"},
            },
            AuthenticationFailed,
        ),
        ({"status_code": 401}, UnexpectedResponse),
        ({"status_code": 429}, RateLimited),
        ({"status_code": 502}, VendorUnavailable),
        ({"html": "<title>Instance Hibernating page</title>"}, VendorUnavailable),
        ({"json": {"token_type": "Bearer"}}, UnexpectedResponse),
        ({"json": []}, UnexpectedResponse),
    ],
)
async def test_no_token_is_told_and_nothing_is_sent(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
    answer: dict[str, Any],
    kind: type[PushError],
) -> None:
    httpx_mock.add_response(**answer)

    with pytest.raises(kind) as failed:
        await hooks.fetch_ticket(connector_with(password=None, **CLIENT), ref)

    assert type(failed.value) is kind
    assert "s3cret-of-client" not in str(failed.value)
    assert len(httpx_mock.get_requests()) == 1


TOKEN_URL = "https://example.service-now.com/oauth_token.do"


async def test_a_token_that_is_refused_is_renewed_once_and_the_request_sent_once_more(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    projection: CaseProjection,
    row: Callable[..., dict[str, Any]],
) -> None:
    for token in ("t-1", "t-2"):
        httpx_mock.add_response(url=TOKEN_URL, json={"access_token": token, "expires_in": 1799})
    refusal = {"error": {"message": "User Not Authenticated"}}
    httpx_mock.add_response(method="POST", status_code=401, json=refusal)
    httpx_mock.add_response(method="POST", status_code=201, json={"result": row()})

    result = await hooks.push_case(connector_with(password=None, **CLIENT), projection)

    assert result.created
    creates = [each for each in httpx_mock.get_requests() if each.url != TOKEN_URL]
    assert [each.headers["authorization"] for each in creates] == ["Bearer t-1", "Bearer t-2"]
    assert creates[0].content == creates[1].content


async def test_a_credential_that_is_refused_twice_pauses_the_connector(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
) -> None:
    httpx_mock.add_response(url=TOKEN_URL, json={"access_token": "t"}, is_reusable=True)
    httpx_mock.add_response(method="GET", status_code=401, is_reusable=True)

    with pytest.raises(AuthenticationFailed) as refused:
        await hooks.fetch_ticket(connector_with(password=None, **CLIENT), ref)

    assert refused.value.pauses_connector
    assert len(httpx_mock.get_requests()) == 4


def settings_for(sandbox: Sandbox, grant: str) -> dict[str, Any]:
    """Return what signs in at the stand-in ServiceNow by an OAuth grant."""
    scenario = sandbox.sandbox.scenario
    client = {"client_id": scenario.client_id, "client_secret": scenario.client_secret}
    if grant == "password":
        return client
    if grant == "client_credentials":
        return client | {"password": None}
    login = {"username": scenario.user_name, "password": scenario.password}
    form = {"grant_type": "password", **client, **login}
    granted = httpx.post(f"{sandbox.url}/oauth_token.do", data=form, verify=TLS).json()
    return client | {"password": None, "refresh_token": granted["refresh_token"]}


@pytest.mark.parametrize("grant", ["password", "client_credentials", "refresh_token"])
async def test_oauth_over_real_http(
    sandbox: Sandbox, hooks: VendorHooks, connect: Callable[..., ServiceNow], grant: str
) -> None:
    sandbox.control.change_scenario(basic_auth=False)
    settings = settings_for(sandbox, grant)

    account = await hooks.identify_account(connect(**settings))

    assert account.id == sandbox.sandbox.scenario.user_name
    with pytest.raises(AuthenticationFailed, match="client id and the client secret"):
        await hooks.identify_account(connect(**settings | {"client_secret": "wrong"}))


async def test_the_account_is_the_credentials_and_not_what_the_settings_name(
    sandbox: Sandbox, hooks: VendorHooks, connect: Callable[..., ServiceNow]
) -> None:
    key = {"password": None, "api_key": sandbox.sandbox.scenario.api_key}
    connector = connect(username="ada.analyst", **key)

    account = await hooks.identify_account(connector)
    report = await hooks.check_connection(connector)

    assert account.id == sandbox.sandbox.scenario.user_name
    signed_in = next(line for line in report.lines if line.name == "Signed in")
    assert signed_in.ok is False
    assert signed_in.cure.startswith(f"set username to {account.id}")


@pytest.mark.parametrize("rotates", [True, False])
async def test_a_refresh_token_goes_on_for_months_whether_it_is_replaced_or_not(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    *,
    rotates: bool,
) -> None:
    sandbox.control.change_scenario(basic_auth=False, rotate_refresh_tokens=rotates)
    settings = settings_for(sandbox, "refresh_token")
    connector = connect(**settings)
    kept: list[dict[str, Any]] = []

    async def renew(stale: ServiceNowConfig, exchange: Exchange, /) -> ServiceNowConfig:
        changes = await exchange(stale)
        kept.append(dict(changes))
        return changed_config(stale, changes)

    for _ in range(3):
        stored = changed_config(connector.config, kept[-1] if kept else {})
        connector = dataclasses.replace(connector, config=stored, renew=renew)
        await hooks.identify_account(connector)
        sandbox.control.advance_clock(1801)

    assert len(kept) == 3
    assert len({changes["refresh_token"] for changes in kept}) == (3 if rotates else 1)
    assert (settings["refresh_token"] in {c["refresh_token"] for c in kept}) is not rotates


async def test_a_refresh_token_that_has_run_out_says_what_to_do(
    sandbox: Sandbox, hooks: VendorHooks, connect: Callable[..., ServiceNow]
) -> None:
    settings = settings_for(sandbox, "refresh_token")
    sandbox.control.advance_clock(101 * 86_400)

    with pytest.raises(AuthenticationFailed, match="have the user grant access again") as refused:
        await hooks.identify_account(connect(**settings))

    assert settings["refresh_token"] not in str(refused.value)
