"""A stand-in vendor: what every description of one builds upon."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import msgspec

from casebridge_sandbox.clock import Clock, SandboxClock
from casebridge_sandbox.deliveries import DeliveryQueue
from casebridge_sandbox.desk import Desk, TicketEvent
from casebridge_sandbox.faults import Fault, FaultPlan
from casebridge_sandbox.requests import RequestLog
from casebridge_sandbox.routing import Operation, Router
from casebridge_sandbox.tickets import Comment, Person, Ticket
from casebridge_sandbox.workflow import Transition, Workflow

if TYPE_CHECKING:
    from casebridge_sandbox.exchange import Call, Reply
    from casebridge_sandbox.numbering import IdSource
    from casebridge_sandbox.webhooks import RetryPolicy, WebhookEndpoint, WebhookMessage

__all__ = ("ActionRefused", "Scenario", "VendorSandbox")


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every vendor's scenario has.

    Attributes:
        people: The people who work at the vendor, beside the integration's own account.
        seed: What every chance and every made-up id is derived from.
        latency_seconds: How long every API call takes, in seconds.
        webhook_timeout_seconds: How long the vendor waits for the answer to a webhook,
            in seconds.
    """

    people: tuple[Person, ...] = ()
    seed: int = 0
    latency_seconds: float = 0.0
    webhook_timeout_seconds: float = 10.0


ScenarioT = TypeVar("ScenarioT", bound=Scenario)


class ActionRefused(Exception):
    """A person wanted something of the vendor that it does not allow."""


