"""What the stand-in Jira really sends, read by the plugin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET

from casebridge_core import (
    CaseProjection,
    CommentAction,
    Connector,
    Delivery,
    TicketEvent,
    VendorHooks,
)
from casebridge_sandbox import JiraSandbox, RunningSandbox

if TYPE_CHECKING:
    from casebridge_jira import JiraConfig

pytestmark = pytest.mark.anyio

Jira = RunningSandbox[JiraSandbox]
Received = Callable[[], list[TicketEvent]]


@pytest.fixture
def received(jira: Jira, hooks: VendorHooks) -> Received:
    """Return a function that reads every webhook so far; nobody listens, the log has the bodies."""
    jira.control.send_webhooks_to("http://127.0.0.1:9/v1/inbox/itsm", secret="s")

    def read() -> list[TicketEvent]:
        jira.control.wait_until_idle()
        bodies = [json.loads(attempt.body) for attempt in jira.control.deliveries()]
        events = [hooks.detect(Delivery(headers={}, payload=body)) for body in bodies]
        return [event for event in events if event is not None]

    return read


async def test_a_persons_work_comes_back(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    received: Received,
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.assign("SEC-1", "Ben Responder", by="Ada Analyst")
    jira.control.move("SEC-1", "Done", by="Ben Responder")
    note = jira.control.comment("SEC-1", "Cleaned.", by="Ben Responder")
    jira.control.edit_comment("SEC-1", note.id, "Cleaned twice.", by="Ada Analyst")
    jira.control.edit("SEC-1", {"summary": "Renamed"}, by="Ada Analyst")
    jira.control.move_project("SEC-1", "OPS", by="Ada Analyst")
    jira.control.delete("OPS-1", by="Ada Analyst")
    events = received()
    assert {event.external_id for event in events} == {ref.external_id}
    assert {event.site for event in events} == {jira.url.removeprefix("http://")}
    assert [event.status.name for event in events if event.status] == ["To Do", "Done"]
    people = [event.assignee for event in events if event.assignee is not UNSET]
    assert [person.name if person else None for person in people] == [None, "Ben Responder"]
    comments = [(each.action, each.text) for event in events for each in event.comments]
    assert comments[:2] == [
        (CommentAction.CREATED, "Cleaned."),
        (CommentAction.EDITED, "Cleaned twice."),
    ]
    assert [event.key for event in events if not event.comments][-1] == "OPS-1"
    assert any(event.deleted for event in events)


@pytest.mark.parametrize("form", ["automation_issue", "automation_jira"])
async def test_what_a_rule_sends_of_an_issue_is_read(
    jira: Jira, received: Received, form: str
) -> None:
    jira.control.change_scenario(webhook_format=form)
    jira.control.create_ticket("Phishing mail")
    jira.control.assign("SEC-1", "Ben Responder", by="Ada Analyst")
    jira.control.move("SEC-1", "Done", by="Ben Responder")
    made, assigned, moved = received()
    assert {event.external_id for event in (made, assigned, moved)} == {"10001"}
    assert {event.site for event in (made, assigned, moved)} == {jira.url.removeprefix("http://")}
    assert made.status is not None
    assert moved.status is not None
    assert (made.status.name, moved.status.name, moved.status.id) == ("To Do", "Done", "10002")
    assert assigned.assignee
    assert assigned.assignee.name == "Ben Responder"
    assert moved.occurred_at is not None
    actor = moved.actor.name if moved.actor else None
    assert actor == ("Ben Responder" if form == "automation_jira" else None)


async def test_a_comment_that_is_told_twice_is_one_comment(jira: Jira, received: Received) -> None:
    """Older servers send an updated issue beside the comment's own event."""
    jira.control.change_scenario(comments_as_issue_updates=True)
    jira.control.create_ticket("Phishing mail")
    note = jira.control.comment("SEC-1", "Cleaned.", by="Ben Responder")
    told = [each for event in received() for each in event.comments]
    assert {(each.external_id, each.text) for each in told} == {(note.id, "Cleaned.")}
    assert len(told) == 2
