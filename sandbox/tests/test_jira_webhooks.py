from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from casebridge_sandbox import (
    JiraSandbox,
    RunningSandbox,
    WebhookEndpoint,
    WebhookReceiver,
    hub_signature,
)
from casebridge_sandbox.exchange import JsonObject

Jira = RunningSandbox[JiraSandbox]
MakeIssue = Callable[..., JsonObject]
MakeText = Callable[[str], JsonObject]


SECRET = "It's a Secret to Everybody"


@pytest.fixture
def hooked(jira: Jira, receiver: WebhookReceiver) -> Jira:
    jira.control.send_webhooks_to(f"{receiver.url}/hook", secret=SECRET)
    return jira


def test_the_published_vector_is_met() -> None:
    assert hub_signature(SECRET, b"Hello World!") == (
        "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    )


def test_a_created_issue_is_sent_signed(
    hooked: Jira,
    jira_api: httpx.Client,
    issue: MakeIssue,
    adf: MakeText,
    receiver: WebhookReceiver,
) -> None:
    jira_api.post("/issue", json=issue(description=adf("Three clicks ü")))
    hooked.control.wait_until_idle()

    (got,) = receiver.received
    assert got.path == "/hook"
    assert got.headers["x-hub-signature"] == hub_signature(SECRET, got.raw)
    assert got.headers["x-atlassian-webhook-flow"] == "Primary"
    assert got.headers["x-atlassian-webhook-identifier"]
    assert got.headers["x-atlassian-webhook-trace"]
    assert "x-atlassian-webhook-retry" not in got.headers
    body = got.body
    assert body["webhookEvent"] == "jira:issue_created"
    assert body["issue_event_type_name"] == "issue_created"
    assert body["timestamp"] > 1_600_000_000_000
    assert body["user"]["accountId"] == "bridge-account"
    assert body["issue"]["id"] == "10001"
    assert body["issue"]["self"].startswith(f"{hooked.url}/rest/api/2/")
    assert body["issue"]["fields"]["description"] == "Three clicks ü"
    assert body["changelog"]["items"][0]["field"] == "Status"


def test_a_change_of_status_has_a_changelog_of_strings(
    hooked: Jira, receiver: WebhookReceiver
) -> None:
    hooked.control.create_ticket("Phishing mail")
    hooked.control.move("SEC-1", "Done", by="Ben Responder")
    hooked.control.wait_until_idle()

    body = receiver.bodies[1]
    assert body["webhookEvent"] == "jira:issue_updated"
    assert body["issue_event_type_name"] == "issue_generic"
    assert body["user"]["displayName"] == "Ben Responder"
    assert isinstance(body["changelog"]["id"], str)
    items = {item["field"]: item for item in body["changelog"]["items"]}
    assert items["resolution"]["toString"] == "Done"
    assert items["status"] == {
        "field": "status",
        "fieldtype": "jira",
        "fieldId": "status",
        "from": "10000",
        "fromString": "To Do",
        "to": "10002",
        "toString": "Done",
    }
    assert body["issue"]["fields"]["status"]["statusCategory"]["key"] == "done"


def test_assignment_and_edits_have_their_own_types(hooked: Jira, receiver: WebhookReceiver) -> None:
    hooked.control.create_ticket("Phishing mail")
    hooked.control.assign("SEC-1", "Ben Responder", by="Ada Analyst")
    hooked.control.assign("SEC-1", None)
    hooked.control.edit("SEC-1", {"summary": "Renamed", "labels": ["a", "b"]})
    hooked.control.wait_until_idle()

    _, assigned, unassigned, edited = receiver.bodies
    assert assigned["issue_event_type_name"] == "issue_assigned"
    assert assigned["changelog"]["items"][0]["to"] == "ben-account"
    assert unassigned["changelog"]["items"][0]["to"] is None
    assert edited["issue_event_type_name"] == "issue_updated"
    changed = {item["field"]: item["toString"] for item in edited["changelog"]["items"]}
    assert changed == {"summary": "Renamed", "labels": "a b"}


def test_comments_on_cloud_have_a_cut_down_issue_and_no_user(
    hooked: Jira, receiver: WebhookReceiver
) -> None:
    hooked.control.create_ticket("Phishing mail")
    comment = hooked.control.comment("SEC-1", "On it", by="Ben Responder")
    hooked.control.edit_comment("SEC-1", comment.id, "Done with it", by="Ada Analyst")
    hooked.control.delete_comment("SEC-1", comment.id)
    hooked.control.wait_until_idle()

    _, made, edited, deleted = receiver.bodies
    assert [each["webhookEvent"] for each in (made, edited, deleted)] == [
        "comment_created",
        "comment_updated",
        "comment_deleted",
    ]
    assert "user" not in made
    assert made["comment"]["author"]["displayName"] == "Ben Responder"
    assert made["comment"]["body"] == "On it"
    assert set(made["issue"]["fields"]) == {
        "summary",
        "issuetype",
        "project",
        "assignee",
        "priority",
        "status",
    }
    assert edited["comment"]["updateAuthor"]["displayName"] == "Ada Analyst"


def test_comments_on_data_center_have_no_issue(jira: Jira, receiver: WebhookReceiver) -> None:
    jira.control.change_scenario(deployment="data_center", comments_as_issue_updates=True)
    jira.control.create_ticket("Phishing mail")
    jira.control.assign("SEC-1", "Ben Responder")
    jira.control.send_webhooks_to(receiver.url)
    jira.control.comment("SEC-1", "On it", by="Ada Analyst")
    jira.control.wait_until_idle()

    comment, updated = receiver.bodies
    assert "issue" not in comment
    assert "/issue/10001/comment/10001" in comment["comment"]["self"]
    assert comment["comment"]["author"]["name"] == "ada"
    assert updated["webhookEvent"] == "jira:issue_updated"
    assert updated["issue_event_type_name"] == "issue_commented"
    assert updated["comment"]["id"] == comment["comment"]["id"]
    assert "x-hub-signature" not in receiver.received[0].headers


def test_a_deletion_shows_the_issue_as_it_was_and_then_the_comments(
    hooked: Jira, receiver: WebhookReceiver
) -> None:
    hooked.control.create_ticket("Phishing mail")
    hooked.control.comment("SEC-1", "On it")
    hooked.control.delete("SEC-1", by="Ben Responder")
    hooked.control.wait_until_idle()

    deleted, lost = receiver.received[2:]
    assert deleted.body["webhookEvent"] == "jira:issue_deleted"
    assert "issue_event_type_name" not in deleted.body
    assert deleted.body["issue"]["fields"]["summary"] == "Phishing mail"
    assert lost.body["webhookEvent"] == "comment_deleted"
    assert lost.headers["x-atlassian-webhook-flow"] == "Secondary"


def test_a_move_to_another_project_changes_the_key_and_not_the_id(
    hooked: Jira, jira_api: httpx.Client, receiver: WebhookReceiver
) -> None:
    hooked.control.create_ticket("Phishing mail")

    moved = hooked.control.move_project("SEC-1", "OPS")
    hooked.control.wait_until_idle()

    assert (moved.id, moved.key) == ("10001", "OPS-1")
    body = receiver.bodies[1]
    assert body["issue_event_type_name"] == "issue_moved"
    key = next(item for item in body["changelog"]["items"] if item["field"] == "Key")
    assert (key["fromString"], key["toString"]) == ("SEC-1", "OPS-1")
    assert jira_api.get("/issue/10001").json()["key"] == "OPS-1"
    assert jira_api.get("/issue/SEC-1").status_code == 404


def test_endpoints_choose_events_and_projects(jira: Jira, receiver: WebhookReceiver) -> None:
    jira.control.set_webhooks(
        WebhookEndpoint(id="1", url=f"{receiver.url}/ops", projects=("OPS",)),
        WebhookEndpoint(id="2", url=f"{receiver.url}/comments", events=("comment_created",)),
        WebhookEndpoint(id="3", url=f"{receiver.url}/all", token_id="t1", headers={"X-Extra": "1"}),
    )
    jira.control.create_ticket("In security")
    jira.control.create_ticket("In operations", project="OPS")
    jira.control.comment("SEC-1", "On it")
    jira.control.wait_until_idle()

    paths = [each.path for each in receiver.received]
    assert sorted(paths) == ["/all", "/all", "/all", "/comments", "/ops"]
    everything = next(each for each in receiver.received if each.path == "/all")
    assert everything.headers["x-aisoc-token-id"] == "t1"
    assert everything.headers["x-extra"] == "1"
