"""The body that the business rule posts.

ServiceNow has no webhook of its own for incidents: an asynchronous business rule posts what
its author wrote. This is the body of Casebridge's set-up guide, escaped to ASCII before it
is signed, because ServiceNow does not document how text becomes bytes in ``generateMac``.
Source: ServiceNow, "RESTMessageV2" and "GlideCertificateEncryption".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.rows import stamp
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


def notice(
    event: TicketEvent,
    endpoint: WebhookEndpoint,
    *,
    workflow: Workflow,
    assignee: Person | None,
    instance: str,
) -> WebhookMessage | None:
    """Return what the business rule sends, or None when it does not run.

    Args:
        event: What happened.
        endpoint: Where the message goes.
        workflow: The states of the table.
        assignee: Who has the ticket.
        instance: The address of the instance.
    """
    name = _EVENTS.get(event.kind)
    if name is None or event.cascade:
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
            "value": assignee.id if assignee else "",
            "display_value": assignee.display_name if assignee else "",
            "email": assignee.email if assignee else "",
        },
        "correlation_id": ticket.fields.get("correlation_id", ""),
        "event": name,
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
    raw = json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    headers = {"Content-Type": "application/json", **endpoint.headers}
    if endpoint.token_id:
        headers["X-AiSOC-Token-Id"] = endpoint.token_id
    if endpoint.secret:
        headers["X-AiSOC-Signature"] = base64_signature(endpoint.secret, raw)
    return WebhookMessage(event=name, ticket=ticket.key, body=raw, headers=headers)
