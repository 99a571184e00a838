"""The set-up guide: complete for the instance, and without any secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from casebridge_core import Connector, Delivery, InboxAddress, VendorHooks
from casebridge_jira import JiraConfig

Connect = Callable[..., Connector[JiraConfig]]
INBOX = InboxAddress(url="https://soc.example.com/v1/inbox/itsm/tok_1", token_id="tok_1")


@pytest.fixture
def guide(hooks: VendorHooks, connect: Connect, either: dict[str, object]) -> str:
    text = hooks.setup_guide(connect(either), INBOX)
    assert text is not None
    return text


def test_the_guide_names_address_token_project_and_events(guide: str) -> None:
    for part in (INBOX.url, INBOX.token_id, "project = SEC", "X-Hub-Signature", "Comment"):
        assert part in guide


def test_the_guide_holds_no_credential(guide: str) -> None:
    assert "s3cret" not in guide


def test_what_the_guide_says_to_paste_is_understood(
    guide: str, hooks: VendorHooks, either: dict[str, object]
) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    account = "accountId" if "email" in either else "name"
    values = {
        "issue.id": "10231",
        "issue.key": "SEC-12",
        "issue.url": "https://acme.example.com/browse/SEC-12",
        "issue.status.name": "Done",
        "issue.status.id": "10002",
        "issue.status.statusCategory.key": "done",
        f"issue.assignee.{account}": "",
        f"initiator.{account}": "ada",
        "issue.updated": "2026-03-01T10:02:03.0+0000",
    }
    sent = re.sub(r"\{\{(.+?)\}\}", lambda found: values[found.group(1)], block)
    event = hooks.detect(Delivery(headers={}, payload=json.loads(sent)))
    assert event is not None
    assert (event.external_id, event.key, event.site) == ("10231", "SEC-12", "acme.example.com")
    assert event.status is not None
    assert event.status.name == "Done"
    assert event.assignee is None
    assert event.actor is not None
    assert event.actor.id == "ada"
    assert event.occurred_at is not None
