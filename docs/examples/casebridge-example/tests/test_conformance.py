"""The adapter against a simulator of acme, with every rule of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from casebridge_example import plugin

from casebridge_core.testing import AdapterTests, SimulatedVendor
from casebridge_sandbox import (
    Call,
    Comment,
    Operation,
    Reply,
    Simulator,
    Status,
    Ticket,
    TicketEvent,
    open_workflow,
    running,
)


class AcmeSimulator(Simulator):
    """Acme, as far as the adapter knows it."""

    vendor = "acme"
    title = "Acme Tracker"
    flow = open_workflow(
        (
            Status(id="1", name="Open", category="new"),
            Status(id="2", name="Working", category="active"),
            Status(id="3", name="Solved", category="done"),
        ),
        initial="1",
    )

    def operations(self) -> Sequence[Operation]:
        return (
            Operation("create", "POST", "/tickets", self.create),
            Operation("search", "GET", "/tickets", self.search),
            Operation("fetch", "GET", "/tickets/{id}", self.fetch),
            Operation("move", "PATCH", "/tickets/{id}", self.change),
            Operation("comment", "POST", "/tickets/{id}/comments", self.comment),
            Operation("comments", "GET", "/tickets/{id}/comments", self.comments),
            Operation("me", "GET", "/me", lambda call: Reply.json({"id": call.person.id})),
        )

    def create(self, call: Call) -> Reply:
        body = call.json_object()
        if len(str(body["title"])) > 200:
            return self.failure(422)
        ticket = self.mint(call, str(body["title"]), key=body["key"], text=body["text"])
        return Reply.json(self.told(ticket), 201)

    def search(self, call: Call) -> Reply:
        key, since = call.argument("key"), call.argument("changed_since")
        return Reply.json(
            [
                self.told(ticket)
                for ticket in self.desk.tickets.values()
                if key in {None, ticket.fields["key"]}
                if since is None or ticket.updated.isoformat() >= since
            ]
        )

    def fetch(self, call: Call) -> Reply:
        return Reply.json(self.told(self.ticket(call)))

    def change(self, call: Call) -> Reply:
        self.move(call, self.ticket(call), str(call.json_object()["status"]))
        return Reply.empty()

    def comment(self, call: Call) -> Reply:
        text = str(call.json_object()["text"])
        if len(text) > 10_000:
            return self.failure(422)
        return Reply.json(noted(self.desk.comment(self.ticket(call), call.person, text)), 201)

    def comments(self, call: Call) -> Reply:
        return Reply.json([noted(comment) for comment in self.ticket(call).comments])

    def told(self, ticket: Ticket) -> dict[str, object]:
        return {
            "id": int(ticket.id),
            "status": self.status_of(ticket).name,
            "changed": ticket.updated,
            "key": ticket.fields.get("key"),
            "owner": ticket.assignee,
        }

    def payload(self, event: TicketEvent) -> object:
        names = {"assignee": "owner"}
        return {
            "acme": {
                "ticket": self.told(event.ticket),
                "by": event.actor.id,
                "at": event.at,
                "changes": [names.get(each.field, each.field) for each in event.changes],
                "comment": event.comment and noted(event.comment),
                "deleted": event.kind == "deleted",
            }
        }


def noted(comment: Comment) -> dict[str, object]:
    return {"id": int(comment.id), "text": comment.body, "author": comment.author.id}


class TestAcme(AdapterTests):
    plugin = plugin

    @pytest.fixture(scope="module")
    @staticmethod
    def vendor() -> Iterator[SimulatedVendor]:
        with running(AcmeSimulator()) as acme:
            yield SimulatedVendor(acme, {"base_url": acme.url, "token": "simulator-token"})
