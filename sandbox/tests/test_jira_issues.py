from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]
MakeText = Callable[[str], JsonObject]


def test_a_created_issue_has_a_numeric_id_a_key_and_an_address(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    first = jira_api.post("/issue", json=issue())
    second = jira_api.post("/issue", json=issue())

    assert first.status_code == 201
    assert first.json() == {
        "id": "10001",
        "key": "SEC-1",
        "self": f"{jira.url}/rest/api/3/issue/10001",
    }
    assert second.json()["key"] == "SEC-2"


def test_an_issue_is_found_by_id_and_by_key(
    jira_api: httpx.Client, issue: MakeIssue, adf: MakeText
) -> None:
    jira_api.post("/issue", json=issue(description=adf("Three clicks"), labels=["case-1"]))

    by_id = jira_api.get("/issue/10001").json()
    by_key = jira_api.get("/issue/SEC-1").json()

    assert by_id == by_key
    fields = by_key["fields"]
    assert fields["summary"] == "Phishing mail"
    assert fields["description"] == adf("Three clicks")
    assert fields["labels"] == ["case-1"]
    assert fields["priority"]["name"] == "Medium"
    assert fields["status"]["name"] == "To Do"
    assert fields["status"]["statusCategory"]["key"] == "new"


def test_version_2_reads_texts_as_wiki_markup(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    adf: MakeText,
) -> None:
    jira_api.post("/issue", json=issue(description=adf("Three clicks")))

    read = jira_api.get(f"{jira.url}/rest/api/2/issue/SEC-1").json()

    assert read["fields"]["description"] == "Three clicks"


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"project": {"key": "NOPE"}}, "project", "Specify a valid project ID or key"),
        ({"project": None}, "project", "Specify a valid project ID or key"),
        ({"issuetype": None}, "issuetype", "Specify an issue type"),
        ({"issuetype": {"name": "Epic"}}, "issuetype", "Specify a valid issue type"),
        ({"issuetype": {"id": "99"}}, "issuetype", "Specify a valid issue type"),
        (
            {"customfield_1": "x"},
            "customfield_1",
            "Field 'customfield_1' cannot be set. It is not on the appropriate screen, or unknown.",
        ),
        (
            {"labels": ["x y"]},
            "labels",
            "The label 'x y' contains spaces which is invalid.",
        ),
        ({"labels": ["l" * 256]}, "labels", None),
        ({"labels": "one"}, "labels", None),
        ({"summary": "s" * 256}, "summary", "Summary must be less than 255 characters."),
        ({"summary": "two\nlines"}, "summary", None),
        ({"summary": "  "}, "summary", "You must specify a summary of the issue."),
        ({"description": "plain"}, "description", None),
        ({"priority": {"name": "P1"}}, "priority", None),
        ({"priority": {"id": "9"}}, "priority", None),
        ({"priority": "High"}, "priority", None),
        ({"assignee": {"accountId": "nobody"}}, "assignee", None),
        ({"assignee": "ada"}, "assignee", None),
    ],
)
def test_a_field_that_jira_does_not_take_is_named(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    fields: JsonObject,
    field: str,
    text: str | None,
) -> None:
    answer = jira_api.post("/issue", json=issue(**fields))

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert text is None or answer.json()["errors"][field] == text
    assert jira.control.tickets() == []


def test_an_empty_text_node_makes_a_document_invalid(
    jira_api: httpx.Client, issue: MakeIssue, adf: MakeText
) -> None:
    assert jira_api.post("/issue", json=issue(description=adf(""))).status_code == 400


def test_a_text_has_a_greatest_length(
    jira_api: httpx.Client, issue: MakeIssue, adf: MakeText
) -> None:
    longest, too_long = adf("x" * 32_767), adf("x" * 32_768)

    assert jira_api.post("/issue", json=issue(description=longest)).status_code == 201
    refused = jira_api.post("/issue", json=issue(description=too_long))
    assert refused.json()["errors"]["description"] == (
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
    )


