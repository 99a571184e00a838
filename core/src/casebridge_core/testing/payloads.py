"""Webhooks of many vendors, in the shapes that their documentation tells; all content is ours.

An adapter must claim none of them but its own vendor's, whatever it is that it looks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PERSON: Final = {"id": 7, "name": "Pat Person", "email": "pat.person@example.com"}

FOREIGN_PAYLOADS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    (
        "jira",
        {
            "timestamp": 1_772_355_600_000,
            "webhookEvent": "jira:issue_updated",
            "issue_event_type_name": "issue_generic",
            "user": {"accountId": "5b10a", "displayName": "Pat Person"},
            "issue": {
                "id": "10002",
                "self": "https://site.example/rest/api/2/issue/10002",
                "key": "SEC-1",
                "fields": {"summary": "Sign-in", "status": {"id": "3", "name": "In Progress"}},
            },
            "changelog": {
                "id": "10124",
                "items": [{"field": "status", "from": "1", "to": "3", "toString": "In Progress"}],
            },
        },
    ),
    (
        "jira",
        {
            "timestamp": 1_772_355_600_000,
            "webhookEvent": "comment_created",
            "comment": {
                "id": "10010",
                "self": "https://site.example/rest/api/2/issue/10002/comment/10010",
                "body": "Looking into it.",
                "author": {"accountId": "5b10a", "displayName": "Pat Person"},
            },
            "issue": {"id": "10002", "key": "SEC-1", "fields": {"summary": "Sign-in"}},
        },
    ),
    (
        "servicenow",
        {
            "event": "updated",
            "table": "incident",
            "sys_id": "9d385017c611228701d22104cc95c371",
            "number": "INC0010001",
            "state": "6",
            "state_label": "Resolved",
            "sys_updated_by": "pat.person",
            "sys_updated_on": "2026-03-01 09:30:00",
        },
    ),
    (
        "github",
        {
            "action": "closed",
            "issue": {
                "id": 1,
                "number": 7,
                "state": "closed",
                "title": "Sign-in",
                "html_url": "https://github.example/o/r/issues/7",
            },
            "repository": {"id": 2, "full_name": "o/r"},
            "sender": {"login": "pat", "id": 7},
        },
    ),
    (
        "github",
        {
            "action": "created",
            "issue": {"id": 1, "number": 7, "state": "open"},
            "comment": {"id": 70, "body": "Looking into it.", "user": {"login": "pat"}},
            "repository": {"id": 2, "full_name": "o/r"},
        },
    ),
    (
        "gitlab",
        {
            "object_kind": "issue",
            "event_type": "issue",
            "user": _PERSON,
            "project": {"id": 1, "path_with_namespace": "g/p"},
            "object_attributes": {"id": 301, "iid": 23, "state": "closed", "action": "close"},
            "changes": {"state_id": {"previous": 1, "current": 2}},
        },
    ),
    (
        "redmine",
        {
            "payload": {
                "action": "updated",
                "issue": {
                    "id": 191,
                    "subject": "Sign-in",
                    "status": {"id": 3, "name": "Resolved"},
                    "assignee": {"id": 7, "login": "pat"},
                },
                "journal": {"id": 1, "notes": "", "details": []},
                "url": "https://redmine.example/issues/191",
            }
        },
    ),
    (
        "request_tracker",
        {
            "ticket": {"id": 12, "Status": "resolved", "Queue": "Security", "Owner": "pat"},
            "transaction": {"Type": "Status", "OldValue": "open", "NewValue": "resolved"},
        },
    ),
    (
        "zendesk",
        {
            "type": "zen:event-type:ticket.status_changed",
            "account_id": 12,
            "id": "2b24ef10-19f4-4b62-8a2c-9d2bb1f2a5d7",
            "time": "2026-03-01T09:30:00Z",
            "subject": "zen:ticket:2",
            "event": {"current": "SOLVED", "previous": "OPEN"},
            "detail": {"id": "2", "status": "SOLVED", "subject": "Sign-in", "actor_id": "7"},
        },
    ),
    (
        "freshservice",
        {
            "freshdesk_webhook": {
                "ticket_id": 4,
                "ticket_subject": "Sign-in",
                "ticket_status": "Resolved",
                "ticket_url": "https://desk.example/helpdesk/tickets/4",
                "triggered_event": "{status:from:2:to:4}",
            }
        },
    ),
    (
        "pagerduty",
        {
            "event": {
                "id": "01CH754SM17TWPE2V2H4VPBRO7",
                "event_type": "incident.resolved",
                "occurred_at": "2026-03-01T09:30:00Z",
                "agent": {"id": "PUSER", "type": "user_reference"},
                "data": {"id": "PINC", "type": "incident", "status": "resolved", "number": 7},
            }
        },
    ),
    (
        "linear",
        {
            "action": "update",
            "type": "Issue",
            "createdAt": "2026-03-01T09:30:00.000Z",
            "data": {
                "id": "1bb3f0f0",
                "identifier": "SEC-7",
                "state": {"id": "s1", "name": "Done", "type": "completed"},
            },
            "updatedFrom": {"stateId": "s0"},
            "url": "https://linear.example/issue/SEC-7",
            "webhookTimestamp": 1_772_355_600_000,
        },
    ),
    (
        "azure_devops",
        {
            "subscriptionId": "00000000-0000-0000-0000-000000000000",
            "eventType": "workitem.updated",
            "publisherId": "tfs",
            "resource": {
                "id": 2,
                "workItemId": 5,
                "fields": {"System.State": {"oldValue": "New", "newValue": "Closed"}},
                "revision": {"id": 5, "rev": 2, "fields": {"System.Title": "Sign-in"}},
            },
        },
    ),
    (
        "asana",
        {
            "events": [
                {
                    "action": "changed",
                    "resource": {"gid": "1201", "resource_type": "task"},
                    "change": {"field": "completed", "action": "changed"},
                }
            ]
        },
    ),
    (
        "trello",
        {
            "action": {
                "id": "51f9424b",
                "type": "updateCard",
                "data": {"card": {"id": "51f94", "name": "Sign-in", "idList": "5"}},
                "memberCreator": {"id": "7", "username": "pat"},
            },
            "model": {"id": "4d5ea62f", "name": "Board"},
        },
    ),
    (
        "zammad",
        {
            "ticket": {
                "id": 3,
                "number": "22003",
                "title": "Sign-in",
                "state": "closed",
                "owner": {"login": "pat", "email": "pat.person@example.com"},
            },
            "article": {"id": 9, "body": "Looking into it.", "internal": True},
        },
    ),
    (
        "otrs",
        {
            "Event": {"Event": "TicketStateUpdate", "TicketID": "12"},
            "Ticket": {"TicketID": "12", "TicketNumber": "2026030110000012", "State": "closed"},
        },
    ),
    (
        "bugzilla",
        {
            "webhook_id": 1,
            "webhook_name": "sync",
            "event": {"action": "modify", "target": "bug", "user": {"login": "pat"}},
            "bug": {"id": 7, "status": "RESOLVED", "resolution": "FIXED", "summary": "Sign-in"},
        },
    ),
    (
        "youtrack",
        {"issueId": "SEC-7", "state": "Fixed", "updater": "pat", "url": "https://yt.example/SEC-7"},
    ),
    ("slack", {"type": "url_verification", "challenge": "3eZbrw1aB", "token": "unused"}),
    ("a monitor", {"receiver": "soc", "status": "firing", "alerts": [{"status": "firing"}]}),
    ("somebody", {}),
    ("somebody", {"id": 1, "status": "closed"}),
    ("somebody", {"id": "1", "key": "SEC-1", "status": "Done", "url": "https://x.example/1"}),
    ("somebody", {"ticket": {"id": "1", "status": "Done"}}),
    ("somebody", {"issue": {"id": "1", "status": "Done"}, "user": {"id": "7"}}),
    ("somebody", {"event": "updated", "data": {"id": "1", "state": "Done"}}),
    ("somebody", {"comment": {"id": "1", "text": "Looking into it."}}),
)
"""Pairs of a vendor and a payload of its."""
