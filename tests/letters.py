"""Webhooks written by hand: bodies in the vendors' shapes, signed or not, posted to the inbox."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from casebridge_core.signatures import sign
from tests.stage import Service

INBOX = "/v1/inbox/itsm"
STATUS_IDS = {"To Do": "10000", "In Progress": "10001", "Done": "10002"}


def jira_moved(issue_id: str, status: str, *, at: datetime | None = None, **more: Any) -> bytes:
    """Return Jira's body for an issue that Ada moved to a status, by default just now."""
    native = {"name": status, "id": STATUS_IDS.get(status, "10099")}
    item = {"field": "status", "fieldId": "status", "to": native["id"], "toString": status}
    body = {
        "webhookEvent": "jira:issue_updated",
        "user": {"accountId": "ada-account", "displayName": "Ada Analyst"},
        "issue": {"id": issue_id, "key": "SEC-1", "fields": {"status": native}},
        "changelog": {"id": "1", "items": [item]},
        "timestamp": int((at or datetime.now(UTC)).timestamp() * 1000),
        **more,
    }
    return json.dumps(body).encode()


def servicenow_moved(sys_id: str, state: str, **more: Any) -> bytes:
    """Return the body of the business rule for an incident that Ada moved to a state.

    By default that was in the second that comes next: this one may have seen another change.
    """
    second = datetime.now(UTC) + timedelta(seconds=1)
    body = {
        "sys_id": sys_id,
        "number": "INC0010001",
        "table": "incident",
        "state": state,
        "sys_updated_by": "ada.analyst",
        "sys_updated_on": f"{second:%Y-%m-%d %H:%M:%S}",
        "event": "updated",
        **more,
    }
    return json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An inbox token with its secret, and the means to deliver with it."""

    service: Service
    token_id: str
    secret: str

    @classmethod
    def mint(cls, service: Service, **more: Any) -> Mailbox:
        """Mint a token."""
        token = service.api.post("/v1/inbox-tokens", {"name": "letters", **more})
        return cls(service, token["id"], token["secret"])

    def post(
        self,
        body: bytes,
        headers: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
        *,
        token_id: str | None = None,
        path: str | None = None,
    ) -> httpx.Response:
        """Deliver a body; without headers it is signed as it should be."""
        chosen = headers if headers is not None else {"X-Hub-Signature": sign(self.secret, body)}
        where = path if path is not None else f"{INBOX}/{token_id or self.token_id}"
        return self.service.api.http.post(where, content=body, headers=chosen)

    def stored(self) -> list[Any]:
        """Return body and headers of every delivery that was kept, oldest first."""
        return self.service.rows(
            "SELECT body, headers FROM inbound_events WHERE token_id ="
            " (SELECT id FROM inbox_tokens WHERE public_id = ?) ORDER BY id",
            self.token_id,
        )

    def deliver(self, body: bytes) -> Any:
        """Deliver a body as it should be, and return the answer."""
        response = self.post(body)
        assert response.status_code == 200, response.text
        return response.json()
