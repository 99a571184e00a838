"""Records of the ticket tables, users, and journal entries, as rows.

Source: ServiceNow, "Incident form", "Priority lookup rules", and "Incident state model".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.rows import Cell, Row, stamp_cell
from casebridge_sandbox.servicenow.system_tables import HOLD_REASONS, LEVELS, id_of, system_rows
from casebridge_sandbox.tickets import Comment, Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.desk import Desk
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario
    from casebridge_sandbox.servicenow.tables import ServiceNowTable

__all__ = (
    "COMPUTED",
    "JOURNALS",
    "REFERENCES",
    "Records",
    "priority_of",
    "user_of",
)

JOURNALS = ("work_notes", "comments")
REFERENCES = {
    "caller_id": "sys_user",
    "assigned_to": "sys_user",
    "opened_by": "sys_user",
    "resolved_by": "sys_user",
    "closed_by": "sys_user",
    "assignment_group": "sys_user_group",
    "parent_incident": "incident",
}
_PRIORITIES = {
    "1": "1 - Critical",
    "2": "2 - High",
    "3": "3 - Moderate",
    "4": "4 - Low",
    "5": "5 - Planning",
}
_PLAIN = (
    "short_description",
    "description",
    "category",
    "subcategory",
    "contact_type",
    "severity",
    "business_service",
    "cmdb_ci",
    "correlation_id",
    "correlation_display",
    "close_code",
    "close_notes",
    "hold_reason",
    "impact",
    "urgency",
    "caller_id",
    "assignment_group",
    "parent_incident",
    "resolved_at",
    "resolved_by",
    "closed_at",
    "closed_by",
)
COMPUTED = frozenset(
    {
        "sys_id",
        "number",
        "priority",
        "opened_at",
        "opened_by",
        "active",
        "resolved_at",
        "resolved_by",
        "closed_at",
        "closed_by",
        "sys_created_on",
        "sys_created_by",
        "sys_updated_on",
        "sys_updated_by",
        "sys_mod_count",
        "sys_class_name",
        "sys_domain",
        "sys_tags",
        "comments_and_work_notes",
    }
)
"""Columns that a caller does not set."""


def priority_of(impact: str, urgency: str) -> str:
    """Return the priority, 1 to 5, of an impact and an urgency, 1 to 3 each."""
    try:
        return str(min(5, max(1, int(impact) + int(urgency) - 1)))
    except ValueError:
        return "5"


def user_of(scenario: ServiceNowScenario) -> Person:
    """Return the integration's own user."""
    return Person(
        id=scenario.user_id,
        name=scenario.user_name,
        display_name=scenario.display_name,
        email=scenario.email,
        admin=scenario.user_is_admin,
    )


