"""A vendor described in one class: usual answers for all that the description leaves out."""

from __future__ import annotations

import base64
import binascii
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar

import msgspec
from typing_extensions import override

from casebridge_sandbox.desk import TicketEvent
from casebridge_sandbox.exchange import Call, Refusal, Reply
from casebridge_sandbox.faults import Fault
from casebridge_sandbox.numbering import IdSource, NumericIds
from casebridge_sandbox.sandbox import ActionRefused, Scenario, VendorSandbox
from casebridge_sandbox.signatures import hub_signature
from casebridge_sandbox.tickets import Person, Ticket
from casebridge_sandbox.webhooks import RetryPolicy, WebhookEndpoint, WebhookMessage
from casebridge_sandbox.workflow import Status, Workflow

__all__ = ("Simulator", "SimulatorScenario")

_PAGE = re.compile(r"/tickets/([^/]+)/page")


class SimulatorScenario(Scenario, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a simulator behaves.

    Attributes:
        token: What the integration signs in with: as a bearer token, or as the password of
            ``account`` in basic authentication.
        account: The integration's own account.
        flow: Another workflow than the simulator's own, for example a stricter one.
    """

    people: tuple[Person, ...] = (
        Person(id="ada", name="ada", display_name="Ada Analyst", email="ada@example.com"),
        Person(id="ben", name="ben", display_name="Ben Responder", email="ben@example.com"),
    )
    token: str = "simulator-token"  # noqa: S105 - opens nothing but the simulator
    account: Person = Person(id="bridge", name="bridge", display_name="Casebridge")
    flow: Workflow | None = None


class Simulator(VendorSandbox[SimulatorScenario]):
    """A vendor of your own.

    Say what its API answers (`operations`) and what its webhooks hold (`payload`); accounts,
    sign-in, workflow, tickets, history, pages, faults and signed delivery are there. Everything
    can be said otherwise by overriding it, as in `VendorSandbox`.

    Attributes:
        flow: The workflow of its tickets.
        signature_header: The header that bears ``sha256=`` and the hexadecimal HMAC.
    """

    flow: ClassVar[Workflow]
    signature_header: ClassVar[str] = "X-AiSOC-Signature"
    presets: ClassVar[Mapping[str, Scenario]] = {"standard": SimulatorScenario()}

    def __init__(self, scenario: SimulatorScenario | None = None) -> None:
        super().__init__(scenario or SimulatorScenario())

    # What a description says.

    @abstractmethod
    def payload(self, event: TicketEvent) -> object:
        """Return the JSON of the webhook about an event, or None to send none."""

    # What its handlers build upon.

    def mint(self, call: Call, summary: str, **fields: object) -> Ticket:
        """Create a ticket for the caller, in the first status of the workflow."""
        return self._create(call.person, {"summary": summary, **fields})

    def ticket(self, call: Call) -> Ticket:
        """Return the ticket that the ``{id}`` of the path names.

        Raises:
            Refusal: 404, if there is none.
        """
        found = self.desk.tickets.get(call.params["id"])
        if found is None:
            raise Refusal(self.failure(404))
        return found

    def status_of(self, ticket: Ticket) -> Status:
        """Return a ticket's status, which has an id, a name and a category."""
        status = self.workflow(ticket.project).status(ticket.status)
        return status or Status(id=ticket.status, name=ticket.status, category="active")

    def move(self, call: Call, ticket: Ticket, status: str) -> None:
        """Bring a ticket to a status, by id or name, as far as the workflow lets the caller.

        Raises:
            Refusal: 409, if it does not; nothing happens to a ticket that is there already.
        """
        if status in {ticket.status, self.status_of(ticket).name}:
            return
        try:
            self.human_move(ticket, call.person, status, {})
        except ActionRefused as refused:
            raise Refusal(Reply.json({"error": str(refused)}, 409)) from refused

    # What a description may say otherwise.

    @override
    def id_source(self) -> IdSource:
        return NumericIds(1)

    @override
    def accounts(self) -> Sequence[Person]:
        return (self.scenario.account, *self.scenario.people)

    @override
    def identify(self, call: Call) -> Person | None:
        scheme, _, credential = call.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == "basic":
            name, _, credential = _decoded(credential).partition(":")
            if name != self.scenario.account.name:
                return None
        return self.scenario.account if credential == self.scenario.token else None

    @override
    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        return self.failure(401)

    @override
    def workflow(self, project: str) -> Workflow:
        return self.scenario.flow or self.flow

    @override
    def messages(self, event: TicketEvent, endpoint: WebhookEndpoint) -> list[WebhookMessage]:
        payload = self.payload(event)
        if payload is None or event.cascade:
            return []
        body = msgspec.json.encode(payload)
        headers = {"content-type": "application/json", **endpoint.headers}
        if endpoint.secret:
            headers[self.signature_header] = hub_signature(endpoint.secret, body)
        return [
            WebhookMessage(event=event.kind, ticket=event.ticket.key, body=body, headers=headers)
        ]

    @override
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(timeout_seconds=self.scenario.webhook_timeout_seconds)

    @override
    def failure(self, status: int) -> Reply:
        return Reply.json({"error": HTTPStatus(status).phrase}, status)

    @override
    def unknown_path(self, call: Call) -> Reply:
        return self.failure(404)

    @override
    def rate_limited(self, fault: Fault) -> Reply:
        return self.failure(429).with_headers({"retry-after": str(fault.retry_after)})

    @override
    def html_page(self, *, error: bool) -> Reply:
        page = f"<!doctype html><title>{self.title}</title><p>Down for maintenance.</p>"
        return Reply.html(page, 503 if error else 200)

    @override
    def page_reference(self, call: Call) -> str | None:
        found = _PAGE.fullmatch(call.path)
        return found[1] if found else None

    @override
    def page_path(self, ticket: Ticket) -> str:
        return f"/tickets/{ticket.id}/page"

    @override
    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        if value is None:
            return None, None
        if field == "status":
            return str(value), self.workflow(ticket.project).name_of(str(value))
        return str(value), str(value)

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
        return self._create(person, {"summary": summary, "description": description, **fields})

    def _create(self, person: Person, fields: Mapping[str, object]) -> Ticket:
        number = self.desk.next_number(self.vendor)
        return self.desk.create(
            person,
            key=f"{self.vendor.upper()}-{number}",
            project=self.vendor,
            type_="ticket",
            status=self.workflow(self.vendor).initial,
            fields=fields,
            ticket_id=str(number),
        )


def _decoded(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
