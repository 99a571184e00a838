"""A vendor of one's own, described with the neutral parts alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import httpx
import pytest
from typing_extensions import override

from casebridge_sandbox import (
    Call,
    ControlRefused,
    Fault,
    IdSource,
    NumericIds,
    Operation,
    Person,
    Refusal,
    Reply,
    RetryPolicy,
    RunningSandbox,
    Scenario,
    Status,
    Ticket,
    TicketEvent,
    VendorSandbox,
    WebhookEndpoint,
    WebhookMessage,
    WebhookReceiver,
    Workflow,
    hub_signature,
    open_workflow,
    running,
)

WORKFLOW = open_workflow(
    (
        Status(id="open", name="Open", category="new"),
        Status(id="closed", name="Closed", category="done"),
    ),
    initial="open",
)


class DeskScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True):
    people: tuple[Person, ...] = (Person(id="p1", name="pat", display_name="Pat Person"),)
    token: str = "desk-token"


class DeskSandbox(VendorSandbox[DeskScenario]):
    """A help desk with two calls."""

    vendor = "desk"
    title = "Help Desk"
    presets: ClassVar[Mapping[str, DeskScenario]] = {"standard": DeskScenario()}

    @override
    def id_source(self) -> IdSource:
        return NumericIds(1)

    @override
    def accounts(self) -> Sequence[Person]:
        return (Person(id="bot", name="bot", display_name="Bot"), *self.scenario.people)

    @override
    def operations(self) -> Sequence[Operation]:
        return (
            Operation("create", "POST", "/requests", self.create),
            Operation("fetch", "GET", "/requests/{id}", self.fetch),
        )

    def create(self, call: Call) -> Reply:
        subject = call.json_object().get("subject")
        if not isinstance(subject, str):
            raise Refusal(self.failure(422))
        ticket = self.desk.create(
            call.person,
            key=f"R{self.desk.next_number('desk')}",
            project="desk",
            type_="request",
            status="open",
            fields={"summary": subject},
        )
        return Reply.json({"id": ticket.id}, 201)

    def fetch(self, call: Call) -> Reply:
        ticket = self.desk.find(call.params["id"])
        if ticket is None:
            raise Refusal(self.failure(404))
        return Reply.json({"id": ticket.id, "state": ticket.status})

    @override
    def page_reference(self, call: Call) -> str | None:
        return call.path.removeprefix("/r/") if call.path.startswith("/r/") else None

    @override
    def page_path(self, ticket: Ticket) -> str:
        return f"/r/{ticket.key}"

    @override
    def identify(self, call: Call) -> Person | None:
        known = call.headers.get("authorization") == f"Bearer {self.scenario.token}"
        return self.desk.people["bot"] if known else None

    @override
    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        return self.failure(401)

    @override
    def workflow(self, project: str) -> Workflow:
        return WORKFLOW

    @override
    def messages(self, event: TicketEvent, endpoint: WebhookEndpoint) -> list[WebhookMessage]:
        body = json.dumps({"what": event.kind, "id": event.ticket.id}).encode()
        headers = {"X-Desk-Signature": hub_signature(endpoint.secret or "", body)}
        return [
            WebhookMessage(event=event.kind, ticket=event.ticket.key, body=body, headers=headers)
        ]

    @override
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy()

    @override
    def failure(self, status: int) -> Reply:
        return Reply.json({"wrong": status}, status)

    @override
    def unknown_path(self, call: Call) -> Reply:
        return self.failure(404)

    @override
    def rate_limited(self, fault: Fault) -> Reply:
        return self.failure(429)

    @override
    def html_page(self, *, error: bool) -> Reply:
        return Reply.html("<p>Later</p>", 503 if error else 200)

    @override
    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        return (None, None) if value is None else (str(value), str(value))

    @override
    def human_create(
        self,
        person: Person,
        *,
        summary: str,
        description: str,
        project: str | None,
        fields: Mapping[str, object],
    ) -> Ticket:
        return self.desk.create(
            person,
            key=f"R{self.desk.next_number('desk')}",
            project="desk",
            type_="request",
            status="open",
            fields={"summary": summary, **fields},
        )


@pytest.fixture
def desk() -> Iterator[RunningSandbox[DeskSandbox]]:
    with running(DeskSandbox(DeskScenario())) as vendor:
        yield vendor


def test_a_vendor_of_ones_own_has_all_the_neutral_parts(
    desk: RunningSandbox[DeskSandbox], web: httpx.Client, receiver: WebhookReceiver
) -> None:
    headers = {"authorization": "Bearer desk-token"}
    desk.control.send_webhooks_to(receiver.url, secret="s")

    made = web.post(f"{desk.url}/requests", json={"subject": "Printer"}, headers=headers)
    desk.control.move("R1", "Closed")
    desk.control.comment("R1", "Fixed", by="Pat Person")
    desk.control.arm("cut_after", "create")
    with pytest.raises(httpx.RemoteProtocolError):
        web.post(f"{desk.url}/requests", json={"subject": "Again"}, headers=headers)
    read = web.get(f"{desk.url}/requests/1", headers=headers)
    stranger = web.get(f"{desk.url}/requests/1")
    desk.control.wait_until_idle()

    assert made.json() == {"id": "1"}
    assert read.json() == {"id": "1", "state": "closed"}
    assert stranger.status_code == 401
    assert len(desk.control.tickets()) == 2
    assert [each["what"] for each in receiver.bodies] == [
        "created",
        "updated",
        "comment_added",
        "created",
    ]
    assert "Printer" in web.get(f"{desk.url}/r/R1").text
    assert web.post(f"{desk.url}/requests", json={}, headers=headers).status_code == 422
    with pytest.raises(ControlRefused, match="no such move"):
        desk.control.move_project("R1", "elsewhere")