class Records:
    """Writes rows.

    Args:
        scenario: The scenario.
        desk: Where people and tickets are.
        rule_is_active: Whether somebody has created the business rule.
    """

    def __init__(
        self, scenario: ServiceNowScenario, desk: Desk, *, rule_is_active: bool = False
    ) -> None:
        self._scenario = scenario
        self._desk = desk
        self._rule_is_active = rule_is_active

    def columns(self, table: ServiceNowTable) -> dict[str, str]:
        """Return the columns of a table by the names that it has for them, and their usual ones."""
        derived = {"state", "incident_state", "assigned_to", *JOURNALS, *COMPUTED}
        usual = {*derived, *_PLAIN, *self._scenario.extra_columns}.difference(table.lacks)
        return {table.names.get(name, name): name for name in usual}

    def ticket(self, ticket: Ticket, table: ServiceNowTable) -> Row:
        """Return a ticket."""
        own = ticket.fields
        state = Cell(ticket.status, table.workflow.name_of(ticket.status))
        row = dict.fromkeys(JOURNALS, Cell()) | dict.fromkeys(COMPUTED, Cell())
        for name in (*_PLAIN, *self._scenario.extra_columns):
            row[name] = self._plain(name, str(own.get(name, "")))
        priority = priority_of(str(own.get("impact", "3")), str(own.get("urgency", "3")))
        row |= {
            "sys_id": Cell(ticket.id),
            "number": Cell(ticket.key),
            "state": state,
            "incident_state": state,
            "priority": Cell(priority, _PRIORITIES[priority]),
            "active": Cell("false" if ticket.status in table.closing else "true"),
            "assigned_to": self._plain("assigned_to", ticket.assignee or ""),
            "opened_at": stamp_cell(ticket.created),
            "opened_by": self._plain("opened_by", ticket.reporter.id),
            "sys_created_on": stamp_cell(ticket.created),
            "sys_created_by": Cell(ticket.reporter.name),
            "sys_updated_on": stamp_cell(ticket.updated),
            "sys_updated_by": Cell(ticket.updated_by.name),
            "sys_mod_count": Cell(str(len(ticket.history) + len(ticket.comments))),
            "sys_class_name": Cell(table.name, table.name.replace("_", " ").title()),
        }
        columns = self.columns(table)
        return {name: row[columns[name]] for name in sorted(columns)}

    def user(self, person: Person) -> Row:
        """Return a user."""
        first, _, last = person.display_name.partition(" ")
        return {
            "active": Cell("true" if person.active else "false"),
            "email": Cell(person.email),
            "first_name": Cell(first),
            "last_name": Cell(last),
            "name": Cell(person.display_name),
            "sys_id": Cell(person.id),
            "time_zone": Cell(self._scenario.time_zone),
            "user_name": Cell(person.name),
        }

    def journal_entry(self, ticket: Ticket, comment: Comment) -> Row:
        """Return a journal entry."""
        return {
            "element": Cell(comment.kind),
            "element_id": Cell(ticket.id),
            "name": Cell(ticket.project),
            "sys_created_by": Cell(comment.author.name),
            "sys_created_on": stamp_cell(comment.created),
            "sys_id": Cell(comment.id),
            "value": Cell(str(comment.body)),
        }

    def rows(self, table: str) -> list[Row] | None:
        """Return every row of a table, or None when there is no such table."""
        if (tickets := self._scenario.table(table)) is not None:
            return [
                self.ticket(each, tickets)
                for each in self._desk.tickets.values()
                if each.project == table
            ]
        match table:
            case "sys_user":
                return [self.user(each) for each in self._desk.people.values()]
            case "sys_user_group":
                return [
                    {"name": Cell(name), "sys_id": Cell(id_of(name))}
                    for name in self._scenario.groups
                ]
            case "sys_journal_field":
                return [
                    self.journal_entry(ticket, comment)
                    for ticket in self._desk.tickets.values()
                    for comment in ticket.comments
                ]
            case _:
                return system_rows(self._scenario, table, rule_is_active=self._rule_is_active)

    def find(self, table: str, sys_id: str) -> Row | None:
        """Return the row of a table with a sys_id, or None."""
        rows = self.rows(table) or []
        return next((row for row in rows if row["sys_id"].value == sys_id), None)

    def walk(self, row: Row, field: str) -> Cell | None:
        """Return the cell that a column leads to, perhaps over references; None if unknown."""
        first, _, rest = field.partition(".")
        cell = row.get(first)
        if cell is None or not rest:
            return cell
        referred = self.find(cell.table, cell.value) if cell.table else None
        return self.walk(referred, rest) if referred else Cell()

    def reader(self, row: Row) -> Callable[[str], str | None]:
        """Return what tells the value of a row's column, None for an unknown one."""

        def value_of(field: str) -> str | None:
            cell = self.walk(row, field)
            return None if cell is None else cell.value

        return value_of

    def label(self, column: str, value: str, table: ServiceNowTable) -> str:
        """Return how a value of a column reads."""
        if column in ("state", "incident_state"):
            return table.workflow.name_of(value)
        return self._plain(column, value).label

    def value(self, column: str, label: str, table: ServiceNowTable) -> str:
        """Return the value of a column that a label stands for, or the label itself."""
        if column in ("state", "incident_state"):
            state = table.workflow.status(label)
            return state.id if state else label
        if column in REFERENCES:
            person = self._desk.person(label)
            return person.id if person and REFERENCES[column] == "sys_user" else label
        for value, name in self._labels(column).items():
            if name.casefold() == label.casefold():
                return value
        return label

    def _plain(self, column: str, value: str) -> Cell:
        if column in REFERENCES:
            return Cell(value, self._name(REFERENCES[column], value), REFERENCES[column])
        if column in ("resolved_at", "closed_at"):
            return stamp_cell(value)
        return Cell(value, self._labels(column).get(value))

    def _labels(self, column: str) -> dict[str, str]:
        match column:
            case "impact" | "urgency":
                return LEVELS
            case "hold_reason":
                return HOLD_REASONS
            case _:
                return {}

    def _name(self, table: str, sys_id: str) -> str:
        if table == "sys_user":
            person = self._desk.people.get(sys_id)
            return person.display_name if person else ""
        if table == "sys_user_group":
            return next((n for n in self._scenario.groups if id_of(n) == sys_id), "")
        ticket = self._desk.tickets.get(sys_id)
        return ticket.key if ticket else ""
