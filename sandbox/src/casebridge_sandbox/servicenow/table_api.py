"""The Table API.

Source: ServiceNow, "Table API".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply, UnreadableBody
from casebridge_sandbox.routing import NamedByCall, Operation
from casebridge_sandbox.servicenow.arguments import (
    body_of,
    check_headers,
    number,
    query_text,
    take_state,
    text,
)
from casebridge_sandbox.servicenow.errors import NO_RECORD, acl_refusal, error_reply, refused
from casebridge_sandbox.servicenow.policies import Write, check_write, consequences
from casebridge_sandbox.servicenow.query import parse_query
from casebridge_sandbox.servicenow.records import COMPUTED, JOURNALS, REFERENCES, Records
from casebridge_sandbox.servicenow.rows import Row, shown

if TYPE_CHECKING:
    from casebridge_sandbox.sandbox import VendorSandbox
    from casebridge_sandbox.servicenow.limits import HourlyLimit
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
    from casebridge_sandbox.servicenow.tables import ServiceNowTable
    from casebridge_sandbox.tickets import Ticket

__all__ = ("TableCalls",)

_DEFAULT_LIMIT = 10_000
_TABLE_NAMES = {
    "sys_journal_field": "list_comments",
    "sys_user": "myself",
    "sys_user_group": "metadata",
    "sys_choice": "metadata",
    "sys_data_policy2": "metadata",
    "sys_data_policy_rule": "metadata",
    "sys_dictionary": "metadata",
    "sys_script": "metadata",
    "sys_user_has_role": "metadata",
    "sys_user_role": "metadata",
}


class TableCalls:
    """The calls of the Table API.

    Args:
        sandbox: The sandbox; its scenario may change at any time.
        limit: Returns what counts the calls of an hour.
    """

    def __init__(
        self, sandbox: VendorSandbox[ServiceNowScenario], limit: Callable[[], HourlyLimit]
    ) -> None:
        self._sandbox = sandbox
        self._limit = limit

    def operations(self) -> list[Operation]:
        """Return the calls, with and without a version in the path."""
        reading = NamedByCall(("search", *sorted(set(_TABLE_NAMES.values()))), _reading("search"))
        fetching = NamedByCall(("fetch",), _reading("fetch"))
        writing = NamedByCall(("transition", "comment", "edit"), _writing)
        listed = []
        for prefix in ("/api/now/table/{table}", "/api/now/{version}/table/{table}"):
            one = prefix + "/{sys_id}"
            listed += [
                Operation(reading, "GET", prefix, self.list_rows),
                Operation("create", "POST", prefix, self.insert),
                Operation(fetching, "GET", one, self.fetch),
                Operation(writing, "PATCH", one, self.update),
                Operation(writing, "PUT", one, self.update),
                Operation("delete", "DELETE", one, self.delete),
            ]
        return listed

    def list_rows(self, call: Call) -> Reply:
        """List the rows that match a query."""
        records, rows = self._rows(call)
        query = parse_query(query_text(call))
        columns = set(rows[0]) if rows else set(self._columns(call))
        if self._scenario.invalid_query_returns_no_rows and any(
            field.partition(".")[0] not in columns for field in query.fields()
        ):
            rows = []
        found = [row for row in rows if query.holds(records.reader(row))]
        for field, descending in reversed(query.order):
            if field in columns:
                found.sort(key=lambda row, name=field: row[name].value, reverse=descending)  # type: ignore[misc]
        limit = number(call.argument("sysparm_limit"), _DEFAULT_LIMIT)
        offset = number(call.argument("sysparm_offset"), 0)
        page = found[offset : offset + limit]
        if not found and call.params.get("version") == "v1":
            return error_reply(404, *NO_RECORD)
        headers = {}
        if call.argument("sysparm_no_count") != "true":
            headers["x-total-count"] = str(len(found))
        if offset + limit < len(found):
            link = f"{self._sandbox.base_url}{call.path}?sysparm_limit={limit}"
            headers["link"] = f'<{link}&sysparm_offset={offset + limit}>;rel="next"'
        seen = [row for row in page if not self._is_hidden(row)]
        shown_rows = [self._shown(call, records, row) for row in seen]
        return Reply.json({"result": shown_rows}, headers=headers)

    def fetch(self, call: Call) -> Reply:
        """Show a row."""
        records, _ = self._rows(call)
        row = records.find(call.params["table"], call.params["sys_id"])
        if row is None or self._is_hidden(row):
            return error_reply(404, *NO_RECORD)
        return Reply.json({"result": self._shown(call, records, row)})

    def insert(self, call: Call) -> Reply:
        """Insert a ticket."""
        records, table = self._writable(call, "Insert")
        values = self._values(call, records, table)
        state = take_state(values) or table.workflow.initial
        journals = {name: values.pop(name) for name in JOURNALS if name in values}
        assignee = values.pop("assigned_to", None)
        person, desk = call.person, self._sandbox.desk
        write = Write(
            table=table,
            ticket=None,
            person=person,
            state=state,
            values={**values, **journals},
        )
        check_write(self._scenario, write)
        started: JsonObject = {"impact": "3", "urgency": "3", **values}
        if state != table.workflow.initial:
            started |= consequences(table, None, person, state, self._sandbox.clock())
        ticket = desk.create(
            person,
            key=f"{table.prefix}{10_000 + desk.next_number(table.name):07d}",
            project=table.name,
            type_=table.name,
            status=state,
            fields={name: value for name, value in started.items() if value not in (None, "")},
            assignee=str(assignee) if assignee else None,
        )
        self._write_journals(call, ticket, journals)
        reply = self._answer(call, records, ticket, table, 201)
        location = f"{self._sandbox.base_url}/api/now/table/{table.name}/{ticket.id}"
        return reply.with_headers({"location": location})

    def update(self, call: Call) -> Reply:
        """Change a ticket."""
        records, table = self._writable(call, "Update")
        ticket = self._ticket(call, table)
        values = self._values(call, records, table)
        state = take_state(values)
        journals = {name: values.pop(name) for name in JOURNALS if values.get(name)}
        person, desk = call.person, self._sandbox.desk
        write = Write(
            table=table,
            ticket=ticket,
            person=person,
            state=state,
            values={**values, **journals},
        )
        check_write(self._scenario, write)
        fields = {
            **values,
            **consequences(table, ticket, person, state, self._sandbox.clock()),
        }
        assignee = fields.pop("assigned_to", ticket.assignee or "")
        desk.update(
            ticket,
            person,
            status=state,
            assignee=str(assignee) or None,
            fields={name: value or None for name, value in fields.items()},
        )
        self._write_journals(call, ticket, journals)
        return self._answer(call, records, ticket, table, 200)

    def delete(self, call: Call) -> Reply:
        """Delete a ticket."""
        _, table = self._writable(call, "Delete", body=False)
        self._sandbox.desk.delete(self._ticket(call, table), call.person)
        return Reply.empty()

    @property
    def _scenario(self) -> ServiceNowScenario:
        return self._sandbox.scenario

    def _rows(self, call: Call) -> tuple[Records, list[Row]]:
        if call.params.get("version") not in (None, "v1", "v2"):
            raise refused(400, "Requested URI does not represent any resource", call.path)
        self._limit().count(self._scenario.requests_per_hour)
        records, table = self._records(), call.params["table"]
        rows = records.rows(table)
        if rows is None:
            raise refused(400, f"Invalid table {table}")
        if table in self._scenario.denied_tables:
            raise refused(403, "User Not Authorized", "Failed API level ACL Validation")
        return records, rows

    def _records(self) -> Records:
        active = bool(self._sandbox.webhooks.endpoints)
        return Records(self._scenario, self._sandbox.desk, rule_is_active=active)

    def _columns(self, call: Call) -> set[str]:
        """Return the columns of a table without rows."""
        if table := self._scenario.table(call.params["table"]):
            return set(self._records().columns(table))
        return {"sys_id", "element_id", "element", "name", "value", "sys_created_on"}

    def _is_hidden(self, row: Row) -> bool:
        return "number" in row and row["number"].value in self._scenario.hidden_records

    def _writable(
        self, call: Call, operation: str, *, body: bool = True
    ) -> tuple[Records, ServiceNowTable]:
        if body:
            check_headers(call)
        records, _ = self._rows(call)
        table = self._scenario.table(call.params["table"])
        if table is None:
            raise acl_refusal(operation)
        return records, table

    def _ticket(self, call: Call, table: ServiceNowTable) -> Ticket:
        ticket = self._sandbox.desk.tickets.get(call.params["sys_id"])
        hidden = ticket is not None and ticket.key in self._scenario.hidden_records
        if ticket is None or ticket.project != table.name or hidden:
            raise refused(404, *NO_RECORD)
        return ticket

    def _values(self, call: Call, records: Records, table: ServiceNowTable) -> JsonObject:
        """Return the columns of a write that are stored; the others are dropped silently."""
        by_label = call.argument("sysparm_input_display_value") == "true"
        columns = records.columns(table)
        values: JsonObject = {}
        for column, given in body_of(call).items():
            name = columns.get(column)
            if name is None or name in COMPUTED or column in self._scenario.dropped_columns:
                continue
            value = text(given)
            if by_label or (name in REFERENCES and value):
                value = records.value(name, value, table)
            values[name] = value
        return values

    def _write_journals(self, call: Call, ticket: Ticket, journals: JsonObject) -> None:
        for kind, entry in journals.items():
            if entry:
                self._sandbox.desk.comment(
                    ticket, call.person, entry, internal=kind == "work_notes", kind=kind
                )

    def _answer(
        self, call: Call, records: Records, ticket: Ticket, table: ServiceNowTable, status: int
    ) -> Reply:
        if call.headers.get("x-no-response-body") == "true":
            return Reply.empty(status if status == 201 else 204)  # noqa: PLR2004 - 201 keeps its code
        row = records.ticket(ticket, table)
        return Reply.json({"result": self._shown(call, records, row)}, status)

    def _shown(self, call: Call, records: Records, row: Row) -> JsonObject:
        fields = call.argument("sysparm_fields")
        names = [name.strip() for name in fields.split(",")] if fields else None
        walked = {name: records.walk(row, name) for name in names or () if "." in name}
        display = call.argument("sysparm_display_value") or "false"
        return shown(
            {**row, **{name: cell for name, cell in walked.items() if cell is not None}},
            base_url=self._sandbox.base_url,
            fields=names,
            display=display if display in ("true", "all") else "false",
            links=call.argument("sysparm_exclude_reference_link") != "true",
        )


def _reading(otherwise: str) -> Callable[[Call], str]:
    def choose(call: Call) -> str:
        return _TABLE_NAMES.get(call.params["table"], otherwise)

    return choose


def _writing(call: Call) -> str:
    try:
        names = set(call.json_object())
    except UnreadableBody:
        return "edit"
    if names & {"state", "incident_state"}:
        return "transition"
    return "comment" if names and names <= set(JOURNALS) else "edit"
