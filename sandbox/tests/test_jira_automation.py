from __future__ import annotations

import json

import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox, WebhookReceiver

Jira = RunningSandbox[JiraSandbox]


@pytest.fixture
def ruled(jira: Jira, receiver: WebhookReceiver) -> Jira:
    """A project with a rule that sends a web request with a header that somebody typed."""
    jira.control.change_scenario(webhook_format="automation_issue")
    jira.control.send_webhooks_to(
        f"{receiver.url}/hook", secret="unused", headers={"X-Shared": "s3cret"}
    )
    return jira


def test_a_rule_signs_nothing_and_sends_the_bare_issue(
    ruled: Jira, receiver: WebhookReceiver
) -> None:
    ruled.control.create_ticket("Phishing mail")
    ruled.control.move("SEC-1", "Done", by="Ben Responder")
    ruled.control.wait_until_idle()

    for got in receiver.received:
        assert got.headers["x-shared"] == "s3cret"
        assert not [name for name in got.headers if "signature" in name or "atlassian" in name]
    moved = receiver.bodies[-1]
    assert set(moved) == {"self", "id", "key", "fields", "changelog"}
    assert moved["fields"]["status"]["name"] == "Done"


def test_the_jira_format_has_numbers_and_no_name_of_an_event(
    ruled: Jira, receiver: WebhookReceiver
) -> None:
    ruled.control.change_scenario(webhook_format="automation_jira")
    ruled.control.create_ticket("Phishing mail")
    ruled.control.wait_until_idle()

    (body,) = receiver.bodies
    assert set(body) == {"issue", "user", "timestamp"}
    assert body["issue"]["id"] == 10001
    assert isinstance(body["issue"]["fields"]["updated"], int)
    assert body["issue"]["changelog"]["histories"] is None


def test_custom_data_is_filled_in_without_any_escaping(
    ruled: Jira, receiver: WebhookReceiver
) -> None:
    template = (
        '{"key": "{{issue.key}}", "status": {{issue.status.name.asJsonString}},'
        ' "assignee": "{{issue.assignee.accountId}}", "by": "{{initiator.accountId}}",'
        ' "url": "{{issue.url}}", "summary": "{{issue.summary}}"}'
    )
    ruled.control.change_scenario(webhook_format="automation_custom", automation_body=template)
    ruled.control.create_ticket("Phishing mail", by="Ada Analyst")
    ruled.control.create_ticket('A "quoted" mail')
    ruled.control.wait_until_idle()

    first, second = receiver.received
    assert first.body == {
        "key": "SEC-1",
        "status": "To Do",
        "assignee": "",
        "by": "ada-account",
        "url": f"{ruled.url}/browse/SEC-1",
        "summary": "Phishing mail",
    }
    with pytest.raises(json.JSONDecodeError):
        json.loads(second.raw)


def test_a_rule_tries_nothing_again_and_says_nothing_of_a_deleted_issue(
    ruled: Jira, receiver: WebhookReceiver
) -> None:
    receiver.answers.append(503)
    ruled.control.create_ticket("Phishing mail")
    ruled.control.delete("SEC-1")
    ruled.control.wait_until_idle()

    assert len(receiver.received) == 1