class VendorSandbox(ABC, Generic[ScenarioT]):
    """A stand-in vendor.

    A description of a vendor is a subclass: it names the operations of the API, tells who
    a caller is, and writes the bodies of the webhooks. State, faults, delivery, pages, the
    control API, and the server are here and in the modules beside this one.

    Args:
        scenario: How the vendor behaves; the defaults of its scenario unless given.
        clock: Where the time comes from; the system clock unless given.

    Attributes:
        vendor: The short name, in lower case.
        title: The name of the pages.
        presets: Named scenarios.
        summary_field: The name of the field with the one-line summary.
        comments_are_final: Whether nobody can edit or delete a comment.
        operation_names: The names of the operations that faults can strike.
        scenario: The present scenario.
        clock: The sandbox's clock.
        desk: People and tickets.
        faults: The faults of the API.
        webhooks: The outgoing messages.
        requests: The log of calls.
        origin: The address of the server, without a slash at the end; set by the runner.
    """

    vendor: ClassVar[str]
    title: ClassVar[str]
    presets: ClassVar[Mapping[str, Scenario]]
    summary_field: ClassVar[str] = "summary"
    comments_are_final: ClassVar[bool] = False

    def __init__(self, scenario: ScenarioT, *, clock: Clock | None = None) -> None:
        self._first_scenario = scenario
        self.scenario = scenario
        self.clock = SandboxClock(clock)
        self.webhooks = DeliveryQueue(clock=self.clock, policy=self.retry_policy)
        self.requests = RequestLog()
        self.origin = "http://127.0.0.1"
        self._start_afresh()
        operations = self.operations()
        self.router = Router(operations)
        self.operation_names = tuple(sorted({name for each in operations for name in each.names}))

    def _start_afresh(self) -> None:
        self.faults = FaultPlan(self.scenario.seed)
        self.desk = Desk(
            clock=self.clock, ids=self.id_source(), wording=self, publish=self._published
        )
        self.desk.enrol(self.accounts())

    def reset(self) -> None:
        """Go back to the beginning: no tickets, faults, endpoints, or logs; first scenario."""
        self.scenario = self._first_scenario
        self.clock.rewind()
        self.webhooks.clear()
        self.requests.clear()
        self._start_afresh()

    def configure(self, scenario: ScenarioT) -> None:
        """Go on under another scenario; tickets and logs stay."""
        if scenario.seed != self.scenario.seed:
            self.faults = FaultPlan(scenario.seed)
        self.scenario = scenario
        self.desk.enrol(self.accounts())

    # What a description must say.

    @abstractmethod
    def id_source(self) -> IdSource:
        """Return where the ids of new things come from."""

    @abstractmethod
    def accounts(self) -> Sequence[Person]:
        """Return everybody who has an account."""

    @abstractmethod
    def operations(self) -> Sequence[Operation]:
        """Return the calls of the API."""

    @abstractmethod
    def page_reference(self, call: Call) -> str | None:
        """Return the id or key of the ticket whose page a call asks for, or None."""

    @abstractmethod
    def identify(self, call: Call) -> Person | None:
        """Return whose credentials a call carries, or None."""

    @abstractmethod
    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        """Return the answer to an anonymous call, or None to let it through."""

    @abstractmethod
    def workflow(self, project: str) -> Workflow:
        """Return the workflow of a project or table."""

    @abstractmethod
    def messages(self, event: TicketEvent, endpoint: WebhookEndpoint) -> list[WebhookMessage]:
        """Return what the vendor sends to an endpoint when something happened."""

    @abstractmethod
    def retry_policy(self) -> RetryPolicy:
        """Return when the vendor sends a webhook again."""

    @abstractmethod
    def failure(self, status: int) -> Reply:
        """Return the vendor's usual answer with an error status."""

    @abstractmethod
    def unknown_path(self, call: Call) -> Reply:
        """Return the vendor's answer to a path it does not know."""

    @abstractmethod
    def rate_limited(self, fault: Fault) -> Reply:
        """Return the vendor's 429."""

    @abstractmethod
    def html_page(self, *, error: bool) -> Reply:
        """Return the HTML page that stands before the API, with an error status or with 200."""

    @abstractmethod
    def page_path(self, ticket: Ticket) -> str:
        """Return the path and query of a ticket's page."""

    @abstractmethod
    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        """Return how a value reads in the history: its id and its text."""

    # What a description may say otherwise.

    @property
    def context_path(self) -> str:
        """What every path begins with; empty, or a slash and a name."""
        return ""

    @property
    def revision(self) -> int:
        """A number that changes whenever a page of the sandbox looks different."""
        return self.desk.revision + len(self.webhooks.attempts)

    @property
    def base_url(self) -> str:
        """The address that an integration is configured with."""
        return self.origin + self.context_path

    def enter(self, call: Call) -> Call | Reply:
        """Return a call as the API behind its entrance sees it, or the answer at the door."""
        return call

    def headers(self, call: Call) -> Mapping[str, str]:  # noqa: ARG002 - for descriptions
        """Return headers that every answer of the API carries."""
        return {}

    def result_and_error(self, reply: Reply) -> Reply:
        """Return an answer with an error beside its result, for vendors that do that."""
        return reply

    def on_event(self, event: TicketEvent) -> None:
        """Take note of an event before it is sent; the search index does."""

    def after_event(self, event: TicketEvent) -> None:
        """Do what follows from an event, once it is on its way."""

    def time_passed(self) -> None:
        """Do what the vendor does by itself in time; called when the clock is moved forward."""

    def text_of(self, ticket: Ticket, field: str) -> str:
        """Return a field of a ticket as plain text, for pages and views."""
        value = ticket.fields.get(field)
        return value if isinstance(value, str) else ""

    def comment_text(self, comment: Comment) -> str:
        """Return a comment as plain text, for pages and views."""
        return comment.body if isinstance(comment.body, str) else str(comment.body)

    def human_move(
        self,
        ticket: Ticket,
        person: Person,
        status: str,
        fields: Mapping[str, object],
        *,
        force: bool = False,
    ) -> None:
        """Move a ticket as a person does, along the workflow.

        Args:
            ticket: The ticket.
            person: Who moves it.
            status: The id or name of the status.
            fields: Values of the transition's screen.
            force: Whether to go there although no edge leads there.

        Raises:
            ActionRefused: If the workflow does not allow it.
        """
        workflow = self.workflow(ticket.project)
        target = workflow.status(status)
        if target is None:
            names = ", ".join(each.name for each in workflow.statuses)
            msg = f"there is no status {status!r}; there are: {names}"
            raise ActionRefused(msg)
        edges = workflow.edges(ticket.status, target.id)
        if not edges and not force:
            names = ", ".join(
                workflow.name_of(edge.to) for edge in workflow.open_from(ticket.status)
            )
            msg = f"{ticket.key} cannot go to {target.name}; it can go to: {names or 'nowhere'}"
            raise ActionRefused(msg)
        edge = edges[0] if edges else Transition(id="", name="", to=target.id)
        changes = self.fields_on_move(ticket, target.id, fields)
        missing = [
            name
            for name in (*edge.required, *edge.hidden_required)
            if not changes.get(name) and not ticket.fields.get(name)
        ]
        if missing and not force:
            msg = f"{ticket.key} cannot go to {target.name} without: {', '.join(missing)}"
            raise ActionRefused(msg)
        self.desk.update(ticket, person, status=target.id, fields=changes)

    def fields_on_move(
        self,
        ticket: Ticket,  # noqa: ARG002 - for descriptions
        status: str,  # noqa: ARG002 - for descriptions
        fields: Mapping[str, object],
    ) -> Mapping[str, object]:
        """Return what a move sets, given what the person filled in."""
        return fields

    @abstractmethod
    def human_create(
        self,
        person: Person,
        *,
        summary: str,
        description: str,
        project: str | None,
        fields: Mapping[str, object],
    ) -> Ticket:
        """Create a ticket as a person does.

        Raises:
            ActionRefused: If there is no such project.
        """

    def human_comment(
        self, ticket: Ticket, person: Person, text: str, *, internal: bool = False
    ) -> Comment:
        """Comment on a ticket as a person does."""
        return self.desk.comment(ticket, person, text, internal=internal)

    def human_rename(self, ticket: Ticket, person: Person, project: str) -> None:
        """Move a ticket to another project as a person does.

        Raises:
            ActionRefused: If the vendor has no such thing.
        """
        msg = f"{person.display_name} cannot move {ticket.key} to {project}: no such move here"
        raise ActionRefused(msg)

    def _published(self, event: TicketEvent) -> None:
        self.on_event(event)
        for endpoint in list(self.webhooks.endpoints.values()):
            if endpoint.projects and event.ticket.project not in endpoint.projects:
                continue
            for message in self.messages(event, endpoint):
                if not endpoint.events or message.event in endpoint.events:
                    self.webhooks.post(endpoint, message)
        self.after_event(event)
