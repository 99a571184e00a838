"""A simulator: a vendor described in one class."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

import httpx
import pytest

from casebridge_sandbox import (
    Call,
    ControlRefused,
    Operation,
    Reply,
    RunningSandbox,
    Simulator,
    SimulatorScenario,
    Status,
    Ticket,
    TicketEvent,
    Transition,
    WebhookReceiver,
    Workflow,
    hub_signature,
    open_workflow,
    running,
)

STATUSES = (
    Status(id="1", name="Open", category="new"),
    Status(id="2", name="Closed", category="done"),
)
ONE_WAY = Workflow(
    statuses=STATUSES,
    transitions=(Transition(id="11", name="Close", to="2", sources=("1",)),),
    initial="1",
)
BEARER = {"authorization": "Bearer simulator-token"}


class DeskSimulator(Simulator):
    vendor = "desk"
    title = "Help Desk"
    flow = open_workflow(STATUSES, initial="1")

    def operations(self) -> Sequence[Operation]:
        return (
            Operation("create", "POST", "/tickets", self.create),
            Operation("fetch", "GET", "/tickets/{id}", self.fetch),
            Operation("move", "PATCH", "/tickets/{id}", self.change),
        )

    def create(self, call: Call) -> Reply:
        return Reply.json(self.told(self.mint(call, "Printer", floor=3)), 201)

    def fetch(self, call: Call) -> Reply:
        return Reply.json(self.told(self.ticket(call)))

    def change(self, call: Call) -> Reply:
        self.move(call, self.ticket(call), str(call.json_object()["status"]))
        return Reply.empty()

    def told(self, ticket: Ticket) -> dict[str, object]:
        return {"id": ticket.id, "status": self.status_of(ticket).name, **ticket.fields}

    def payload(self, event: TicketEvent) -> object:
        if event.kind == "comment_added":
            return None
        return {"event": event.kind, "ticket": event.ticket.id, "by": event.actor.id}


@pytest.fixture
def desk() -> Iterator[RunningSandbox[DeskSimulator]]:
    with running(DeskSimulator()) as vendor:
        yield vendor


def test_it_answers_as_it_is_described(
    desk: RunningSandbox[DeskSimulator], web: httpx.Client
) -> None:
    made = web.post(f"{desk.url}/tickets", json={}, headers=BEARER)
    moved = web.patch(f"{desk.url}/tickets/1", json={"status": "Closed"}, headers=BEARER)
    read = web.get(f"{desk.url}/tickets/1", headers=BEARER)

    assert (made.status_code, moved.status_code) == (201, 204)
    assert read.json() == {"id": "1", "status": "Closed", "summary": "Printer", "floor": 3}
    assert web.get(f"{desk.url}/tickets/2", headers=BEARER).json() == {"error": "Not Found"}
    assert web.get(f"{desk.url}/elsewhere", headers=BEARER).status_code == 404
    assert "Printer" in web.get(f"{desk.url}/tickets/1/page").text


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer simulator-token", 201),
        (f"Basic {base64.b64encode(b'bridge:simulator-token').decode()}", 201),
        (f"Basic {base64.b64encode(b'ada:simulator-token').decode()}", 401),
        ("Basic not-base64", 401),
        ("Bearer another", 401),
        ("", 401),
    ],
)
def test_only_the_integrations_account_signs_in(
    desk: RunningSandbox[DeskSimulator], web: httpx.Client, authorization: str, status: int
) -> None:
    headers = {"authorization": authorization}

    answer = web.post(f"{desk.url}/tickets", json={}, headers=headers)

    assert answer.status_code == status


def test_what_happens_is_told_and_signed(
    desk: RunningSandbox[DeskSimulator], web: httpx.Client, receiver: WebhookReceiver
) -> None:
    desk.control.send_webhooks_to(receiver.url, secret="s3cret")

    web.post(f"{desk.url}/tickets", json={}, headers=BEARER)
    desk.control.comment("DESK-1", "Paper jam", by="Ada Analyst")
    desk.control.move("DESK-1", "Closed", by="Ben Responder")
    desk.control.delete("DESK-1", by="Ada Analyst")
    desk.control.wait_until_idle()

    assert receiver.bodies == [
        {"event": "created", "ticket": "1", "by": "bridge"},
        {"event": "updated", "ticket": "1", "by": "ben"},
        {"event": "deleted", "ticket": "1", "by": "ada"},
    ]
    for each in receiver.received:
        assert each.headers["x-aisoc-signature"] == hub_signature("s3cret", each.raw)


def test_the_workflow_holds_for_the_integration_and_for_people(web: httpx.Client) -> None:
    with running(DeskSimulator(SimulatorScenario(flow=ONE_WAY))) as desk:
        desk.control.create_ticket("Printer", fields={"floor": 3})
        ticket = f"{desk.url}/tickets/1"
        moves = [
            web.patch(ticket, json={"status": status}, headers=BEARER).status_code
            for status in ("Closed", "Closed", "Open", "Nowhere")
        ]
        refused = web.patch(ticket, json={"status": "Open"}, headers=BEARER)
        with pytest.raises(ControlRefused, match="cannot go to Open"):
            desk.control.move("DESK-1", "Open")

    assert moves == [204, 204, 409, 409]
    assert "DESK-1 cannot go to Open" in refused.json()["error"]


def test_it_has_the_faults_of_every_sandbox(
    desk: RunningSandbox[DeskSimulator], web: httpx.Client
) -> None:
    desk.control.arm("rate_limited", "create", retry_after=7)
    limited = web.post(f"{desk.url}/tickets", json={}, headers=BEARER)
    desk.control.arm("html_ok", "create")
    page = web.post(f"{desk.url}/tickets", json={}, headers=BEARER)
    desk.control.arm("html_error", "create")
    down = web.post(f"{desk.url}/tickets", json={}, headers=BEARER)

    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert (page.status_code, down.status_code) == (200, 503)
    assert "Help Desk" in page.text
    assert desk.control.tickets() == []


def test_a_handler_that_fails_says_which_and_why(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(DeskSimulator):
        def create(self, call: Call) -> Reply:
            raise NameError(f"{call.path} has no ticket")

    with running(Broken()) as desk:
        answer = httpx.post(f"{desk.url}/tickets", headers=BEARER, json={}, trust_env=False)

    told = "the simulator's handler `create` raised NameError: /tickets has no ticket"
    assert answer.status_code == 500
    assert answer.json() == {"error": told}
    assert "NameError" in caplog.text
