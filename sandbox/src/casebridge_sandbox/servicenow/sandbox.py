"""The stand-in ServiceNow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, unquote

import msgspec
from typing_extensions import override

from casebridge_sandbox.exchange import Call, Refusal, Reply
from casebridge_sandbox.numbering import HexIds, IdSource
from casebridge_sandbox.routing import Operation
from casebridge_sandbox.sandbox import ActionRefused, VendorSandbox
from casebridge_sandbox.servicenow.automation import close_what_is_old, resolve_children
from casebridge_sandbox.servicenow.errors import (
    HIBERNATING_PAGE,
    detail_of,
    error_reply,
    is_data_policy,
)
from casebridge_sandbox.servicenow.limits import HourlyLimit, over_the_limit
from casebridge_sandbox.servicenow.notices import notice
from casebridge_sandbox.servicenow.policies import Write, check_write, consequences
from casebridge_sandbox.servicenow.records import Records, user_of
from casebridge_sandbox.servicenow.scenario import PRESETS, ServiceNowScenario
from casebridge_sandbox.servicenow.sessions import Sessions
from casebridge_sandbox.servicenow.table_api import TableCalls
from casebridge_sandbox.servicenow.tables import ServiceNowTable
from casebridge_sandbox.webhooks import RetryPolicy, WebhookEndpoint, WebhookMessage

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock
    from casebridge_sandbox.desk import TicketEvent
    from casebridge_sandbox.faults import Fault
    from casebridge_sandbox.tickets import Comment, Person, Ticket
    from casebridge_sandbox.workflow import Workflow

__all__ = ("ServiceNowSandbox",)

_HOURLY_LIMIT = 1000
_CLASSIC = "/now/nav/ui/classic/params/target/"
_AWAITING_CALLER = "1"
_AWAITING_CHANGE = "5"


class ServiceNowSandbox(VendorSandbox[ServiceNowScenario]):
    """A stand-in ServiceNow.

    Args:
        scenario: How it behaves.
        clock: Where the time comes from; the system clock unless given.

    Example:
        >>> from casebridge_sandbox import running
        >>> with running(ServiceNowSandbox()) as vendor:
        ...     vendor.control.create_ticket("Phishing mail").key
        'INC0010001'
    """

    vendor = "servicenow"
    title = "ServiceNow"
    summary_field = "short_description"
    comments_are_final = True
    presets: ClassVar[Mapping[str, ServiceNowScenario]] = PRESETS

    def __init__(
        self, scenario: ServiceNowScenario | None = None, *, clock: Clock | None = None
    ) -> None:
        super().__init__(scenario or ServiceNowScenario(), clock=clock)
        self._forget()

    def _forget(self) -> None:
        self._sessions = Sessions(self.clock, self.scenario.seed)
        self._limit = HourlyLimit(self.clock)

    @override
    def reset(self) -> None:
        super().reset()
        self._forget()

    @override
    def id_source(self) -> IdSource:
        return HexIds(self.scenario.seed)

    @override
    def accounts(self) -> Sequence[Person]:
        return (user_of(self.scenario), *self.scenario.people)

    @override
    def operations(self) -> Sequence[Operation]:
        token = Operation("token", "POST", "/oauth_token.do", self._token)
        return (token, *TableCalls(self, lambda: self._limit).operations())

    @override
    def page_reference(self, call: Call) -> str | None:
        if call.path == "/nav_to.do":
            target = call.argument("uri") or ""
        elif call.path.startswith(_CLASSIC):
            target = unquote(call.path.removeprefix(_CLASSIC))
        else:
            return None
        return parse_qs(target.partition("?")[2]).get("sys_id", ["?"])[0]

    @override
    def page_path(self, ticket: Ticket) -> str:
        return f"/nav_to.do?uri={ticket.project}.do?sys_id={ticket.id}"

    @override
    def identify(self, call: Call) -> Person | None:
        return self._sessions.identify(call, self.scenario)

    @override
    def refuse_anonymous(self, call: Call, operation: str) -> Reply | None:
        if operation == "token":
            return None
        return error_reply(
            401, "User Not Authenticated", "Required to provide Auth information"
        ).with_headers({"www-authenticate": 'BASIC realm="Service-now"'})

    @override
    def workflow(self, project: str) -> Workflow:
        return (self.scenario.table(project) or self.scenario.tables[0]).workflow

    @override
    def messages(self, event: TicketEvent, endpoint: WebhookEndpoint) -> list[WebhookMessage]:
        if self.scenario.skip_own_user and event.actor.id == self.scenario.user_id:
            return []
        message = notice(
            event,
            endpoint,
            workflow=self.workflow(event.ticket.project),
            assignee=self.desk.people.get(event.ticket.assignee or ""),
            instance=self.base_url,
            form=self.scenario.rule_body,
            sign_timestamp=self.scenario.sign_timestamp,
        )
        return [message] if message else []

    @override
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            retries=self.scenario.webhook_retries,
            pause_seconds=self.scenario.webhook_pause_seconds,
            timeout_seconds=self.scenario.webhook_timeout_seconds,
            statuses=frozenset({429, *range(500, 600)}),
        )

    @override
    def failure(self, status: int) -> Reply:
        return error_reply(status, "Operation Failed", "The request could not be completed")

    @override
    def unknown_path(self, call: Call) -> Reply:
        if self.router.methods(call.path):
            return error_reply(405, "Method not allowed", f"{call.method} is not supported")
        return error_reply(
            400, "Requested URI does not represent any resource", f"URI: {call.path}"
        )

    @override
    def rate_limited(self, fault: Fault) -> Reply:
        reply = over_the_limit(_HOURLY_LIMIT, fault.retry_after, self.clock())
        return Reply(reply.status, reply.body, {**reply.headers, **fault.headers})

    @override
    def headers(self, call: Call) -> Mapping[str, str]:
        return self._limit.headers(self.scenario.requests_per_hour)

    @override
    def after_event(self, event: TicketEvent) -> None:
        if self.scenario.parent_resolves_children and event.kind == "updated":
            moved = any(change.field == "status" for change in event.changes)
            if moved:
                resolve_children(self.scenario, self.desk, event.ticket, event.actor, self.clock())

    @override
    def time_passed(self) -> None:
        close_what_is_old(self.scenario, self.desk, self.clock())

    @override
    def html_page(self, *, error: bool) -> Reply:
        return Reply.html(HIBERNATING_PAGE, 503 if error else 200)

    @override
    def result_and_error(self, reply: Reply) -> Reply:
        body: dict[str, object] = msgspec.json.decode(reply.body or b"{}")
        body["error"] = {
            "message": "Transaction cancelled: maximum execution time exceeded",
            "detail": "maximum execution time exceeded Check logs for error trace",
        }
        body["status"] = "failure"
        return Reply.json(body, reply.status, reply.headers)

    @override
    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        if value is None:
            return None, None
        records = Records(self.scenario, self.desk)
        column = {"status": "state", "assignee": "assigned_to"}.get(field, field)
        table = self.scenario.table(ticket.project) or self.scenario.tables[0]
        return str(value), records.label(column, str(value), table)

    @override
    def human_move(
        self,
        ticket: Ticket,
        person: Person,
        status: str,
        fields: Mapping[str, object],
        *,
        force: bool = False,
    ) -> None:
        table = self.scenario.table(ticket.project) or self.scenario.tables[0]
        target = table.workflow.status(status)
        if target is not None and not force:
            changes = self.fields_on_move(ticket, target.id, fields)
            write = Write(table=table, ticket=ticket, person=person, state=target.id, values=fields)
            try:
                check_write(self.scenario, write)
            except Refusal as refusal:
                if not is_data_policy(refusal):
                    raise ActionRefused(detail_of(refusal)) from refusal
            fields = changes
        super().human_move(ticket, person, status, fields, force=force)

    @override
    def fields_on_move(
        self, ticket: Ticket, status: str, fields: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Return what a move sets; a person fills in what the form makes mandatory."""
        table = self._table(ticket.project)
        changes = {
            **consequences(table, ticket, ticket.updated_by, status, self.clock()),
            **fields,
        }
        if status in table.explained:
            for name, usual in (
                ("close_code", self.scenario.close_codes[0]),
                ("close_notes", "Closed by hand."),
            ):
                if not ticket.fields.get(name):
                    changes.setdefault(name, usual)
        elif status == table.holding:
            changes.setdefault("hold_reason", _AWAITING_CHANGE)
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
        table = self._table(project)
        values = {
            "short_description": summary,
            "description": description,
            "caller_id": person.id,
            "impact": "3",
            "urgency": "3",
            **fields,
        }
        return self.desk.create(
            person,
            key=f"{table.prefix}{10_000 + self.desk.next_number(table.name):07d}",
            project=table.name,
            type_=table.name,
            status=table.workflow.initial,
            fields={name: value for name, value in values.items() if value not in (None, "")},
        )

    @override
    def human_comment(
        self, ticket: Ticket, person: Person, text: str, *, internal: bool = False
    ) -> Comment:
        """Write a journal entry; a caller's comment takes the ticket off hold."""
        kind = "work_notes" if internal else "comments"
        comment = self.desk.comment(ticket, person, text, internal=internal, kind=kind)
        holding = self._table(ticket.project).holding
        waits = ticket.status == holding and ticket.fields.get("hold_reason") == _AWAITING_CALLER
        if waits and not internal and ticket.fields.get("caller_id") == person.id:
            self.desk.update(ticket, person, status="2", fields={"hold_reason": None})
        return comment

    def _table(self, name: str | None) -> ServiceNowTable:
        table = self.scenario.table(name) if name else self.scenario.tables[0]
        if table is None:
            names = ", ".join(each.name for each in self.scenario.tables)
            msg = f"there is no table {name!r}; there are: {names}"
            raise ActionRefused(msg)
        return table

    def _token(self, call: Call) -> Reply:
        return self._sessions.token(call, self.scenario)
