from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, JiraScenario, RunningSandbox
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]

SCENARIO = JiraScenario()
DOOR = f"/ex/jira/{SCENARIO.cloud_id}"
LOGIN = (SCENARIO.email, SCENARIO.api_token)
SCOPED = {"authorization": f"Bearer {SCENARIO.api_token}"}


def exchange(web: httpx.Client, jira: Jira, token: str, **more: str) -> httpx.Response:
    asked = {
        "grant_type": "refresh_token",
        "client_id": SCENARIO.oauth_client_id,
        "client_secret": SCENARIO.oauth_client_secret,
        "refresh_token": token,
    }
    return web.post(f"{jira.url}/oauth/token", data={**asked, **more})


def test_a_scoped_token_is_good_at_the_gateway_only(
    jira: Jira, web: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.change_scenario(scoped_token=True)
    calls: list[dict[str, Any]] = [{"auth": LOGIN}, {"headers": SCOPED}]
    for credential in calls:
        assert web.get(f"{jira.url}{DOOR}/rest/api/3/myself", **credential).status_code == 200
        assert web.get(f"{jira.url}/rest/api/3/myself", **credential).status_code == 401
    made = web.post(f"{jira.url}{DOOR}/rest/api/3/issue", auth=LOGIN, json=issue())

    assert made.json()["self"].startswith(f"{jira.url}{DOOR}/rest/api/3/issue/")
    assert jira.control.requests("create")[0].path == f"{DOOR}/rest/api/3/issue"


def test_an_unscoped_token_is_good_at_the_site_only(jira: Jira, web: httpx.Client) -> None:
    assert web.get(f"{jira.url}{DOOR}/rest/api/3/myself", auth=LOGIN).status_code == 401
    assert web.get(f"{jira.url}/rest/api/3/myself", auth=LOGIN).status_code == 200


def test_an_unknown_cloud_id_is_answered_in_the_gateways_own_shape(
    jira: Jira, web: httpx.Client
) -> None:
    answer = web.get(f"{jira.url}/ex/jira/nobody/rest/api/3/myself", headers=SCOPED)

    assert answer.status_code == 404
    assert set(answer.json()) == {"timestamp", "status", "error", "message", "path"}


def test_webhooks_name_the_site_whatever_the_entrance(
    jira: Jira, web: httpx.Client, issue: MakeIssue, receiver: Any
) -> None:
    jira.control.change_scenario(scoped_token=True)
    jira.control.send_webhooks_to(f"{receiver.url}/hook")
    web.post(f"{jira.url}{DOOR}/rest/api/3/issue", auth=LOGIN, json=issue())
    jira.control.wait_until_idle()

    assert receiver.bodies[0]["issue"]["self"].startswith(f"{jira.url}/rest/api/2/issue/")


def test_a_refresh_token_gives_an_access_token_and_the_next_refresh_token(
    jira: Jira, web: httpx.Client
) -> None:
    first = exchange(web, jira, SCENARIO.oauth_refresh_token).json()
    second = exchange(web, jira, first["refresh_token"]).json()

    assert first["token_type"] == "Bearer"
    assert first["expires_in"] == 3600
    assert second["refresh_token"] != first["refresh_token"]
    bearers = [{"authorization": f"Bearer {each['access_token']}"} for each in (first, second)]
    for bearer in bearers:
        resources = web.get(f"{jira.url}/oauth/token/accessible-resources", headers=bearer).json()
        assert [each["id"] for each in resources] == [SCENARIO.cloud_id]
        assert web.get(f"{jira.url}{DOOR}/rest/api/3/myself", headers=bearer).status_code == 200
        assert web.get(f"{jira.url}/rest/api/3/myself", headers=bearer).status_code == 401
        assert web.get(f"{jira.url}/rest/api/3/issue/1", headers=bearer).status_code == 401
    jira.control.advance_clock(3600)
    gone = web.get(f"{jira.url}{DOOR}/rest/api/3/myself", headers=bearers[1])
    assert gone.status_code == 401


@pytest.mark.parametrize("grace", [0, 600])
def test_a_spent_refresh_token_is_taken_for_a_short_time_of_grace(
    jira: Jira, web: httpx.Client, grace: int
) -> None:
    jira.control.change_scenario(refresh_grace_seconds=grace)
    exchange(web, jira, SCENARIO.oauth_refresh_token)

    again = exchange(web, jira, SCENARIO.oauth_refresh_token)
    assert again.status_code == (200 if grace else 403)
    if not grace:
        assert again.json()["error"] == "invalid_grant"
    jira.control.advance_clock(601)
    assert exchange(web, jira, SCENARIO.oauth_refresh_token).status_code == 403


def test_a_wrong_client_or_grant_is_refused(jira: Jira, web: httpx.Client) -> None:
    token = SCENARIO.oauth_refresh_token
    wrong_secret = exchange(web, jira, token, client_secret="no")
    wrong_grant = exchange(web, jira, token, grant_type="password")

    assert (wrong_secret.status_code, wrong_secret.json()["error"]) == (401, "access_denied")
    assert (wrong_grant.status_code, wrong_grant.json()["error"]) == (403, "unauthorized_client")
    assert exchange(web, jira, token).status_code == 200


def test_a_reset_brings_the_first_refresh_token_back(jira: Jira, web: httpx.Client) -> None:
    jira.control.change_scenario(refresh_grace_seconds=0)
    exchange(web, jira, SCENARIO.oauth_refresh_token)

    jira.control.reset()

    assert exchange(web, jira, SCENARIO.oauth_refresh_token).status_code == 200


def test_the_cloud_id_is_told_to_everybody(jira: Jira, web: httpx.Client) -> None:
    told = web.get(f"{jira.url}/_edge/tenant_info").json()

    assert told == {"cloudId": SCENARIO.cloud_id}


def test_data_center_has_no_gateway(jira: Jira, web: httpx.Client) -> None:
    jira.control.change_scenario(deployment="data_center")

    assert web.get(f"{jira.url}{DOOR}/rest/api/2/myself").status_code == 404
    assert web.get(f"{jira.url}/_edge/tenant_info").status_code == 404
    assert exchange(web, jira, SCENARIO.oauth_refresh_token).status_code == 404
