"""Tickets, the account and the choices of one instance, in calls of the Table API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CaseProjection,
    Connector,
    InvalidRequest,
    OutcomeUnknown,
    Person,
    PushResult,
    Ticket,
    TicketNotFound,
    TicketRef,
    UnexpectedResponse,
)
from casebridge_servicenow.columns import CORRELATION
from casebridge_servicenow.fields import new_ticket, notes_on
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.table_api import TableApi
from casebridge_servicenow.ticket_table import TicketTable
from casebridge_servicenow.tickets import TICKET_FIELDS, read_ticket
from casebridge_servicenow.values import Row, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

_ACCOUNT_FIELDS: Final = ("sys_id", "user_name", "name", "email", "time_zone")
_WHO_CALLS: Final = "sys_id=javascript:gs.getUserID()"
"""The one script that ServiceNow is asked to run in a query: who is calling."""
_MOST_TICKETS: Final = 20
_MOST_CHOICES: Final = 1000


class ServiceNowClient:
    """One connector's view of its instance."""

    def __init__(self, connector: Connector[ServiceNowConfig]) -> None:
        """Bind the connector's configuration and its HTTP client."""
        self.config = connector.config
        self.api = TableApi(connector)
        self.table = TicketTable(self.api, connector.config)

    async def create(self, projection: CaseProjection) -> PushResult:
        """Create a ticket that carries the correlation key."""
        values = new_ticket(self.config, projection)
        row = await self.table.insert(values, tuple(dict.fromkeys((*TICKET_FIELDS, *values))))
        ticket = read_ticket(self.config, row)
        if ticket is None:
            raise OutcomeUnknown(
                "the new record came back without sys_id or state; it may have been stored"
            )
        notes = notes_on(values, row, self.config.correlation_field)
        return PushResult(ticket=ticket, notes=notes)

    async def find(self, correlation_key: str) -> tuple[Ticket, ...]:
        """Return the tickets with exactly this key, oldest first.

        Raises:
            InvalidRequest: ServiceNow ignored the condition, so that nothing can be found by key.
        """
        field = self.config.correlation_field
        query = both(where(field, "=", correlation_key), oldest_first("sys_created_on"))
        rows = await self.table.rows(query, TICKET_FIELDS, limit=_MOST_TICKETS)
        keys = {value_of(row.get(CORRELATION)).casefold() for row in rows}
        if keys - {correlation_key.casefold()}:
            raise InvalidRequest(
                f"{self.config.table} cannot be searched by {field}: let the integration account"
                " read that field, or configure a field that the table has",
                fields=(field,),
            )
        # One that cannot be read is there all the same: leaving it out would have it made again.
        return tuple(
            self.ticket(row) for row in rows if value_of(row.get(CORRELATION)) == correlation_key
        )

    async def row(self, ref: TicketRef) -> Row:
        """Read a ticket's fields.

        Raises:
            TicketNotFound: it is deleted, or out of the account's sight.
        """
        try:
            return await self.table.row(ref.external_id, TICKET_FIELDS)
        except TicketNotFound as gone:
            told = f"{ref.key} is deleted, or the integration account may not see it"
            raise TicketNotFound(told) from gone

    async def fetch(self, ref: TicketRef) -> Ticket:
        """Read a ticket."""
        return self.ticket(await self.row(ref))

    def ticket(self, row: Row) -> Ticket:
        """Return the ticket that a row holds.

        Raises:
            UnexpectedResponse: the row lacks what makes a ticket.
        """
        ticket = read_ticket(self.config, row)
        if ticket is None:
            raise UnexpectedResponse(
                "the record came back without sys_id or state: the integration account may not"
                " read these fields"
            )
        return ticket

    async def account(self) -> Row:
        """Return the account's row of ``sys_user``, empty when it is out of sight.

        An API key or an OAuth client may belong to another user than the settings name, so
        ServiceNow is asked who is calling; where it does not tell, the user name is looked up.
        """
        callers = await self._users(_WHO_CALLS)
        if len(callers) == 1 and value_of(callers[0].get("user_name")):
            return callers[0]
        name = self.config.username
        users = await self._users(where("user_name", "=", name))
        return next((u for u in users if _is_named(u, name)), {})

    async def _users(self, query: str) -> list[Row]:
        try:
            return await self.api.rows("sys_user", query, _ACCOUNT_FIELDS, limit=2)
        except InvalidRequest:  # signed in, and not allowed to ask for this
            return []

    async def identify(self) -> Person:
        """Tell whose credential this is: webhooks name the actor by user name."""
        return self.person(await self.account())

    def person(self, row: Row) -> Person:
        """Return the integration account, as its row of ``sys_user`` or else the settings tell."""
        return Person(
            id=value_of(row.get("user_name")) or self.config.username,
            name=value_of(row.get("name")) or None,
            email=value_of(row.get("email")) or None,
        )

    async def choices(self, element: str) -> tuple[tuple[str, str], ...]:
        """Return the values and labels that a field of the table offers here, in order.

        A value has a label for each language that is installed. A table without choices of its own
        takes those of the tables that it extends.
        """
        for table in dict.fromkeys((self.config.table, *self.config.states.tables)):
            query = both(
                where("name", "=", table),
                where("element", "=", self.table.columns.of(element)),
                "inactive=false",
                oldest_first("sequence"),
            )
            rows = await self.api.rows("sys_choice", query, ("value", "label"), limit=_MOST_CHOICES)
            pairs = ((value_of(row.get("value")), value_of(row.get("label"))) for row in rows)
            found = tuple(dict.fromkeys(pair for pair in pairs if all(pair)))
            if found:
                return found
        return ()


def _is_named(user: Row, name: str) -> bool:
    return value_of(user.get("user_name")).casefold() == name.casefold()
