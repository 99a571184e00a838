"""Signing in: each way puts its credential where ServiceNow wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from casebridge_core import (
    AuthenticationFailed,
    Connector,
    PushError,
    RateLimited,
    TicketRef,
    UnexpectedResponse,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

    from casebridge_sandbox import RunningSandbox, ServiceNowSandbox

ServiceNow = Connector[ServiceNowConfig]
CLIENT = {"client_id": "c-1", "client_secret": "client secret"}


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
    assert (form["client_id"], form["client_secret"]) == ("c-1", "client secret")
    assert form.get("password") == password
    *signed, clock = others
    assert {request.headers["authorization"] for request in signed} == {"Bearer t-1"}
    assert "authorization" not in clock.headers


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status_code": 401, "json": {"error": "invalid_client"}}, AuthenticationFailed),
        ({"status_code": 400, "json": {"error": "access_denied"}}, AuthenticationFailed),
        ({"status_code": 401}, AuthenticationFailed),
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
    assert "client secret" not in str(failed.value)
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize("by_password", [True, False])
async def test_oauth_over_real_http(
    sandbox: RunningSandbox[ServiceNowSandbox],
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    *,
    by_password: bool,
) -> None:
    scenario = sandbox.sandbox.scenario
    sandbox.control.change_scenario(basic_auth=False)
    client = {"client_id": scenario.client_id, "client_secret": scenario.client_secret}
    settings = client if by_password else {"password": None, **client}

    account = await hooks.identify_account(connect(**settings))

    assert account.id == scenario.user_name
    with pytest.raises(AuthenticationFailed):
        await hooks.identify_account(connect(**settings | {"client_secret": "wrong"}))
