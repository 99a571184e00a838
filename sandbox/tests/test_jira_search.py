from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox
from casebridge_sandbox.exchange import JsonObject
from casebridge_sandbox.jira.jql import JqlError, parse_jql

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]


@pytest.fixture
def api(jira_api: httpx.Client, issue: MakeIssue) -> httpx.Client:
    jira_api.post("/issue", json=issue(summary="First", labels=["case-1", "soc"]))
    jira_api.post("/issue", json=issue(summary="Second", labels=["case-2"]))
    jira_api.post("/issue", json=issue(summary="Third", project={"key": "OPS"}))
    return jira_api


def keys(api: httpx.Client, jql: str, **more: object) -> list[str]:
    answer = api.post("/search/jql", json={"jql": jql, "fields": ["key"], **more})
    assert answer.status_code == 200, answer.text
    return [each["key"] for each in answer.json()["issues"]]


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = SEC", ["SEC-2", "SEC-1"]),
        ('project = SEC AND labels = "case-1"', ["SEC-1"]),
        ("project = 'Security' and labels in (case-1, case-2)", ["SEC-2", "SEC-1"]),
        ("labels not in (case-1)", ["SEC-2"]),
        ("project = SEC AND labels != case-1", ["SEC-2"]),
        ("labels is empty", ["OPS-1"]),
        ("project in (SEC, OPS) AND labels is not EMPTY ORDER BY key ASC", ["SEC-1", "SEC-2"]),
        ("key = sec-1", ["SEC-1"]),
        ("id in (10001, 10003)", ["OPS-1", "SEC-1"]),
        ("issue in (SEC-1)", ["SEC-1"]),
        ("status = 'To Do' AND summary ~ sec", ["SEC-2"]),
        ("statusCategory = 'In Progress'", []),
        ("issuetype = Task AND project = OPS", ["OPS-1"]),
        ("text ~ third", ["OPS-1"]),
        ("assignee is EMPTY AND project = OPS", ["OPS-1"]),
        ("project in (SEC, OPS) ORDER BY summary DESC, created", ["OPS-1", "SEC-2", "SEC-1"]),
        ("updated >= -5m AND project = OPS ORDER BY updated", ["OPS-1"]),
        ("created < '2020-01-01'", []),
        ("created > 1577836800000 AND project = OPS", ["OPS-1"]),
    ],
)
def test_a_query_finds_what_it_says(api: httpx.Client, jql: str, expected: list[str]) -> None:
    assert keys(api, jql) == expected


def test_times_are_compared_to_the_minute(api: httpx.Client) -> None:
    now = datetime.now(UTC)
    earlier = (now - timedelta(minutes=2)).strftime("%Y-%m-%d %H:%M")
    later = (now + timedelta(minutes=2)).strftime("%Y/%m/%d %H:%M")

    assert len(keys(api, f'updated >= "{earlier}"')) == 3
    assert keys(api, f'updated >= "{later}"') == []


def test_only_ids_come_without_a_choice_of_fields(api: httpx.Client) -> None:
    answer = api.get("/search/jql", params={"jql": "key = SEC-1"}).json()

    assert answer == {"issues": [{"id": "10001"}], "isLast": True}


def test_pages_follow_a_token_and_have_no_total(api: httpx.Client) -> None:
    first = api.post("/search/jql", json={"jql": "project = SEC", "maxResults": 1}).json()
    token = first["nextPageToken"]
    second = api.post(
        "/search/jql", json={"jql": "project = SEC", "maxResults": 1, "nextPageToken": token}
    ).json()

    assert first["isLast"] is False
    assert "total" not in first
    assert second["isLast"] is True
    assert "nextPageToken" not in second
    assert first["issues"] != second["issues"]


@pytest.mark.parametrize(
    "body",
    [
        {"jql": ""},
        {"jql": "ORDER BY created"},
        {"jql": "project = SEC", "startAt": 0},
        {"jql": "project = SEC", "maxResults": 0},
        {"jql": "project = SEC", "maxResults": 5001},
        {"jql": "project = SEC", "nextPageToken": "???"},
        {"jql": "project = SEC", "nextPageToken": "aGVsbG8="},
        {"jql": "project = SEC", "nextPageToken": 3},
        {"jql": "project = NOPE"},
        {"jql": "status = Sideways"},
        {"jql": "flavour = sweet"},
        {"jql": "updated >= yesterday"},
        {"jql": "labels > x"},
        {"jql": "project = SEC OR project = OPS"},
    ],
)
def test_a_query_that_jira_does_not_take_is_refused(api: httpx.Client, body: JsonObject) -> None:
    answer = api.post("/search/jql", json=body)

    assert answer.status_code == 400
    assert answer.json()["errorMessages"]


@pytest.mark.parametrize(
    "jql",
    ["project", "project =", "project is x", "project not SEC", "project SEC", "project in SEC",
     "project in (SEC", "project = SEC ORDER created", "project = SEC ORDER BY created x", "=!="],
)  # fmt: skip
def test_a_broken_query_is_an_error(jql: str) -> None:
    with pytest.raises(JqlError, match="Error in the JQL Query"):
        parse_jql(jql)


def test_a_quoted_value_may_hold_quotes() -> None:
    (clause,) = parse_jql(r'summary ~ "a \"quoted\" word"').clauses

    assert clause.values == ('a "quoted" word',)


def test_the_old_search_is_gone_from_cloud(api: httpx.Client) -> None:
    assert api.get("/search", params={"jql": "project = SEC"}).status_code == 410


def test_issues_are_counted(api: httpx.Client) -> None:
    answer = api.post("/search/approximate-count", json={"jql": "project = SEC"})

    assert answer.json() == {"count": 2}


def test_the_index_lags_by_searches(jira: Jira, jira_api: httpx.Client, issue: MakeIssue) -> None:
    jira.control.change_scenario(search_lag_searches=2)
    jira_api.post("/issue", json=issue())

    assert [keys(jira_api, "project = SEC") for _ in range(3)] == [[], [], ["SEC-1"]]


def test_the_index_lags_by_time_for_changes_and_deletions_too(
    jira: Jira, api: httpx.Client
) -> None:
    assert len(keys(api, "project = SEC AND status = 'To Do'")) == 2
    jira.control.change_scenario(search_lag_seconds=5)
    jira.control.move("SEC-1", "Done")
    jira.control.delete("SEC-2")

    assert len(keys(api, "project = SEC AND status = 'To Do'")) == 2
    jira.control.advance_clock(6)
    assert keys(api, "project = SEC AND status = 'To Do'") == []
    assert keys(api, "project = SEC") == ["SEC-1"]


def test_an_issue_that_the_caller_knows_of_is_reconciled(jira: Jira, api: httpx.Client) -> None:
    keys(api, "project = SEC")
    jira.control.change_scenario(search_lag_searches=9)
    jira.control.move("SEC-1", "Done")

    body = {"jql": "key = SEC-1", "fields": ["status"]}
    stale = api.post("/search/jql", json=body).json()
    fresh = api.post("/search/jql", json={**body, "reconcileIssues": [10001]}).json()

    assert stale["issues"][0]["fields"]["status"]["name"] == "To Do"
    assert fresh["issues"][0]["fields"]["status"]["name"] == "Done"
