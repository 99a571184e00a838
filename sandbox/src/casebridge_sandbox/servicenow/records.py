"""Records of the ticket tables, users, choices, and journal entries, as rows.

Source: ServiceNow, "Incident form", "Priority lookup rules", and "Incident state model".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from casebridge_sandbox.servicenow.rows import Cell, Row, stamp_cell
from casebridge_sandbox.tickets import Comment, Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.desk import Desk
    from casebridge_sandbox.servicenow.scenario import ServiceNowScenario, ServiceNowTable

__all__ = (
    "COMPUTED",
    "HOLD_REASONS",
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
HOLD_REASONS = {
    "1": "Awaiting Caller",
    "3": "Awaiting Problem",
    "4": "Awaiting Vendor",
    "5": "Awaiting Change",
}
_LEVELS = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
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
    """

    def __init__(self, scenario: ServiceNowScenario, desk: Desk) -> None:
        self._scenario = scenario
        self._desk = desk

    def columns(self) -> set[str]:
        """Return the columns of a ticket table."""
        derived = {"state", "incident_state", "assigned_to", *JOURNALS, *COMPUTED}
        return derived | set(_PLAIN) | set(self._scenario.extra_columns)

    def ticket(self, ticket: Ticket, table: ServiceNowTable) -> Row:
        """Return a ticket."""
        own = ticket.fields
        state = Cell(ticket.status, table.workflow.name_of(ticket.status))
        row = {name: Cell() for name in self.columns()}
        for name in (*_PLAIN, *self._scenario.extra_columns):
            row[name] = self._plain(name, str(own.get(name, "")))
        priority = priority_of(str(own.get("impact", "3")), str(own.get("urgency", "3")))
        row |= {
            "sys_id": Cell(ticket.id),
            "number": Cell(ticket.key),
            "state": state,
            "incident_state": state,
            "priority": Cell(priority, _PRIORITIES[priority]),
            "active": Cell("false" if ticket.status in ("7", "8") else "true"),
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
        return dict(sorted(row.items()))

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
                    {"name": Cell(name), "sys_id": Cell(_name_id(name))}
                    for name in self._scenario.groups
                ]
            case "sys_journal_field":
                return [
                    self.journal_entry(ticket, comment)
                    for ticket in self._desk.tickets.values()
                    for comment in ticket.comments
                ]
            case "sys_choice":
                return self._choices()
            case _:
                return None

    def find(self, table: str, sys_id: str) -> Row | None:
        """Return the row of a table with a sys_id, or None."""
        rows = self.rows(table) or []
        return next((row for row in rows if row["sys_id"].value == sys_id), None)

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
                return _LEVELS
            case "hold_reason":
                return HOLD_REASONS
            case _:
                return {}

    def _name(self, table: str, sys_id: str) -> str:
        if table == "sys_user":
            person = self._desk.people.get(sys_id)
            return person.display_name if person else ""
        if table == "sys_user_group":
            return next((n for n in self._scenario.groups if _name_id(n) == sys_id), "")
        ticket = self._desk.tickets.get(sys_id)
        return ticket.key if ticket else ""

    def _choices(self) -> list[Row]:
        listed: list[Row] = []
        for table in self._scenario.tables:
            states = [(each.id, each.name) for each in table.workflow.statuses]
            choices = {
                "state": states,
                "incident_state": states,
                "close_code": [(code, code) for code in self._scenario.close_codes],
                "hold_reason": list(HOLD_REASONS.items()),
                "impact": list(_LEVELS.items()),
                "urgency": list(_LEVELS.items()),
            }
            listed.extend(
                _choice(table.name, element, value, label, number)
                for element, pairs in choices.items()
                for number, (value, label) in enumerate(pairs)
            )
        return listed


def _choice(table: str, element: str, value: str, label: str, number: int) -> Row:
    return {
        "element": Cell(element),
        "inactive": Cell("false"),
        "label": Cell(label),
        "language": Cell("en"),
        "name": Cell(table),
        "sequence": Cell(str(number)),
        "sys_id": Cell(_name_id(f"{table}.{element}.{value}")),
        "value": Cell(value),
    }


def _name_id(name: str) -> str:
    """Return a sys_id that a name always has."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]
