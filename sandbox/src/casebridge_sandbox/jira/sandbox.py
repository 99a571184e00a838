"""The stand-in Jira."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from casebridge_sandbox.exchange import Call, Reply
from casebridge_sandbox.jira.about import AboutCalls
from casebridge_sandbox.jira.admin import AdminCalls
from casebridge_sandbox.jira.comments import CommentCalls
from casebridge_sandbox.jira.documents import text_of
from casebridge_sandbox.jira.errors import UNAVAILABLE_PAGE, error_reply
from casebridge_sandbox.jira.gateway import GatewayCalls, enter
from casebridge_sandbox.jira.index import SearchIndex
from casebridge_sandbox.jira.issues import IssueCalls
from casebridge_sandbox.jira.notices import NoticeWriter
from casebridge_sandbox.jira.scenario import PRESETS, JiraScenario
from casebridge_sandbox.jira.search import SearchCalls
from casebridge_sandbox.jira.site import JiraSite, account_of
from casebridge_sandbox.jira.transitions import TransitionCalls
from casebridge_sandbox.numbering import IdSource, NumericIds
from casebridge_sandbox.sandbox import ActionRefused, VendorSandbox
from casebridge_sandbox.webhooks import RetryPolicy, WebhookEndpoint, WebhookMessage

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock
    from casebridge_sandbox.desk import TicketEvent
    from casebridge_sandbox.faults import Fault
    from casebridge_sandbox.routing import Operation
    from casebridge_sandbox.tickets import Comment, Person, Ticket
    from casebridge_sandbox.workflow import Workflow

__all__ = ("JiraSandbox",)

_RETRIED = frozenset({408, 409, 425, 429, *range(500, 600)})
_BURST_LIMIT = 100


class JiraSandbox(VendorSandbox[JiraScenario]):
    """A stand-in Jira, Cloud or Data Center.

    Args:
        scenario: How it behaves.
        clock: Where the time comes from; the system clock unless given.

    Example:
        >>> from casebridge_sandbox import running
        >>> with running(JiraSandbox(JiraScenario(project="SOC"))) as vendor:
        ...     vendor.control.create_ticket("Phishing mail").key
        'SOC-1'
    """

    vendor = "jira"
    title = "Jira"
    presets: ClassVar[Mapping[str, JiraScenario]] = PRESETS

    def __init__(self, scenario: JiraScenario | None = None, *, clock: Clock | None = None) -> None:
        self._index = SearchIndex()
        self._site = JiraSite(self)
        self._notices = NoticeWriter(0)
        super().__init__(scenario or JiraScenario(), clock=clock)

    @override
    def reset(self) -> None:
        self._index.clear()
        self._site.reset()
        self._notices = NoticeWriter(self._first_scenario.seed)
        super().reset()

    @property
    @override
    def context_path(self) -> str:
        return self.scenario.context_path.rstrip("/")

    @override
    def id_source(self) -> IdSource:
        return NumericIds()

    @override
    def accounts(self) -> Sequence[Person]:
        return (account_of(self.scenario), *self.scenario.people)

    @override
    def operations(self) -> Sequence[Operation]:
        transitions = TransitionCalls(self._site)
        return (
            *SearchCalls(self._site, self._index).operations(),
            *AboutCalls(self._site).operations(),
            *IssueCalls(self._site, transitions).operations(),
            *transitions.operations(),
            *CommentCalls(self._site).operations(),
            *AdminCalls(self._site).operations(),
            *GatewayCalls(self._site).operations(),
        )

    @override
    def page_reference(self, call: Call) -> str | None:
        prefix, _, key = call.path.rpartition("/")
        return key if prefix == "/browse" else None

    @override
    def page_path(self, ticket: Ticket) -> str:
        return f"/browse/{ticket.key}"

    @override
    def enter(self, call: Call) -> Call | Reply:
        return enter(call, self.scenario)

    @override
    def identify(self, call: Call) -> Person | None:
        return self._site.identify(call)

    @override
    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        return self._site.refuse_anonymous(call, operation)

    @override
    def workflow(self, project: str) -> Workflow:
        return self.scenario.workflow

    @override
    def messages(self, event: TicketEvent, endpoint: WebhookEndpoint) -> list[WebhookMessage]:
        shapes = self._site.shapes_of("2")
        return self._notices.messages(event, endpoint, self.scenario, shapes)

    @override
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            retries=self.scenario.webhook_retries
            if self.scenario.webhook_format == "webhook"
            else 0,
            pause_seconds=self.scenario.webhook_pause_seconds,
            timeout_seconds=self.scenario.webhook_timeout_seconds,
            statuses=_RETRIED,
        )

    @override
    def on_event(self, event: TicketEvent) -> None:
        self._index.note(
            event.ticket,
            event.at,
            self.scenario,
            gone=event.ticket.id not in self.desk.tickets,
        )

    @override
    def headers(self, call: Call) -> Mapping[str, str]:
        if self.scenario.is_cloud:
            traced = {"atl-traceid": f"{len(self.requests.calls):032x}"}
            return traced | self._site.near_limit(_BURST_LIMIT)
        # Data Center sends these with every answer; retry-after 0 means: go on.
        return {
            "x-arequestid": f"1x{len(self.requests.calls)}x1",
            "x-ratelimit-limit": str(_BURST_LIMIT),
            "x-ratelimit-remaining": str(_BURST_LIMIT - 1),
            "x-ratelimit-interval-seconds": "1",
            "x-ratelimit-fillrate": "10",
            "retry-after": "0",
        }

    @override
    def failure(self, status: int) -> Reply:
        return error_reply(status, "The request could not be completed.")

    @override
    def unknown_path(self, call: Call) -> Reply:
        methods = self.router.methods(call.path)
        if methods and call.method not in methods:
            return Reply(405, headers={"allow": ", ".join(methods)})
        return Reply.json(
            {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": f"No endpoint {call.method} {call.path}.",
                "instance": call.path,
            },
            404,
            media_type="application/problem+json",
        )

    @override
    def rate_limited(self, fault: Fault) -> Reply:
        reply = self._site.too_many(
            "jira-burst-based", timedelta(seconds=fault.retry_after), _BURST_LIMIT
        )
        return Reply(reply.status, reply.body, {**reply.headers, **fault.headers})

    @override
    def html_page(self, *, error: bool) -> Reply:
        return Reply.html(UNAVAILABLE_PAGE, 404 if error else 200)

    @override
    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        if value is None:
            return None, None
        match field:
            case "status":
                return str(value), self.scenario.workflow.name_of(str(value))
            case "assignee":
                person = self.desk.people.get(str(value))
                if person is None:
                    return str(value), None
                name = person.id if self.scenario.is_cloud else person.name
                return name, person.display_name
            case "resolution" | "priority":
                names = (
                    self.scenario.resolutions if field == "resolution" else self.scenario.priorities
                )
                number = names.index(str(value)) + 1 if value in names else 0
                return str(number), str(value)
            case "labels" if isinstance(value, list):
                return None, " ".join(str(label) for label in value)
            case _:
                return None, text_of(value) if isinstance(value, dict) else str(value)

    @override
    def text_of(self, ticket: Ticket, field: str) -> str:
        return text_of(ticket.fields.get(field))

    @override
    def comment_text(self, comment: Comment) -> str:
        return text_of(comment.body)

    @override
    def fields_on_move(
        self, ticket: Ticket, status: str, fields: Mapping[str, object]
    ) -> Mapping[str, object]:
        changes = dict(fields)
        target = self.scenario.workflow.status(status)
        if target is None or not self.scenario.resolve_on_done:
            return changes
        if target.category == "done":
            if not ticket.fields.get("resolution"):
                changes.setdefault("resolution", self.scenario.resolutions[0])
        elif ticket.fields.get("resolution"):
            changes.setdefault("resolution", None)
        return changes

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
        key = project or self.scenario.project
        if key not in self.scenario.projects:
            msg = f"there is no project {key!r}; there are: {', '.join(self.scenario.projects)}"
            raise ActionRefused(msg)
        values = {"summary": summary, "description": description or None, **fields}
        return self.desk.create(
            person,
            key=f"{key}-{self.desk.next_number(key)}",
            project=key,
            type_=self.scenario.issue_types[0],
            status=self.scenario.workflow.initial,
            fields={name: value for name, value in values.items() if value is not None},
        )

    @override
    def human_rename(self, ticket: Ticket, person: Person, project: str) -> None:
        if project not in self.scenario.projects:
            msg = f"there is no project {project!r}; there are: {', '.join(self.scenario.projects)}"
            raise ActionRefused(msg)
        key = f"{project}-{self.desk.next_number(project)}"
        self.desk.rename(ticket, person, project=project, key=key)