def test_a_body_that_is_not_json_has_messages_only(jira_api: httpx.Client) -> None:
    answer = jira_api.post("/issue", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["errorMessages"]


def test_a_required_field_of_the_site_is_required(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.change_scenario(required_fields=["duedate"])

    refused = jira_api.post("/issue", json=issue())
    taken = jira_api.post("/issue", json=issue(duedate="2026-12-01"))

    assert refused.json()["errors"] == {"duedate": "Duedate is required."}
    assert taken.status_code == 201


def test_a_priority_that_is_not_on_the_screen_is_refused(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.change_scenario(create_screen=["description", "labels"])

    refused = jira_api.post("/issue", json=issue(priority={"name": "High"}))

    assert "cannot be set" in refused.json()["errors"]["priority"]


def test_without_the_permission_creation_is_forbidden(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.change_scenario(denied_permissions=["CREATE_ISSUES"])

    assert jira_api.post("/issue", json=issue()).status_code == 403


def test_fields_can_be_chosen(jira_api: httpx.Client, issue: MakeIssue) -> None:
    jira_api.post("/issue", json=issue())

    def fields(value: str) -> set[str]:
        return set(jira_api.get("/issue/SEC-1", params={"fields": value}).json()["fields"])

    assert fields("summary,status,nonsense") == {"summary", "status"}
    assert "summary" not in fields("-summary")
    assert {"summary", "comment"} <= fields("*all")


def test_an_unknown_issue_is_a_404_with_a_text(jira_api: httpx.Client) -> None:
    answer = jira_api.get("/issue/SEC-9")

    assert answer.status_code == 404
    assert answer.json()["errorMessages"] == [
        "Issue does not exist or you do not have permission to see it."
    ]


def test_properties_are_set_at_creation_and_later(jira_api: httpx.Client, issue: MakeIssue) -> None:
    body = {**issue(), "properties": [{"key": "aisoc", "value": {"case": "1"}}]}
    jira_api.post("/issue", json=body)

    assert jira_api.get("/issue/SEC-1/properties/aisoc").json()["value"] == {"case": "1"}
    assert jira_api.put("/issue/SEC-1/properties/aisoc", json={"case": "2"}).status_code == 200
    assert jira_api.put("/issue/SEC-1/properties/more", json=1).status_code == 201
    shown = jira_api.get("/issue/SEC-1", params={"properties": "aisoc"}).json()
    assert shown["properties"] == {"aisoc": {"case": "2"}}
    assert jira_api.get("/issue/SEC-1/properties/none").status_code == 404
    assert jira_api.put("/issue/SEC-1/properties/big", json="x" * 33_000).status_code == 400
    assert jira_api.put(f"/issue/SEC-1/properties/{'k' * 256}", json=1).status_code == 400


@pytest.mark.parametrize("properties", ["x", [{"value": 1}]])
def test_malformed_properties_are_refused(
    jira_api: httpx.Client, issue: MakeIssue, properties: object
) -> None:
    answer = jira_api.post("/issue", json={**issue(), "properties": properties})

    assert answer.status_code == 400


def test_a_failing_transition_does_not_undo_a_creation(
    jira_api: httpx.Client, issue: MakeIssue
) -> None:
    moved = jira_api.post("/issue", json={**issue(), "transition": {"id": "21"}}).json()
    stuck = jira_api.post("/issue", json={**issue(), "transition": {"id": "99"}}).json()

    assert moved["transition"]["status"] == 200
    assert stuck["transition"]["status"] == 400
    assert stuck["transition"]["errorCollection"]["errorMessages"]
    assert jira_api.get("/issue/SEC-2").json()["fields"]["status"]["name"] == "To Do"


def test_an_edit_changes_fields_and_ignores_a_transition(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    adf: MakeText,
) -> None:
    jira_api.post("/issue", json=issue(labels=["a"]))

    answer = jira_api.put(
        "/issue/SEC-1",
        json={
            "fields": {
                "summary": "Renamed",
                "description": adf("New"),
                "assignee": {"accountId": "ada-account"},
            },
            "update": {"labels": [{"add": "b"}, {"remove": "a"}, {"add": "c"}]},
            "transition": {"id": "31"},
        },
    )

    assert (answer.status_code, answer.content) == (204, b"")
    seen = jira.control.ticket("SEC-1")
    assert (seen.summary, seen.description) == ("Renamed", "New")
    assert seen.fields["labels"] == ["b", "c"]
    assert seen.assignee == "Ada Analyst"
    assert seen.status == "To Do"


def test_an_edit_can_take_away_the_assignee_and_keeps_it_otherwise(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue(assignee={"accountId": "ada-account"}))

    jira_api.put("/issue/SEC-1", json={"fields": {"summary": "Other"}})
    assert jira.control.ticket("SEC-1").assignee == "Ada Analyst"

    jira_api.put("/issue/SEC-1", json={"fields": {"assignee": None}})
    assert jira.control.ticket("SEC-1").assignee is None


def test_an_edit_refuses_a_field_in_both_parts_and_bad_values(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())

    both = {"fields": {"labels": ["a"]}, "update": {"labels": [{"set": ["b"]}]}}
    assert "both" in jira_api.put("/issue/SEC-1", json=both).json()["errors"]["labels"]
    bad = {"fields": {"labels": ["a b"]}}
    assert jira_api.put("/issue/SEC-1", json=bad).status_code == 400
    jira.control.change_scenario(denied_permissions=["EDIT_ISSUES"])
    assert jira_api.put("/issue/SEC-1", json={"fields": {}}).status_code == 403


def test_a_deleted_issue_is_gone(jira: Jira, jira_api: httpx.Client, issue: MakeIssue) -> None:
    jira_api.post("/issue", json=issue())
    jira.control.change_scenario(denied_permissions=["DELETE_ISSUES"])
    assert jira_api.delete("/issue/SEC-1").status_code == 403
    jira.control.change_scenario(denied_permissions=[])

    assert jira_api.delete("/issue/SEC-1").status_code == 204
    assert jira_api.get("/issue/SEC-1").status_code == 404


def test_a_remote_link_is_replaced_by_its_global_id(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())
    link = {"globalId": "case=1", "object": {"url": "https://soc.example/1", "title": "Case 1"}}

    made = jira_api.post("/issue/SEC-1/remotelink", json=link)
    link["object"] = {"url": "https://soc.example/1", "title": "Case 1, renamed"}
    replaced = jira_api.post("/issue/SEC-1/remotelink", json=link)

    assert (made.status_code, replaced.status_code) == (201, 200)
    assert made.json()["id"] == replaced.json()["id"] == 10001
    assert [each.title for each in jira.control.ticket("SEC-1").links] == ["Case 1, renamed"]
    assert len(jira_api.get("/issue/SEC-1/remotelink").json()) == 1
    chosen = jira_api.get("/issue/SEC-1/remotelink", params={"globalId": "case=1"})
    assert chosen.json()["object"]["title"] == "Case 1, renamed"
    none = jira_api.get("/issue/SEC-1/remotelink", params={"globalId": "case=2"})
    assert none.status_code == 404


@pytest.mark.parametrize(
    "link",
    [
        {},
        {"object": {"url": "https://soc.example/1"}},
        {"globalId": "x" * 256, "object": {"url": "https://soc.example/1", "title": "t"}},
    ],
)
def test_a_bad_remote_link_is_refused(
    jira_api: httpx.Client, issue: MakeIssue, link: JsonObject
) -> None:
    jira_api.post("/issue", json=issue())

    assert jira_api.post("/issue/SEC-1/remotelink", json=link).status_code == 400


def test_one_issue_takes_only_so_many_writes_in_a_window(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    adf: MakeText,
) -> None:
    jira_api.post("/issue", json=issue())
    # The create counts as well.
    jira.control.change_scenario(issue_writes=3, issue_write_window_seconds=60)

    def write() -> httpx.Response:
        return jira_api.post("/issue/SEC-1/comment", json={"body": adf("x")})

    assert [write().status_code for _ in range(3)] == [201, 201, 429]
    refused = write()
    assert refused.headers["ratelimit-reason"] == "jira-per-issue-on-write"
    assert refused.headers["retry-after"] == "60"
    jira.control.advance_clock(61)
    assert write().status_code == 201


def test_a_longer_window_has_a_limit_of_its_own(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue, adf: MakeText
) -> None:
    jira.control.change_scenario(issue_writes=2, issue_writes_long=3)
    jira_api.post("/issue", json=issue())

    def write() -> httpx.Response:
        jira.control.advance_clock(2)
        return jira_api.post("/issue/SEC-1/comment", json={"body": adf("x")})

    assert [write().status_code for _ in range(3)] == [201, 201, 429]
    assert write().headers["retry-after"] == "30"
    jira.control.advance_clock(25)
    assert write().status_code == 201


def test_an_issue_takes_only_so_many_comments(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue, adf: MakeText
) -> None:
    jira.control.change_scenario(most_comments=1)
    jira_api.post("/issue", json=issue())
    answers = [
        jira_api.post("/issue/SEC-1/comment", json={"body": adf("x")}).status_code for _ in "ab"
    ]
    assert answers == [201, 413]


def test_a_required_field_with_a_default_may_be_left_out(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira.control.change_scenario(required_fields=["duedate"], default_fields=["duedate"])

    assert jira_api.post("/issue", json=issue()).status_code == 201
    shown = jira_api.get("/issue/createmeta/SEC/issuetypes/10001").json()["fields"]
    due = next(field for field in shown if field["fieldId"] == "duedate")
    assert (due["required"], due["hasDefaultValue"]) == (True, True)


def test_values_can_be_named_by_id_or_left_empty(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue(priority={"id": "2"}, assignee={"accountId": None}))
    jira_api.post("/issue", json=issue(priority=None, description=None, labels=None, assignee={}))

    first, second = jira.control.tickets()
    assert first.fields["priority"] == "High"
    assert (first.assignee, second.assignee) == (None, None)
    assert "labels" not in second.fields
    by_id = issue(project={"id": "10001"}, issuetype={"id": "10003"})
    assert jira_api.post("/issue", json=by_id).json()["key"] == "OPS-1"
    assert jira.control.ticket("OPS-1").type == "Incident"
