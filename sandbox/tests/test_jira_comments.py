from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]
MakeText = Callable[[str], JsonObject]


@pytest.fixture
def api(jira_api: httpx.Client, issue: MakeIssue) -> httpx.Client:
    jira_api.post("/issue", json=issue())
    return jira_api


def test_a_comment_is_written_read_edited_and_deleted(
    jira: Jira, api: httpx.Client, adf: MakeText
) -> None:
    made = api.post("/issue/SEC-1/comment", json={"body": adf("One")})

    assert made.status_code == 201
    path = f"/issue/SEC-1/comment/{made.json()['id']}"
    assert made.json()["author"]["accountId"] == "bridge-account"
    assert "jsdPublic" not in made.json()
    assert api.get(path).json()["body"] == adf("One")
    assert api.put(path, json={"body": adf("Two")}).json()["body"] == adf("Two")
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert jira.control.ticket("SEC-1").comments == ()


def test_comments_are_listed_in_pages(api: httpx.Client, adf: MakeText) -> None:
    for number in range(3):
        api.post("/issue/SEC-1/comment", json={"body": adf(str(number))})

    page = api.get(
        "/issue/SEC-1/comment", params={"startAt": 1, "maxResults": 1, "orderBy": "-created"}
    ).json()

    assert (page["total"], page["startAt"], page["maxResults"]) == (3, 1, 1)
    assert page["comments"][0]["body"] == adf("1")


@pytest.mark.parametrize("body", ["text", None, {"type": "doc"}, {"type": "doc", "version": 1}])
def test_a_comment_that_is_not_a_document_is_refused(api: httpx.Client, body: object) -> None:
    refused = api.post("/issue/SEC-1/comment", json={"body": body})

    assert refused.status_code == 400
    assert refused.json()["errors"] == {"comment": "Comment body is not valid!"}


def test_a_comment_has_a_text_of_some_length(api: httpx.Client, adf: MakeText) -> None:
    assert api.post("/issue/SEC-1/comment", json={"body": adf("   ")}).status_code == 400
    too_long = {"body": adf("x" * 32_768)}
    assert api.post("/issue/SEC-1/comment", json=too_long).status_code == 400


def test_version_2_takes_a_string(jira: Jira, api: httpx.Client) -> None:
    address = f"{jira.url}/rest/api/2/issue/SEC-1/comment"

    assert api.post(address, json={"body": "*bold*"}).json()["body"] == "*bold*"
    assert api.post(address, json={"body": {"type": "doc"}}).status_code == 400


def test_in_a_service_desk_a_comment_is_public_unless_said_otherwise(
    jira: Jira, api: httpx.Client, adf: MakeText
) -> None:
    jira.control.change_scenario(service_desk=True)
    internal = {"properties": [{"key": "sd.public.comment", "value": {"internal": True}}]}

    public = api.post("/issue/SEC-1/comment", json={"body": adf("Hello")})
    private = api.post("/issue/SEC-1/comment", json={"body": adf("Hush"), **internal})

    assert public.json()["jsdPublic"] is True
    assert private.json()["jsdPublic"] is False
    assert [each.internal for each in jira.control.ticket("SEC-1").comments] == [False, True]


def test_without_the_permission_commenting_is_forbidden(
    jira: Jira, api: httpx.Client, adf: MakeText
) -> None:
    jira.control.change_scenario(denied_permissions=["ADD_COMMENTS"])

    assert api.post("/issue/SEC-1/comment", json={"body": adf("x")}).status_code == 403


def test_an_issue_that_may_not_be_seen_is_not_there(jira: Jira, api: httpx.Client) -> None:
    jira.control.change_scenario(denied_permissions=["BROWSE_PROJECTS"])

    assert api.get("/issue/SEC-1/comment").status_code == 404
