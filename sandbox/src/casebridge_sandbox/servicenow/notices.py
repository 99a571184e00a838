"""The body that the business rule posts.

ServiceNow has no webhook of its own for incidents: an asynchronous business rule posts what
its author wrote. This is the body of Casebridge's set-up guide, escaped to ASCII before it
is signed, because ServiceNow does not document how text becomes bytes in ``generateMac``.
Source: ServiceNow, "RESTMessageV2" and "GlideCertificateEncryption".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.rows import stamp
from casebridge_sandbox.servicenow.scenario import RuleBody
from casebridge_sandbox.signatures import base64_signature
from casebridge_sandbox.webhooks import WebhookEndpoint, WebhookMessage

if TYPE_CHECKING:
    from casebridge_sandbox.desk import TicketEvent
    from casebridge_sandbox.exchange import JsonObject
    from casebridge_sandbox.tickets import Person
    from casebridge_sandbox.workflow import Workflow

__all__ = ("notice",)

_EVENTS = {
    "created": "inserted",
    "updated": "updated",
    "moved": "updated",
    "deleted": "deleted",
    "comment_added": "comment_added",
}


_COLUMNS = {"status": "state", "assignee": "assigned_to"}


def notice(
    event: TicketEvent,
    endpoint: WebhookEndpoint,
    *,
    workflow: Workflow,
    assignee: Person | None,
    instance: str,
    form: RuleBody = "guide",
    sign_timestamp: bool = False,
) -> WebhookMessage | None:
    """Return what the business rule sends, or None when it does not run.

    Args:
        event: What happened.
        endpoint: Where the message goes.
        workflow: The states of the table.
        assignee: Who has the ticket.
        instance: The address of the instance.
        form: What the rule's author wrote; only the rule of the guide tells what changed and
            keeps still about other columns.
        sign_timestamp: Whether the time of sending is signed with the body.
    """
    name = _EVENTS.get(event.kind)
    changed = _changed(event)
    if name is None or event.cascade or (form == "guide" and name == "updated" and not changed):
        return None
    ticket = event.ticket
    body: JsonObject = {
        "table": ticket.project,
        "sys_id": ticket.id,
        "number": ticket.key,
        "state": ticket.status,
        "state_label": workflow.name_of(ticket.status),
        "sys_updated_on": stamp(ticket.updated),
        "sys_updated_by": event.actor.name,
        "short_description": ticket.fields.get("short_description", ""),
        "assigned_to": {
            "value": assignee.id,
            "display_value": assignee.display_name,
            "email": assignee.email,
        }
        if assignee
        else None,
        "correlation_id": ticket.fields.get("correlation_id", ""),
        "event": name,
        "changed": changed,
        "comment": None,
        "instance": instance,
    }
    if event.comment is not None:
        body["comment"] = {
            "value": str(event.comment.body),
            "element": event.comment.kind,
            "sys_id": event.comment.id,
            "sys_created_on": stamp(event.comment.created),
            "sys_created_by": event.comment.author.name,
        }
    raw = json.dumps(_FORMS[form](body), ensure_ascii=True, separators=(",", ":")).encode("ascii")
    headers = {"Content-Type": "application/json", **endpoint.headers}
    if endpoint.token_id:
        headers["X-AiSOC-Token-Id"] = endpoint.token_id
    if endpoint.secret:
        signed = raw
        if sign_timestamp:
            headers["X-AiSOC-Timestamp"] = timestamp = str(int(event.at.timestamp()))
            signed = f"{timestamp}.".encode() + raw
        headers["X-AiSOC-Signature"] = base64_signature(endpoint.secret, signed)
    return WebhookMessage(event=name, ticket=ticket.key, body=raw, headers=headers)


def _changed(event: TicketEvent) -> list[str]:
    """Return the columns that the guide's rule watches and that changed."""
    if event.kind == "created":
        return list(_COLUMNS.values())
    return [_COLUMNS[each.field] for each in event.changes if each.field in _COLUMNS]


def _as_labels(body: JsonObject) -> JsonObject:
    return {
        "sys_id": body["sys_id"],
        "number": body["number"],
        "state": body["state_label"],
        "sys_updated_on": body["sys_updated_on"],
        "sys_updated_by": body["sys_updated_by"],
    }


def _as_objects(body: JsonObject) -> JsonObject:
    nested = {
        name: {"value": body[name], "display_value": body[name]}
        for name in ("sys_id", "number", "sys_updated_on", "sys_updated_by")
    }
    state = {"value": body["state"], "display_value": body["state_label"]}
    return {**nested, "state": state, "assigned_to": body["assigned_to"]}


def _beside_subscription(body: JsonObject) -> JsonObject:
    return {
        "sys_id": _SUBSCRIPTION,
        "record_id": body["sys_id"],
        "number": body["number"],
        "state": body["state"],
    }


_SUBSCRIPTION = "5b5c000000000000000000000005b5c0"
_FORMS: dict[RuleBody, Callable[[JsonObject], JsonObject]] = {
    "guide": lambda body: body,
    "label": _as_labels,
    "objects": _as_objects,
    "record_id": _beside_subscription,
}
