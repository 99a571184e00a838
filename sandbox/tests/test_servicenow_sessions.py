from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import RunningSandbox, ServiceNowSandbox

ServiceNow = RunningSandbox[ServiceNowSandbox]
Send = Callable[..., httpx.Response]


CLIENT = {"client_id": "casebridge-client", "client_secret": "servicenow-sandbox-client-secret"}
LOGIN = {"username": "casebridge", "password": "servicenow-sandbox-password"}


@pytest.fixture
def token(servicenow: ServiceNow, web: httpx.Client) -> Send:
    def ask(**form: str) -> httpx.Response:
        return web.post(f"{servicenow.url}/oauth_token.do", data={**CLIENT, **form})

    return ask


@pytest.fixture
def read(servicenow: ServiceNow, web: httpx.Client) -> Send:
    def get(**headers: str) -> httpx.Response:
        return web.get(f"{servicenow.url}/api/now/table/incident", headers=headers)

    return get


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic Y2FzZWJyaWRnZTpvbGQ="},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Digest x"},
        {"x-sn-apikey": "old"},
    ],
)
def test_bad_credentials_are_a_401(
    servicenow: ServiceNow,
    read: Send,
    headers: dict[str, str],
) -> None:
    answer = read(**headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["message"] == "User Not Authenticated"
    assert servicenow.control.requests()[0].actor is None


def test_an_api_key_is_taken(read: Send) -> None:
    assert read(**{"x-sn-apikey": "servicenow-sandbox-key"}).status_code == 200


def test_basic_authentication_can_be_off(servicenow: ServiceNow, incidents: httpx.Client) -> None:
    servicenow.control.change_scenario(basic_auth=False)

    assert incidents.get("/incident").status_code == 401


def test_a_token_lives_for_half_an_hour_and_is_refreshed(
    servicenow: ServiceNow,
    token: Send,
    read: Send,
) -> None:
    granted = token(grant_type="password", **LOGIN).json()
    assert (granted["token_type"], granted["expires_in"]) == ("Bearer", 1799)
    assert read(authorization=f"Bearer {granted['access_token']}").status_code == 200

    servicenow.control.advance_clock(1801)
    assert read(authorization=f"Bearer {granted['access_token']}").status_code == 401

    fresh = token(grant_type="refresh_token", refresh_token=granted["refresh_token"]).json()
    assert fresh["refresh_token"] == granted["refresh_token"]
    assert read(authorization=f"Bearer {fresh['access_token']}").status_code == 200

    servicenow.control.advance_clock(101 * 86_400)
    old = token(grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert old.status_code == 401


def test_a_refresh_token_can_be_for_one_use(
    servicenow: ServiceNow, token: Send, read: Send
) -> None:
    servicenow.control.change_scenario(rotate_refresh_tokens=True)
    first = token(grant_type="password", **LOGIN).json()["refresh_token"]

    fresh = token(grant_type="refresh_token", refresh_token=first).json()

    assert fresh["refresh_token"] != first
    assert read(authorization=f"Bearer {fresh['access_token']}").status_code == 200
    assert token(grant_type="refresh_token", refresh_token=first).status_code == 401
    again = token(grant_type="refresh_token", refresh_token=fresh["refresh_token"])
    assert again.status_code == 200


def test_client_credentials_must_be_switched_on(
    servicenow: ServiceNow,
    token: Send,
    read: Send,
) -> None:
    granted = token(grant_type="client_credentials").json()

    assert "refresh_token" not in granted
    assert read(authorization=f"Bearer {granted['access_token']}").status_code == 200
    servicenow.control.change_scenario(client_credentials=False)
    assert token(grant_type="client_credentials").status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": "casebridge", "password": "old"},
        {"grant_type": "client_credentials", "client_secret": "old"},
        {"grant_type": "refresh_token", "refresh_token": "none"},
        {"grant_type": "telepathy"},
        {},
    ],
)
def test_a_bad_request_for_a_token_is_denied(token: Send, form: dict[str, str]) -> None:
    answer = token(**form)

    assert answer.status_code == 401
    assert answer.json()["error_description"] == "access_denied"


def test_the_log_holds_no_credentials(
    servicenow: ServiceNow,
    token: Send,
    incidents: httpx.Client,
) -> None:
    token(grant_type="password", **LOGIN)
    incidents.get("/incident", params={"sysparm_password": "hush", "sysparm_limit": "1"})

    log = str(servicenow.control.requests())

    assert "servicenow-sandbox" not in log
    assert "hush" not in log
    assert "sysparm_limit=1" in log
