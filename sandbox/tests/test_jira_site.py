from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, JiraScenario, RunningSandbox, WebhookReceiver, running
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic !!!",
        "Basic " + base64.b64encode(b"bridge@example.com:old").decode(),
        "Digest x",
    ],
)
def test_cloud_takes_bad_credentials_for_none(
    jira: Jira,
    jira_api: httpx.Client,
    web: httpx.Client,
    issue: MakeIssue,
    authorization: str | None,
) -> None:
    jira_api.post("/issue", json=issue())

    def call(method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": authorization} if authorization else {}
        return web.request(method, f"{jira.url}/rest/api/3{path}", headers=headers, **more)

    read = call("GET", "/issue/SEC-1")
    created = call("POST", "/issue", json=issue())
    found = call("POST", "/search/jql", json={"jql": "project = SEC"})
    project = call("GET", "/project/SEC")
    myself = call("GET", "/myself")
    server = call("GET", "/serverInfo")

    assert read.status_code == 404
    assert "do not have permission" in read.json()["errorMessages"][0]
    assert created.status_code == 400
    assert list(created.json()["errors"]) == ["project"]
    assert (found.status_code, found.json()["issues"]) == (200, [])
    assert project.status_code == 404
    assert myself.status_code == 401
    assert server.json()["deploymentType"] == "Cloud"
    assert jira.control.requests("fetch")[0].actor is None


def test_myself_is_the_account_of_the_token(jira_api: httpx.Client) -> None:
    assert jira_api.get("/myself").json()["accountId"] == "bridge-account"


def test_a_bearer_token_is_taken(jira: Jira, web: httpx.Client) -> None:
    headers = {"authorization": "Bearer jira-sandbox-token"}

    answer = web.get(f"{jira.url}/rest/api/3/myself", headers=headers)

    assert answer.status_code == 200


def test_data_center_has_version_2_a_context_path_and_its_own_search(
    issue: MakeIssue, web: httpx.Client
) -> None:
    scenario = JiraScenario(deployment="data_center", context_path="/jira")
    with (
        running(JiraSandbox(scenario)) as vendor,
        httpx.Client(
            base_url=f"{vendor.url}/rest/api/2",
            headers={"authorization": "Bearer jira-sandbox-token"},
        ) as api,
    ):
        made = api.post("/issue", json=issue(description="h1. Plain", labels=["case-1"]))
        document = api.post("/issue", json=issue(description={"type": "doc"}))
        found = api.get("/search", params={"jql": "labels = case-1", "fields": "key"})
        paged = api.post("/search", json={"jql": "", "startAt": 1, "maxResults": 10})
        myself = api.get("/myself")
        assigned = api.put("/issue/SEC-1", json={"fields": {"assignee": {"name": "ada"}}})
        types = api.get("/issue/createmeta/SEC/issuetypes")
        fields = api.get("/issue/createmeta/SEC/issuetypes/10001")
        not_here = [
            api.get(f"{vendor.url}/rest/api/3/myself").status_code,
            api.get("/search/jql", params={"jql": "key = SEC-1"}).status_code,
            api.post("/search/approximate-count", json={"jql": "key = SEC-1"}).status_code,
            web.get(vendor.url.removesuffix("/jira") + "/rest/api/2/myself").status_code,
        ]
        stranger = web.get(f"{vendor.url}/rest/api/2/issue/SEC-1")
        info = web.get(f"{vendor.url}/rest/api/2/serverInfo").json()
        page = web.get(f"{vendor.url}/browse/SEC-1")
        moved_to = web.get(vendor.url.removesuffix("/jira") + "/").headers["location"]
        seen = vendor.control.ticket("SEC-1")

    assert vendor.url.endswith("/jira")
    assert made.json()["self"] == f"{vendor.url}/rest/api/2/issue/10001"
    assert made.headers["retry-after"] == "0"
    assert made.headers["x-ratelimit-fillrate"]
    assert document.status_code == 400
    assert found.json()["total"] == 1
    assert found.json()["issues"][0]["key"] == "SEC-1"
    assert (paged.json()["total"], paged.json()["issues"]) == (1, [])
    assert myself.json()["name"] == "bridge"
    assert "accountId" not in myself.json()
    assert assigned.status_code == 204
    assert next(each["name"] for each in types.json()["values"]) == "Task"
    assert fields.json()["values"]
    assert not_here == [404, 404, 404, 404]
    assert stranger.status_code == 401
    assert (info["deploymentType"], info["versionNumbers"]) == ("Server", [10, 3, 0])
    assert "h1. Plain" not in page.text
    assert moved_to == "/jira/"
    assert (seen.description, seen.assignee) == ("h1. Plain", "Ada Analyst")


def test_basic_authentication_can_be_off(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.change_scenario(basic_auth=False)

    assert jira_api.get("/myself").status_code == 401


def test_the_site_describes_itself(jira: Jira, jira_api: httpx.Client) -> None:
    def get(path: str, **params: str) -> httpx.Response:
        return jira_api.get(path, params=params)

    assert next(each["name"] for each in get("/priority/search").json()["values"]) == "Highest"
    assert get("/priority").json()[0]["name"] == "Highest"
    assert get("/resolution").json()[0]["name"] == "Done"
    assert {each["name"] for each in get("/status").json()} >= {"To Do", "In Review"}
    assert [each["key"] for each in get("/project/search").json()["values"]] == ["SEC", "OPS"]
    assert get("/project/SEC").json()["name"] == "Security"
    assert get("/project/10000").json()["key"] == "SEC"
    assert get("/project/NOPE").status_code == 404
    statuses = get("/project/SEC/statuses").json()
    assert [each["name"] for each in statuses[0]["statuses"]][-1] == "Done"
    types = get("/issue/createmeta/SEC/issuetypes").json()["issueTypes"]
    assert types[0]["name"] == "Task"
    fields = get(f"/issue/createmeta/SEC/issuetypes/{types[0]['id']}").json()["fields"]
    required = {each["fieldId"] for each in fields if each["required"]}
    assert required == {"summary", "issuetype", "project"}
    assert get("/issue/createmeta/SEC/issuetypes/1").status_code == 404
    jira.control.change_scenario(denied_permissions=["ADD_COMMENTS", "BROWSE_PROJECTS"])
    permissions = get("/mypermissions", permissions="ADD_COMMENTS,CREATE_ISSUES").json()
    has = {key: each["havePermission"] for key, each in permissions["permissions"].items()}
    assert has == {"ADD_COMMENTS": False, "CREATE_ISSUES": True}
    assert get("/project/SEC").status_code == 404


def test_unknown_paths_and_methods_answer_in_other_shapes(
    jira: Jira, jira_api: httpx.Client
) -> None:
    unknown = jira_api.get("/nonsense")

    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert set(unknown.json()) == {"type", "title", "status", "detail", "instance"}
    assert jira_api.delete("/myself").status_code == 405
    assert jira_api.get(f"{jira.url}/rest/api/9/myself").status_code == 404


def test_an_administrator_registers_webhooks(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    receiver: WebhookReceiver,
) -> None:
    address = f"{jira.url}/rest/webhooks/1.0/webhook"
    made = jira_api.post(
        address,
        json={
            "name": "Casebridge",
            "url": f"{receiver.url}/hook",
            "events": ["jira:issue_created"],
            "filters": {"issue-related-events-section": "project = SEC"},
            "secret": "s3cret",
        },
    )
    jira_api.post("/issue", json=issue(project={"key": "OPS"}))
    jira_api.post("/issue", json=issue())
    jira.control.move("SEC-1", "Done")
    jira.control.wait_until_idle()

    assert made.status_code == 201
    assert made.json()["isSigned"] is True
    assert "s3cret" not in jira_api.get(address).text
    assert [each["issue"]["key"] for each in receiver.bodies] == ["SEC-1"]
    assert jira_api.get(f"{jira.url}/rest/jira-webhook/1.0/webhooks").status_code == 404
    assert jira_api.post(address, json={"url": "nowhere"}).status_code == 400
    bad_filter = {"issue-related-events-section": "project ="}
    refused = jira_api.post(address, json={"url": receiver.url, "filters": bad_filter})
    assert refused.status_code == 400
    assert jira_api.delete(f"{address}/1").status_code == 204
    assert jira_api.delete(f"{address}/1").status_code == 404
    jira.control.change_scenario(denied_permissions=["ADMINISTER"])
    assert jira_api.get(address).status_code == 403


def test_the_server_tells_its_time_and_version(jira: Jira, jira_api: httpx.Client) -> None:
    jira.control.change_scenario(clock_ahead_seconds=3600)
    told = jira_api.get("/serverInfo").json()
    ahead = datetime.fromisoformat(told["serverTime"]) - datetime.now(UTC)
    assert 3500 < ahead.total_seconds() < 3700
    jira.control.change_scenario(deployment="data_center", version="9.12.1")
    server = httpx.get(f"{jira.url}/rest/api/2/serverInfo").json()
    assert (server["version"], server["versionNumbers"]) == ("9.12.1", [9, 12, 1])


def test_jql_reads_dates_in_the_time_zone_of_the_account(
    jira: Jira, jira_api: httpx.Client
) -> None:
    jira.control.change_scenario(time_zone="Pacific/Auckland")
    assert jira_api.get("/myself").json()["timeZone"] == "Pacific/Auckland"
    jira.control.create_ticket("Phishing mail")

    def found(moment: datetime) -> int:
        jql = f'updated >= "{moment:%Y-%m-%d %H:%M}"'
        return len(jira_api.post("/search/jql", json={"jql": jql}).json()["issues"])

    there = datetime.now(ZoneInfo("Pacific/Auckland"))
    assert found(there - timedelta(minutes=2)) == 1
    assert found(there + timedelta(minutes=2)) == 0


def test_a_near_limit_is_told_with_every_answer(jira: Jira, jira_api: httpx.Client) -> None:
    assert "x-ratelimit-nearlimit" not in jira_api.get("/myself").headers
    jira.control.change_scenario(near_limit_seconds=30)
    headers = jira_api.get("/myself").headers
    assert headers["x-ratelimit-nearlimit"] == "true"
    assert headers["x-ratelimit-reset"].endswith("Z")


def test_an_old_server_lists_webhooks_elsewhere_and_signs_none(
    jira: Jira, receiver: WebhookReceiver
) -> None:
    jira.control.change_scenario(deployment="data_center", version="9.12.1")
    jira.control.send_webhooks_to(f"{receiver.url}/hook", secret="s3cret")
    bearer = {"authorization": "Bearer jira-sandbox-token"}
    listed = httpx.get(f"{jira.url}/rest/webhooks/1.0/webhook", headers=bearer).json()
    newer = httpx.get(f"{jira.url}/rest/jira-webhook/1.0/webhooks", headers=bearer)
    jira.control.create_ticket("Phishing mail")
    jira.control.wait_until_idle()

    assert [each["isSigned"] for each in listed] == [False]
    assert newer.status_code == 404
    assert "x-hub-signature" not in receiver.received[0].headers
