"""The set-up guide: complete for the instance and the token's scheme, and without any secret."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from casebridge_core import Connector, Delivery, InboxAddress, InboxScheme, VendorHooks
from casebridge_jira import JiraConfig
from casebridge_jira.automation import template
from casebridge_sandbox import JiraSandbox, RunningSandbox, receiving

Connect = Callable[..., Connector[JiraConfig]]
Jira = RunningSandbox[JiraSandbox]
URL = "https://soc.example.com/v1/inbox/itsm/tok_1"


@pytest.fixture
def guide(hooks: VendorHooks, connect: Connect, either: dict[str, object]) -> Callable[..., str]:
    """Return a function that writes the guide for a scheme."""

    def write(scheme: InboxScheme, **more: bool) -> str:
        url = f"{URL}/<secret>" if scheme is InboxScheme.STATIC_URL else URL
        inbox = InboxAddress(url=url, token_id="tok_1", scheme=scheme, **more)
        text = hooks.setup_guide(connect(either), inbox)
        assert text is not None
        return text

    return write


@pytest.mark.parametrize("scheme", InboxScheme)
def test_the_guide_names_address_token_and_the_other_schemes(
    guide: Callable[..., str], scheme: InboxScheme
) -> None:
    text = guide(scheme)
    for part in (URL, "tok_1", "SEC", *(f"`{other}`" for other in InboxScheme if other != scheme)):
        assert part in text
    assert "s3cret" not in text


def test_a_signed_webhook_has_its_secret_in_the_field_for_it(guide: Callable[..., str]) -> None:
    text = guide(InboxScheme.SIGNATURE)
    for part in ("**Secret**", "X-Hub-Signature", "project = SEC", "Comment"):
        assert part in text


def test_an_old_server_has_its_secret_in_the_address(guide: Callable[..., str]) -> None:
    text = guide(InboxScheme.STATIC_URL)
    assert f"{URL}/<secret>" in text
    assert "replace `<secret>`" in text


def test_automation_has_its_secret_in_a_header(guide: Callable[..., str]) -> None:
    text = guide(InboxScheme.STATIC_HEADER)
    for part in ("x-aisoc-secret", "Issue transitioned", "asJsonString", "POST"):
        assert part in text


def test_a_token_that_jira_cannot_serve_is_told_at_once(guide: Callable[..., str]) -> None:
    assert "signs none" in guide(InboxScheme.SIGNATURE, timestamp_required=True)
    assert "signs none" not in guide(InboxScheme.SIGNATURE)


def test_what_the_guide_says_to_paste_is_the_template(
    guide: Callable[..., str], connect: Connect, either: dict[str, object]
) -> None:
    (block,) = re.findall(r"```json\n(.*?)\n```", guide(InboxScheme.STATIC_HEADER), re.DOTALL)
    assert block == template(connect(either).config)


async def test_what_automation_sends_from_the_template_is_understood(
    jira: Jira, hooks: VendorHooks, connector: Connector[JiraConfig], deployment: str
) -> None:
    jira.control.change_scenario(
        webhook_format="automation_custom", automation_body=template(connector.config)
    )
    with receiving() as receiver:
        jira.control.send_webhooks_to(f"{receiver.url}/hook")
        jira.control.create_ticket('A "quoted" \\ mail', by="Ada Analyst")
        jira.control.move("SEC-1", "Done", by="Ben Responder")
        jira.control.assign("SEC-1", "Ada Analyst", by="Ben Responder")
        jira.control.wait_until_idle()
        events = [
            hooks.detect(Delivery(headers=got.headers, payload=got.body))
            for got in receiver.received
        ]
    made, moved, assigned = events
    assert made is not None
    assert moved is not None
    assert assigned is not None
    assert (made.assignee, made.status and made.status.name) == (None, "To Do")
    assert moved.key == "SEC-1"
    assert moved.site == jira.url.removeprefix("http://")
    assert moved.status is not None
    assert (moved.status.id, moved.status.category) == ("10002", "done")
    assert moved.actor is not None
    assert moved.actor.id == ("ben-account" if deployment == "cloud" else "ben")
    assert moved.occurred_at is not None
    assert assigned.assignee
    assert assigned.assignee.id == ("ada-account" if deployment == "cloud" else "ada")


async def test_a_status_with_a_quotation_mark_breaks_nothing(
    jira: Jira, hooks: VendorHooks, connector: Connector[JiraConfig]
) -> None:
    odd = 'Won\'t "fix" \\ this'
    workflow = jira.sandbox.scenario.workflow
    named = [{"id": each.id, "name": odd, "category": each.category} for each in workflow.statuses]
    jira.control.change_scenario(
        workflow={"statuses": named, "initial": workflow.initial, "transitions": []},
        webhook_format="automation_custom",
        automation_body=template(connector.config),
    )
    with receiving() as receiver:
        jira.control.send_webhooks_to(f"{receiver.url}/hook")
        jira.control.create_ticket("Phishing mail")
        jira.control.wait_until_idle()
        event = hooks.detect(Delivery(headers={}, payload=receiver.bodies[0]))
    assert event is not None
    assert event.status is not None
    assert event.status.name == odd
