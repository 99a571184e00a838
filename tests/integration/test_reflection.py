"""What an event means for a ref whose push is under way, has failed, or never was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import RefRow
from tests.integration.desk import Desk

MORNING, NOON = datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
FAILED = {"last_error": "the workflow refuses", "last_error_kind": "TransitionRejected"}
DEAD = {**FAILED, "dead_at": NOON, "attempts": 1, "due_at": None}
UNDER_WAY = {"status_attempted_at": NOON, "due_at": None}


@dataclass(frozen=True, slots=True)
class Linked:
    """A case with one linked ticket, and a token to send webhooks by."""

    desk: Desk
    token: Any
    case_id: str
    ticket_id: str

    def set_ref(self, **values: Any) -> None:
        async def write() -> None:
            async with self.bridge.database.write() as session:
                ours = update(RefRow).where(RefRow.public_id == self.ticket_id)
                await session.execute(ours.values(**values))

        self.desk.http.blocking_portal.call(write)

    def ref(self) -> RefRow:
        async def read() -> RefRow:
            async with self.bridge.database.read() as session:
                return (
                    await session.scalars(select(RefRow).where(RefRow.public_id == self.ticket_id))
                ).one()

        return self.desk.http.blocking_portal.call(read)

    def move(self, status: str) -> None:
        self.desk.admin.ask("POST", f"/v1/cases/{self.case_id}/status", {"status": status})

    def status(self) -> str:
        case = self.desk.admin.ask("GET", f"/v1/cases/{self.case_id}")
        return str(case["status"])

    def deliver(self, status: str, **fields: Any) -> Any:
        event = {"external_id": self.ticket_id, "status": {"name": status}, **fields}
        return self.desk.nobody.deliver(self.token, {"acme": event}).json()

    @property
    def bridge(self) -> Bridge:
        found: Bridge = self.desk.app.state.bridge
        return found


@pytest.fixture
def linked(desk: Desk) -> Linked:
    token, connector = desk.admin.mint_token(), desk.admin.add_connector()
    desk.admin.ask("POST", f"/v1/connectors/{connector['id']}/check")
    case = desk.admin.create_case()
    desk.link(case)
    made = Linked(desk, token, case["id"], case["tickets"][0]["id"])
    made.set_ref(settled_status="open", settled_native="Open", ticket_status="Open", due_at=None)
    return made


@pytest.mark.parametrize("state", [DEAD, UNDER_WAY], ids=["dead", "under way"])
@pytest.mark.parametrize("status", ["Triage", "Resolved"])
def test_news_that_settles_a_ref_has_its_push_looked_at_again(
    linked: Linked, state: dict[str, Any], status: str
) -> None:
    linked.move("resolved")
    linked.set_ref(**state)

    linked.deliver(status, actor={"id": "ada"})

    ref = linked.ref()
    assert (ref.settled_native, linked.status()) == (status, status.lower())
    assert ref.due_at is not None
    assert ref.dead_at is None


def test_a_ticket_that_moved_before_the_case_has_a_dead_push_tried_again(linked: Linked) -> None:
    linked.move("resolved")
    linked.set_ref(**DEAD)

    answer = linked.deliver("Triage", actor={"id": "ada"}, occurred_at=MORNING.isoformat())

    ref = linked.ref()
    assert answer["reason"] == "superseded_by_case"
    assert (linked.status(), ref.ticket_status) == ("resolved", "Triage")
    assert ref.due_at is not None
    assert ref.dead_at is None


def test_news_about_a_ref_at_rest_wakes_nobody(linked: Linked) -> None:
    linked.deliver("Triage", actor={"id": "ada"})

    assert linked.ref().due_at is None
    assert linked.status() == "triage"


def test_the_webhook_of_our_own_minting_does_not_bring_the_case_back(linked: Linked) -> None:
    linked.move("resolved")
    linked.set_ref(settled_status=None, settled_native=None, ticket_status="Open")

    answer = linked.deliver("Open")

    assert answer == {
        "applied": False,
        "reason": "last_known_status",
        "event_id": answer["event_id"],
    }
    assert linked.status() == "resolved"


def test_a_human_is_heard_before_the_first_push_has_settled(linked: Linked) -> None:
    linked.set_ref(settled_status=None, settled_native=None, ticket_status="Open")

    linked.deliver("Contained", actor={"id": "ada"})

    assert linked.status() == "contained"
