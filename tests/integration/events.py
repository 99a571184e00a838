"""A tenant with a case whose ticket is linked, and what its vendor delivers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec
from sqlalchemy import select

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import RefRow
from casebridge.services.authenticity import InboundRequest
from casebridge.services.inbox import InboxAnswer
from casebridge_core.signatures import sign
from tests.integration.desk import Caller, Desk

ResultT = TypeVar("ResultT")
EVENTS = "/v1/inbox-events"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of its own, with a connector, an inbox token, and an open case with one ticket."""

    desk: Desk
    caller: Caller
    connector: Any
    token: Any
    case_id: str
    ticket_id: str

    @classmethod
    def settle_in(cls, desk: Desk, **token: Any) -> Tenant:
        """Make one; its ticket is minted, and not linked yet."""
        caller = desk.stranger(secrets.token_hex(8))
        connector = caller.add_connector()
        caller.ask("POST", f"/v1/connectors/{connector['id']}/check")
        case = caller.create_case()
        return cls(
            desk,
            caller,
            connector,
            caller.mint_token(**token),
            case["id"],
            case["tickets"][0]["id"],
        )

    @property
    def bridge(self) -> Bridge:
        """The service's parts."""
        found: Bridge = self.desk.app.state.bridge
        return found

    def run(self, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
        """Do something in the service's own loop."""
        found: ResultT = self.desk.http.blocking_portal.call(work)
        return found

    def link(self) -> None:
        """Let the ref know its ticket, which goes by the ref's id."""
        self.desk.link({"tickets": [{"id": self.ticket_id}]})
        self.set_ref(settled_status="open", settled_native="Open", ticket_status="Open")

    def set_ref(self, **values: Any) -> None:
        """Change the ref's row."""

        async def write() -> None:
            async with self.bridge.database.write() as session:
                ref = await session.scalar(select(RefRow).where(RefRow.public_id == self.ticket_id))
                for name, value in {"due_at": None, **values}.items():
                    setattr(ref, name, value)

        self.run(write)

    def send(self, status: str | dict[str, str] | None, **fields: Any) -> httpx.Response:
        """Deliver an event about the ticket."""
        told = {"external_id": self.ticket_id, **fields}
        if status is not None:
            told["status"] = {"name": status} if isinstance(status, str) else status
        return self.caller.deliver(self.token, {"acme": told})

    def deliver(self, status: str | dict[str, str] | None, **fields: Any) -> Any:
        """Deliver an event about the ticket; return the answer."""
        answer = self.send(status, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def receive(self, status: str, **fields: Any) -> InboxAnswer:
        """Deliver an event in the service's own loop."""
        told = {"external_id": self.ticket_id, "status": {"name": status}, **fields}
        body = msgspec.json.encode({"acme": told})
        signed = {"x-aisoc-signature": sign(self.token["secret"], body)}
        request = InboundRequest(token_id=self.token["id"], headers=signed, body=body)
        return await self.bridge.inbox.receive(request)

    def status(self) -> str:
        """Return the case's status."""
        return str(self.caller.ask("GET", f"/v1/cases/{self.case_id}")["status"])

    def move(self, status: str) -> None:
        """Move the case."""
        self.caller.ask("POST", f"/v1/cases/{self.case_id}/status", {"status": status})

    def timeline(self, kind: str) -> list[Any]:
        """Return the timeline's rows of a kind."""
        rows = self.caller.ask("GET", f"/v1/cases/{self.case_id}/timeline", limit=200)["items"]
        return [row for row in rows if row["kind"] == kind]

    def events(self, **filters: Any) -> list[Any]:
        """List events, newest first."""
        return list(self.caller.ask("GET", EVENTS, **filters)["items"])

    def event(self, event_id: str) -> Any:
        """Read an event."""
        return self.caller.ask("GET", f"{EVENTS}/{event_id}")

    def replay(self, event_id: str) -> Any:
        """Replay an event."""
        return self.caller.ask("POST", f"{EVENTS}/{event_id}/replay")
