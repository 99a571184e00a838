"""What a rule of Jira Automation sends: the action "Send web request" in its three forms.

A rule signs nothing, tries nothing again, and has no delivery id. Source: Atlassian, "Jira
Automation actions" and "Smart values"; for the body of "Issue data (Jira format)" a capture
published by Mozilla.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from casebridge_sandbox.webhooks import WebhookMessage

if TYPE_CHECKING:
    from datetime import datetime

    from casebridge_sandbox.desk import TicketEvent
    from casebridge_sandbox.exchange import JsonObject
    from casebridge_sandbox.jira.scenario import JiraScenario
    from casebridge_sandbox.jira.shapes import Shapes
    from casebridge_sandbox.webhooks import WebhookEndpoint

__all__ = ("automation_messages",)

_SMART_VALUE = re.compile(r"\{\{([^{}]+)\}\}")
_AS_JSON = ".asJsonString"


def automation_messages(
    event: TicketEvent, endpoint: WebhookEndpoint, scenario: JiraScenario, shapes: Shapes
) -> list[WebhookMessage]:
    """Return what the project's rule sends for an event; nothing for a deleted issue."""
    if event.kind == "deleted" or event.cascade:
        return []
    issue = shapes.issue(event.ticket)
    actor = shapes.user(event.actor)
    match scenario.webhook_format:
        case "automation_custom":
            root: JsonObject = {"issue": {**issue, **_fields(issue)}, "initiator": actor}
            root["issue"] = {**_fields(root), "url": _url(issue, event.ticket.key)}
            body = _filled(scenario.automation_body, root).encode()
        case "automation_jira":
            body = msgspec.json.encode(_jira_format(event, issue, actor))
        case _:
            bare = {name: issue[name] for name in ("self", "id", "key", "fields")}
            body = msgspec.json.encode({**bare, "changelog": {}})
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Automation for Jira App",
        **endpoint.headers,
    }
    if endpoint.token_id:
        headers["X-AiSOC-Token-Id"] = endpoint.token_id
    name = f"automation:{event.kind}"
    return [
        WebhookMessage(
            event=name, ticket=event.ticket.key, body=body, headers=headers, delivery_id=""
        )
    ]


def _jira_format(event: TicketEvent, issue: JsonObject, actor: JsonObject) -> JsonObject:
    """Return the body with numbers for ids and times, without an event's name or a changelog."""
    times = {"created": event.ticket.created, "updated": event.ticket.updated}
    fields = {**_fields(issue), **{name: _milliseconds(at) for name, at in times.items()}}
    histories = {"startAt": 0, "maxResults": 0, "total": 0, "histories": None}
    numbered = {**issue, "id": int(event.ticket.id), "fields": fields, "changelog": histories}
    return {"issue": numbered, "user": actor, "timestamp": _milliseconds(event.at)}


def _filled(template: str, root: JsonObject) -> str:
    """Fill in smart values; one that is not set becomes nothing at all."""

    def value_of(found: re.Match[str]) -> str:
        path = found[1].strip()
        quoted = path.endswith(_AS_JSON)
        value: object = root
        for part in path.removesuffix(_AS_JSON).split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            return ""
        return msgspec.json.encode(str(value)).decode() if quoted else str(value)

    return _SMART_VALUE.sub(value_of, template)


def _fields(issue: JsonObject) -> JsonObject:
    found = issue.get("fields", issue.get("issue"))
    return found if isinstance(found, dict) else {}


def _url(issue: JsonObject, key: str) -> str:
    return f"{str(issue['self']).partition('/rest/')[0]}/browse/{key}"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
