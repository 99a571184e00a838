"""Jira's webhooks as they come: some 5.9 KB, most of which nobody needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

NATIVES: Final = (("To Do", "10000", "new"), ("In Progress", "10001", "indeterminate"))
NATIVES_TO_COME: Final = (*NATIVES[1:], ("Done", "10002", "done"), NATIVES[0])
"""The statuses that an issue takes one after the other, beginning after the first of them."""
_SITE: Final = "https://bench.atlassian.net"
_BEGINNING: Final = datetime.now(UTC) - timedelta(hours=6)
_FIRST: Final = 10_000_000


def issue_id(number: int) -> str:
    """Return the id of the issue with a number."""
    return str(_FIRST + number)


def moved(number: int, turn: int) -> bytes:
    """Return the webhook of an issue's next move; ``turn`` counts its moves from 0."""
    name, status_id, category = NATIVES_TO_COME[turn % 3]
    before = NATIVES_TO_COME[(turn - 1) % 3]
    at = _BEGINNING + timedelta(seconds=turn)
    body = {
        "timestamp": int(at.timestamp() * 1000),
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_generic",
        "user": _person("Ada Analyst", "5b10a2844c20165700ede21g"),
        "issue": {
            "id": issue_id(number),
            "self": f"{_SITE}/rest/api/2/issue/{issue_id(number)}",
            "key": f"SEC-{number}",
            "fields": _fields(name, status_id, category, at),
        },
        "changelog": {
            "id": str(20_000_000 + number * 1000 + turn),
            "items": [
                {
                    "field": "status",
                    "fieldtype": "jira",
                    "fieldId": "status",
                    "from": before[1],
                    "fromString": before[0],
                    "to": status_id,
                    "toString": name,
                }
            ],
        },
    }
    return json.dumps(body, separators=(",", ":")).encode()


def _fields(name: str, status_id: str, category: str, at: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "summary": "Suspicious sign-in from two countries within an hour",
        "description": "The account signed in from two places that are too far apart. " * 14,
        "labels": ["security", "aisoc-ref_m4yqk2k5tzx3d5m6pu2a"],
        "issuetype": {
            "self": f"{_SITE}/rest/api/2/issuetype/10001",
            "id": "10001",
            "name": "Incident",
            "iconUrl": f"{_SITE}/rest/api/2/universal_avatar/view/type/issuetype/avatar/10315",
            "subtask": False,
            "hierarchyLevel": 0,
        },
        "project": {
            "self": f"{_SITE}/rest/api/2/project/10000",
            "id": "10000",
            "key": "SEC",
            "name": "Security",
            "projectTypeKey": "software",
            "simplified": False,
        },
        "priority": {"self": f"{_SITE}/rest/api/2/priority/2", "name": "High", "id": "2"},
        "assignee": None,
        "reporter": _person("Casebridge", "5b10a2844c20165700ede22f"),
        "creator": _person("Casebridge", "5b10a2844c20165700ede22f"),
        "status": {
            "self": f"{_SITE}/rest/api/2/status/{status_id}",
            "description": "",
            "iconUrl": f"{_SITE}/images/icons/status_generic.gif",
            "name": name,
            "id": status_id,
            "statusCategory": {
                "self": f"{_SITE}/rest/api/2/statuscategory/2",
                "id": 2,
                "key": category,
                "colorName": "blue-gray",
                "name": name,
            },
        },
        "created": f"{_BEGINNING:%Y-%m-%dT%H:%M:%S.000+0000}",
        "updated": f"{at:%Y-%m-%dT%H:%M:%S.000+0000}",
        "resolution": None,
        "watches": {"self": f"{_SITE}/rest/api/2/issue/SEC-1/watchers", "watchCount": 1},
        "components": [],
        "versions": [],
        "subtasks": [],
        "comment": {"comments": [], "maxResults": 0, "total": 0, "startAt": 0},
    }
    return {**fields, **{f"customfield_{10_000 + n}": None for n in range(56)}}


def _person(name: str, account: str) -> dict[str, Any]:
    avatars = {
        f"{size}x{size}": f"https://avatar.example/{account}/{size}" for size in (16, 24, 32, 48)
    }
    return {
        "self": f"{_SITE}/rest/api/2/user?accountId={account}",
        "accountId": account,
        "avatarUrls": avatars,
        "displayName": name,
        "active": True,
        "timeZone": "Europe/Berlin",
        "accountType": "atlassian",
    }
