from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from msgspec.structs import replace

from casebridge_sandbox import JiraSandbox, RunningSandbox, standard_workflow
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]
MakeText = Callable[[str], JsonObject]


DONE = {"transition": {"id": "51"}, "fields": {"resolution": {"name": "Done"}}}


def open_statuses(api: httpx.Client, **params: str) -> list[str]:
    listed = api.get("/issue/SEC-1/transitions", params=params).json()["transitions"]
    return [each["to"]["name"] for each in listed]


@pytest.fixture
def strict(jira: Jira, jira_api: httpx.Client, issue: MakeIssue) -> httpx.Client:
    jira.control.use_preset("strict")
    jira_api.post("/issue", json=issue())
    return jira_api


def test_in_the_standard_workflow_every_status_goes_to_every_other(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())
    names = ["To Do", "In Progress", "In Review", "Done"]

    for status in names:
        jira.control.move("SEC-1", status)
        assert open_statuses(jira_api) == names


def test_a_transition_answers_with_nothing(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())

    answer = jira_api.post("/issue/SEC-1/transitions", json={"transition": {"id": "21"}})

    assert (answer.status_code, answer.content) == (204, b"")
    assert jira.control.ticket("SEC-1").status == "In Progress"


def test_only_transitions_from_the_present_status_are_open(strict: httpx.Client) -> None:
    assert open_statuses(strict) == ["In Progress"]

    refused = strict.post("/issue/SEC-1/transitions", json={"transition": {"id": "51"}})

    assert refused.status_code == 400
    assert refused.json()["errorMessages"] == ["Transition id '51' is not valid for this issue."]


def test_the_strict_workflow_is_walked_and_wants_a_resolution(
    jira: Jira, strict: httpx.Client
) -> None:
    for step in ("11", "21"):
        strict.post("/issue/SEC-1/transitions", json={"transition": {"id": step}})

    refused = strict.post("/issue/SEC-1/transitions", json={"transition": {"id": "51"}})
    assert refused.status_code == 400
    assert list(refused.json()["errors"]) == ["resolution"]

    assert strict.post("/issue/SEC-1/transitions", json=DONE).status_code == 204
    seen = jira.control.ticket("SEC-1")
    assert (seen.status, seen.category, seen.fields["resolution"]) == ("Done", "done", "Done")
    assert open_statuses(strict) == ["In Progress"]


def test_reopening_clears_the_resolution(jira: Jira, strict: httpx.Client) -> None:
    jira.control.move("SEC-1", "Done", force=True)
    assert jira.control.ticket("SEC-1").fields["resolution"] == "Done"

    strict.post("/issue/SEC-1/transitions", json={"transition": {"id": "61"}})

    assert "resolution" not in jira.control.ticket("SEC-1").fields


def test_the_fields_of_a_transition_are_shown_when_asked_for(
    jira: Jira, strict: httpx.Client
) -> None:
    jira.control.move("SEC-1", "In Review", force=True)

    plain = strict.get("/issue/SEC-1/transitions").json()["transitions"]
    shown = strict.get(
        "/issue/SEC-1/transitions",
        params={"expand": "transitions.fields", "transitionId": "51"},
    ).json()["transitions"]

    assert all("fields" not in each for each in plain)
    assert [each["id"] for each in shown] == ["51"]
    resolution = shown[0]["fields"]["resolution"]
    assert resolution["required"] is True
    assert [each["name"] for each in resolution["allowedValues"]][:2] == ["Done", "Won't Do"]
    assert shown[0]["fields"]["comment"]["operations"] == ["add"]
    assert shown[0]["hasScreen"] is True


def test_a_comment_can_come_along(jira: Jira, strict: httpx.Client, adf: MakeText) -> None:
    jira.control.move("SEC-1", "In Review", force=True)
    body = {**DONE, "update": {"comment": [{"add": {"body": adf("All clear")}}]}}

    assert strict.post("/issue/SEC-1/transitions", json=body).status_code == 204
    assert [each.text for each in jira.control.ticket("SEC-1").comments] == ["All clear"]


@pytest.mark.parametrize(
    "body",
    [
        {"transition": {"id": "21"}, "fields": {"resolution": {"name": "Done"}}},
        {"transition": {"id": "21"}, "update": {"comment": [{"add": {"body": "x"}}]}},
    ],
)
def test_a_field_that_is_not_on_the_screen_is_refused(
    jira: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    body: JsonObject,
) -> None:
    jira_api.post("/issue", json=issue())

    refused = jira_api.post("/issue/SEC-1/transitions", json=body)

    assert refused.status_code == 400
    assert jira.control.ticket("SEC-1").status == "To Do"


@pytest.mark.parametrize("body", [{}, {"transition": {}}, {"transition": {"id": 21}}])
def test_the_identifier_is_a_string_that_must_be_there(
    jira_api: httpx.Client, issue: MakeIssue, body: JsonObject
) -> None:
    jira_api.post("/issue", json=issue())

    assert jira_api.post("/issue/SEC-1/transitions", json=body).status_code == 400


def test_a_field_in_both_parts_is_refused(jira: Jira, strict: httpx.Client) -> None:
    jira.control.move("SEC-1", "In Review", force=True)
    body = {**DONE, "update": {"resolution": [{"set": {"name": "Done"}}]}}

    refused = strict.post("/issue/SEC-1/transitions", json=body)

    assert "both" in refused.json()["errors"]["resolution"]


def test_a_hidden_validator_wants_what_no_listing_shows(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    field = ("customfield_7",)
    workflow = standard_workflow()
    edges = [
        replace(edge, screen=field, hidden_required=field) if edge.name == "Done" else edge
        for edge in workflow.transitions
    ]
    jira.control.change_scenario(workflow=replace(workflow, transitions=tuple(edges)))
    jira_api.post("/issue", json=issue())
    done = {"transition": {"id": "41"}}

    listed = jira_api.get(
        "/issue/SEC-1/transitions",
        params={"expand": "transitions.fields", "transitionId": "41"},
    ).json()["transitions"]
    assert listed[0]["fields"]["customfield_7"]["required"] is False
    refused = jira_api.post("/issue/SEC-1/transitions", json=done)
    assert list(refused.json()["errors"]) == ["customfield_7"]
    taken = jira_api.post(
        "/issue/SEC-1/transitions", json={**done, "fields": {"customfield_7": "because"}}
    )
    assert taken.status_code == 204


def test_without_the_permission_the_list_is_empty(
    jira: Jira, jira_api: httpx.Client, issue: MakeIssue
) -> None:
    jira_api.post("/issue", json=issue())
    jira.control.change_scenario(denied_permissions=["TRANSITION_ISSUES"])

    assert open_statuses(jira_api) == []
    refused = jira_api.post("/issue/SEC-1/transitions", json={"transition": {"id": "21"}})
    assert refused.status_code == 400


def test_a_bad_comment_stops_the_whole_transition(jira: Jira, strict: httpx.Client) -> None:
    jira.control.move("SEC-1", "In Review", force=True)
    body = {**DONE, "update": {"comment": [{"add": {"body": "not a document"}}]}}

    assert strict.post("/issue/SEC-1/transitions", json=body).status_code == 400
    assert jira.control.ticket("SEC-1").status == "In Review"
