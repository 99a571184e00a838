"""The bodies and headers of Jira's webhooks.

Source: Atlassian, "Webhooks", Jira Cloud platform; "Managing webhooks", Jira Data Center.
"""

from __future__ import annotations

import uuid
from random import Random
from typing import TYPE_CHECKING

import msgspec

from casebridge_sandbox.jira.automation import automation_messages
from casebridge_sandbox.signatures import hub_signature
from casebridge_sandbox.webhooks import WebhookEndpoint, WebhookMessage

if TYPE_CHECKING:
    from casebridge_sandbox.desk import TicketEvent
    from casebridge_sandbox.exchange import JsonObject
    from casebridge_sandbox.jira.scenario import JiraScenario
    from casebridge_sandbox.jira.shapes import Shapes
    from casebridge_sandbox.tickets import Change

__all__ = ("NoticeWriter",)

_RETRY_HEADER = "X-Atlassian-Webhook-Retry"
_WEBHOOK_EVENTS = {
    "created": "jira:issue_created",
    "updated": "jira:issue_updated",
    "moved": "jira:issue_updated",
    "deleted": "jira:issue_deleted",
    "comment_added": "comment_created",
    "comment_edited": "comment_updated",
    "comment_deleted": "comment_deleted",
}
_COMMENT_TYPES = {
    "comment_added": "issue_commented",
    "comment_edited": "issue_comment_edited",
    "comment_deleted": "issue_comment_deleted",
}
_CUT_DOWN = ("summary", "issuetype", "project", "assignee", "priority", "status")


class NoticeWriter:
    """Writes webhooks.

    Args:
        seed: What the delivery ids are derived from.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable ids, not secrets

    def messages(
        self,
        event: TicketEvent,
        endpoint: WebhookEndpoint,
        scenario: JiraScenario,
        shapes: Shapes,
    ) -> list[WebhookMessage]:
        """Return the messages that an endpoint gets for an event.

        Args:
            event: What happened.
            endpoint: Where the messages go.
            scenario: The scenario.
            shapes: The shapes of version 2, which webhooks have on every deployment.
        """
        if scenario.webhook_format != "webhook":
            return automation_messages(event, endpoint, scenario, shapes)
        if event.comment is None:
            bodies = [_issue_body(event, shapes)]
        else:
            bodies = [_comment_body(event, scenario, shapes)]
            if scenario.comments_as_issue_updates and not event.cascade:
                bodies.append(_commented_issue_body(event, shapes))
        signs = not scenario.is_before_ten
        return [self._message(event, endpoint, body, signs=signs) for body in bodies]

    def _message(
        self, event: TicketEvent, endpoint: WebhookEndpoint, body: JsonObject, *, signs: bool
    ) -> WebhookMessage:
        raw = msgspec.json.encode(body)
        identifier = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": identifier,
            "X-Atlassian-Webhook-Flow": "Secondary" if event.cascade else "Primary",
            "X-Atlassian-Webhook-Trace": f"{self._random.getrandbits(64):016x}",
            **endpoint.headers,
        }
        if endpoint.token_id:
            headers["X-AiSOC-Token-Id"] = endpoint.token_id
        if endpoint.secret and signs:
            headers["X-Hub-Signature"] = hub_signature(endpoint.secret, raw)
        return WebhookMessage(
            event=str(body["webhookEvent"]),
            ticket=event.ticket.key,
            body=raw,
            headers=headers,
            delivery_id=identifier,
            retry_header=_RETRY_HEADER,
        )


def _issue_body(event: TicketEvent, shapes: Shapes) -> JsonObject:
    body = _head(event)
    if event.kind != "deleted":
        body["issue_event_type_name"] = _event_type(event)
    body["user"] = shapes.user(event.actor)
    body["issue"] = shapes.issue(event.ticket)
    if event.changes:
        body["changelog"] = {
            "id": event.history_id or f"{event.ticket.id}0",
            "items": [_item(change, created=event.kind == "created") for change in event.changes],
        }
    return body


def _comment_body(event: TicketEvent, scenario: JiraScenario, shapes: Shapes) -> JsonObject:
    """Return the body of a comment event; the author is in the comment only."""
    body = _head(event)
    body["comment"] = _comment(event, shapes)
    if scenario.is_cloud:
        issue = shapes.issue(event.ticket, _CUT_DOWN)
        body["issue"] = {name: issue[name] for name in ("id", "self", "key", "fields")}
    return body


def _commented_issue_body(event: TicketEvent, shapes: Shapes) -> JsonObject:
    return {
        "timestamp": _milliseconds(event),
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": _COMMENT_TYPES[event.kind],
        "user": shapes.user(event.actor),
        "issue": shapes.issue(event.ticket),
        "comment": _comment(event, shapes),
    }


def _comment(event: TicketEvent, shapes: Shapes) -> JsonObject:
    if event.comment is None:  # pragma: no cover - only called for events with a comment
        msg = f"{event.kind} has no comment"
        raise ValueError(msg)
    return shapes.comment(event.ticket, event.comment)


def _head(event: TicketEvent) -> JsonObject:
    return {"timestamp": _milliseconds(event), "webhookEvent": _WEBHOOK_EVENTS[event.kind]}


def _milliseconds(event: TicketEvent) -> int:
    return int(event.at.timestamp() * 1000)


def _event_type(event: TicketEvent) -> str:
    if event.kind == "created":
        return "issue_created"
    if event.kind == "moved":
        return "issue_moved"
    changed = {change.field for change in event.changes}
    if "status" in changed:
        return "issue_generic"
    return "issue_assigned" if changed == {"assignee"} else "issue_updated"


def _item(change: Change, *, created: bool) -> JsonObject:
    field = change.field
    if field == "key":
        name = "Key"
    elif field == "status" and created:
        name = "Status"
    else:
        name = field
    identified = {} if field == "key" else {"fieldId": field}
    return {
        "field": name,
        "fieldtype": "custom" if field.startswith("customfield_") else "jira",
        **identified,
        "from": change.before,
        "fromString": change.before_text,
        "to": change.after,
        "toString": change.after_text,
    }
