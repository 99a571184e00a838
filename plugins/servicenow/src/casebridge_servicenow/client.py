"""What the hooks ask of ServiceNow, in calls of the Table API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    CommentRef,
    Connector,
    InvalidRequest,
    NativeStatus,
    OutcomeUnknown,
    Person,
    ProjectedComment,
    PushError,
    PushResult,
    StatusChange,
    Ticket,
    TicketNotFound,
    TicketRef,
    TransitionRejected,
    UnexpectedResponse,
)
from casebridge_servicenow import fields
from casebridge_servicenow.comments import ENTRY_FIELDS, carries, key_in, marked
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.refusals import RefusedByRule
from casebridge_servicenow.statuses import (
    CLOSED,
    IN_PROGRESS,
    NEW,
    ON_HOLD,
    RESOLVED,
)
from casebridge_servicenow.table_api import TableApi
from casebridge_servicenow.tickets import read_ticket, ticket_fields
from casebridge_servicenow.values import Row, label_of, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

_MOST_TICKETS: Final = 20
_MOST_COMMENTS: Final = 100
_MOST_CHOICES: Final = 200


class ServiceNowClient:
    """One connector's view of its instance."""

    def __init__(self, connector: Connector[ServiceNowConfig]) -> None:
        """Bind the connector's configuration and its HTTP client."""
        self.config = connector.config
        self.api = TableApi(connector)

    async def create(self, projection: CaseProjection) -> PushResult:
        """Create a ticket that carries the correlation key."""
        values = fields.new_ticket(self.config, projection)
        row = await self.api.insert(self.config.table, values, ticket_fields(self.config))
        ticket = read_ticket(self.config, row)
        if ticket is None:
            raise OutcomeUnknown("the new record came back without its sys_id; it may be stored")
        notes = _notes(ticket, projection.correlation_key, self.config.correlation_field)
        return PushResult(ticket=ticket, notes=notes)

    async def find(self, correlation_key: str) -> tuple[Ticket, ...]:
        """Return the tickets with exactly this key, oldest first.

        Raises:
            InvalidRequest: ServiceNow ignored the condition, so that nothing can be found by key.
        """
        field = self.config.correlation_field
        query = both(where(field, "=", correlation_key), oldest_first("sys_created_on"))
        wanted = ticket_fields(self.config)
        rows = await self.api.rows(self.config.table, query, wanted, limit=_MOST_TICKETS)
        keys = {value_of(row.get(field)).casefold() for row in rows}
        if keys - {correlation_key.casefold()}:
            raise InvalidRequest(
                f"{self.config.table} cannot be searched by {field}: let the integration account"
                " read that field, or configure a field that the table has",
                fields=(field,),
            )
        tickets = (read_ticket(self.config, row) for row in rows)
        return tuple(t for t in tickets if t is not None and t.correlation_key == correlation_key)

    async def fetch(self, ref: TicketRef) -> Ticket:
        """Read a ticket."""
        return self._ticket(await self._row(ref))

    async def move(self, ref: TicketRef, change: StatusChange) -> Ticket:
        """Bring a ticket to a state, unless it is there, and read it back.

        Raises:
            TransitionRejected: a rule of the instance refuses it, or the state does not exist.
        """
        row = await self._row(ref)
        ticket = self._ticket(row)
        if _is_there(ticket.status, change):
            return ticket
        target = await self._state(change.native)
        if ticket.status.matches(target.id or target.name):
            return ticket
        filled = frozenset(n for n in ("close_code", "close_notes") if value_of(row.get(n)))
        values = fields.status_change(self.config, ticket, change, target, filled=filled)
        try:
            await self._write_state(ticket, target, values)
        except RefusedByRule as refused:
            raise _rejected(refused, ticket, target) from refused
        except InvalidRequest as closed:
            if ticket.status.id != CLOSED:
                raise
            raise TransitionRejected(
                f"{ref.key} is {ticket.status.name} and cannot be written any more: reopen it in"
                f" ServiceNow to bring it to {target.name}. {closed}"
            ) from closed
        return await self.fetch(ref)

    async def comment(self, ref: TicketRef, comment: ProjectedComment) -> CommentRef:
        """Append a comment with its key to the journal.

        The id is the journal entry's, or the key where the account may not read the journal.
        """
        text = marked(comment.text, comment.key)
        await self.api.patch(
            self.config.table, ref.external_id, {self.config.comment_field: text}, ("sys_id",)
        )
        try:
            found = await self._entries(ref, comment.key)
        except PushError:
            found = ()  # it stands on the ticket: a failed look must not have it posted again
        return found[-1] if found else CommentRef(external_id=comment.key)

    async def find_comment(self, ref: TicketRef, key: str) -> tuple[CommentRef, ...]:
        """Return the comments on a ticket that carry a key, oldest first.

        Where ``sys_journal_field`` is closed to the account, the ticket's own rendering of its
        journal is read instead.
        """
        try:
            return await self._entries(ref, key)
        except InvalidRequest as closed:
            shown = await self._journal_shown(ref)
            if not shown:
                raise InvalidRequest(
                    f"{closed}; without it no comment can be found again",
                    fields=("sys_journal_field",),
                ) from closed
            return (CommentRef(external_id=key),) if carries(shown, key) else ()

    async def account(self) -> Row:
        """Return the integration account's row of ``sys_user``, empty when it is out of sight."""
        query = where("user_name", "=", self.config.username)
        wanted = ("sys_id", "user_name", "name", "email", "time_zone")
        rows = await self.api.rows("sys_user", query, wanted, limit=2)
        name = self.config.username.casefold()
        return next((r for r in rows if value_of(r.get("user_name")).casefold() == name), {})

    async def identify(self) -> Person:
        """Tell whose credential this is: webhooks name the actor by user name."""
        try:
            row = await self.account()
        except InvalidRequest:  # signed in, and not allowed to read sys_user
            row = {}
        return Person(
            id=value_of(row.get("user_name")) or self.config.username,
            name=value_of(row.get("name")) or None,
            email=value_of(row.get("email")) or None,
        )

    async def choices(self, element: str) -> tuple[tuple[str, str], ...]:
        """Return the values and labels that a field of the table offers here, in order.

        A table without choices of its own takes those of ``task``.
        """
        for table in dict.fromkeys((self.config.table, "incident", "task")):
            query = both(
                where("name", "=", table),
                where("element", "=", element),
                "inactive=false",
                oldest_first("sequence"),
            )
            rows = await self.api.rows("sys_choice", query, ("value", "label"), limit=_MOST_CHOICES)
            found = {value_of(row.get("value")): value_of(row.get("label")) for row in rows}
            found.pop("", None)
            if found:
                return tuple(found.items())
        return ()

    async def _row(self, ref: TicketRef) -> Row:
        try:
            return await self.api.row(
                self.config.table, ref.external_id, ticket_fields(self.config)
            )
        except TicketNotFound as gone:
            raise TicketNotFound(
                f"{ref.key} is deleted, or the integration account may not see it"
            ) from gone

    def _ticket(self, row: Row) -> Ticket:
        ticket = read_ticket(self.config, row)
        if ticket is None:
            raise UnexpectedResponse(
                "the record came back without sys_id or state: the integration account may not"
                " read these fields"
            )
        return ticket

    async def _state(self, native: str) -> NativeStatus:
        model = self.config.states
        code = model.code_of(native)
        if code is not None:
            return NativeStatus(id=code, name=model.labels.get(code, native))
        choices = await self.choices("state")
        wanted = native.strip().casefold()
        for value, label in choices:
            if label.strip().casefold() == wanted:
                return NativeStatus(id=value, name=label)
        raise TransitionRejected(
            f"{self.config.table} has no state {native!r}: correct the connector's status map",
            allowed=tuple(f"{label} ({value})" for value, label in choices),
        )

    async def _write_state(
        self, ticket: Ticket, target: NativeStatus, values: dict[str, str]
    ) -> None:
        """Write a state, by way of In Progress where a rule refuses the straight way.

        ServiceNow publishes no transitions; instances that guard the state model let a ticket be
        resolved only after somebody has worked on it.
        """
        sys_id, table = ticket.ref.external_id, self.config.table
        try:
            await self.api.patch(table, sys_id, values, ("sys_id",))
        except RefusedByRule as refused:
            not_started = ticket.status.id in {NEW, ON_HOLD} and target.id in {RESOLVED, CLOSED}
            if table != "incident" or refused.fields or not not_started:
                raise
            started = {"state": IN_PROGRESS, "incident_state": IN_PROGRESS}
            await self.api.patch(table, sys_id, started, ("sys_id",))
            await self.api.patch(table, sys_id, values, ("sys_id",))

    async def _entries(self, ref: TicketRef, key: str) -> tuple[CommentRef, ...]:
        query = both(
            where("element_id", "=", ref.external_id),
            where("value", "LIKE", key),
            oldest_first("sys_created_on"),
        )
        rows = await self.api.rows("sys_journal_field", query, ENTRY_FIELDS, limit=_MOST_COMMENTS)
        return tuple(
            CommentRef(external_id=value_of(row.get("sys_id")))
            for row in rows
            if value_of(row.get("element_id")) == ref.external_id
            and key_in(value_of(row.get("value"))) == key
        )

    async def _journal_shown(self, ref: TicketRef) -> str:
        field = self.config.comment_field
        row = await self.api.row(self.config.table, ref.external_id, ("sys_id", field))
        return label_of(row.get(field))


def _is_there(status: NativeStatus, change: StatusChange) -> bool:
    """Tell whether a ticket is where a change wants it.

    An incident that ServiceNow closed after it was resolved is past Resolved, not short of it.
    """
    closed_for_good = status.id == CLOSED and change.native == RESOLVED
    return status.matches(change.native) or (
        closed_for_good and change.status is CaseStatus.CLOSED and not change.forced
    )


def _rejected(refused: RefusedByRule, ticket: Ticket, target: NativeStatus) -> TransitionRejected:
    names = ", ".join(refused.fields)
    missing = f" It asks for {names}: set them in the connector or in ServiceNow." if names else ""
    return TransitionRejected(
        f"{ticket.ref.key} stays {ticket.status.name}: ServiceNow refuses {target.name}."
        f" {refused}.{missing}",
        missing_fields=refused.fields,
    )


def _notes(ticket: Ticket, correlation_key: str, field: str) -> tuple[str, ...]:
    if ticket.correlation_key == correlation_key:
        return ()
    note = (
        f"{field} was not stored: let the integration account write it, or a second ticket may be"
        " created after a broken connection"
    )
    return (note,)
