"""Jira's search index: what it knows, how late it is, and what matches."""

from __future__ import annotations

import copy
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from casebridge_sandbox.jira.documents import text_of
from casebridge_sandbox.jira.jql import Clause, JqlError, Query
from casebridge_sandbox.tickets import Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.desk import Desk
    from casebridge_sandbox.jira.scenario import JiraScenario

__all__ = ("SearchIndex",)

_RELATIVE = re.compile(r"([+-]?\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_COMPARE: dict[str, Callable[[datetime, datetime], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}
_CATEGORY_NAMES = {
    "new": ("new", "to do", "2"),
    "active": ("indeterminate", "in progress", "4"),
    "done": ("done", "complete", "3"),
}
_ISSUE_FIELDS = ("key", "issue", "issuekey", "id")


@dataclass(slots=True)
class _Pending:
    """A change that the index has not taken in yet."""

    id: str
    ticket: Ticket | None
    due: datetime
    searches: int


class SearchIndex:
    """Copies of the issues as the index last saw them."""

    def __init__(self) -> None:
        self._known: dict[str, Ticket] = {}
        self._pending: list[_Pending] = []

    def note(
        self, ticket: Ticket, now: datetime, scenario: JiraScenario, *, gone: bool = False
    ) -> None:
        """Take note of a change, to appear when the scenario says."""
        due = now + timedelta(seconds=scenario.search_lag_seconds)
        kept = None if gone else copy.deepcopy(ticket)
        self._pending.append(_Pending(ticket.id, kept, due, scenario.search_lag_searches))

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._pending.clear()

    def begin_search(self, now: datetime) -> list[Ticket]:
        """Take in what is due, count the search, and return what the index knows."""
        waiting = []
        for change in self._pending:
            if change.due > now or change.searches > 0:
                change.searches -= 1
                waiting.append(change)
            elif change.ticket is None:
                self._known.pop(change.id, None)
            else:
                self._known[change.id] = change.ticket
        self._pending = waiting
        return list(self._known.values())

    def find(self, query: Query, scenario: JiraScenario, desk: Desk, now: datetime) -> list[Ticket]:
        """Return the issues that match, in the order the query wants; newest first otherwise.

        Raises:
            JqlError: If the query names a field or a value that does not exist.
        """
        matcher = _Matcher(scenario, desk, now)
        for clause in query.clauses:
            matcher.check(clause)
        found = [
            ticket
            for ticket in self.begin_search(now)
            if all(matcher.matches(ticket, clause) for clause in query.clauses)
        ]
        found.sort(key=lambda ticket: int(ticket.id), reverse=True)
        for field, descending in reversed(query.order):
            found.sort(key=_order_key(field), reverse=descending)
        return found


class _Matcher:
    def __init__(self, scenario: JiraScenario, desk: Desk, now: datetime) -> None:
        self._scenario = scenario
        self._desk = desk
        self._now = now

    def check(self, clause: Clause) -> None:
        """Refuse unknown fields and values."""
        known: Iterable[str] | None = None
        match clause.field:
            case "project":
                known = (*self._scenario.projects, self._scenario.project_name)
            case "status":
                known = [
                    s for each in self._scenario.workflow.statuses for s in (each.name, each.id)
                ]
            case "issuetype" | "type":
                known = self._scenario.issue_types
            case "created" | "updated":
                for value in clause.values:
                    self._moment(value, clause.field)
            case "labels" | "statuscategory" | "assignee" | "summary" | "text" | "description":
                pass
            case field if field in _ISSUE_FIELDS:
                pass
            case field:
                msg = f"Field '{field}' does not exist or you do not have permission to view it."
                raise JqlError(msg)
        names = {name.casefold() for name in known} if known is not None else None
        for value in clause.values:
            if names is not None and value.casefold() not in names:
                msg = f"The value '{value}' does not exist for the field '{clause.field}'."
                raise JqlError(msg)

    def matches(self, ticket: Ticket, clause: Clause) -> bool:
        """Tell whether a condition holds."""
        if clause.field in ("created", "updated") and clause.values:
            moment = ticket.created if clause.field == "created" else ticket.updated
            # JQL knows minutes only.
            moment = moment.replace(second=0, microsecond=0)
            wanted = self._moment(clause.values[0], clause.field)
            return _COMPARE[clause.operator](moment, wanted)
        values = self._values(ticket, clause.field)
        wanted_values = {value.casefold() for value in clause.values}
        match clause.operator:
            case "=" | "in":
                return bool(values & wanted_values)
            case "!=" | "not in":
                return bool(values) and not values & wanted_values
            case "~":
                return any(part in value for part in wanted_values for value in values)
            case "is empty":
                return not values
            case "is not empty":
                return bool(values)
            case _:
                msg = (
                    f"The operator '{clause.operator}' is not supported by the "
                    f"'{clause.field}' field."
                )
                raise JqlError(msg)

    def _values(self, ticket: Ticket, field: str) -> set[str]:
        own = ticket.fields
        values: Iterable[object]
        match field:
            case "project":
                project = ticket.project
                named = project == self._scenario.project
                values = (project, self._scenario.project_name if named else project)
            case "labels":
                labels = own.get("labels")
                values = labels if isinstance(labels, list) else ()
            case "status":
                values = (ticket.status, self._scenario.workflow.name_of(ticket.status))
            case "statuscategory":
                status = self._scenario.workflow.status(ticket.status)
                values = _CATEGORY_NAMES[status.category] if status else ()
            case "issuetype" | "type":
                values = (ticket.type,)
            case "assignee":
                person = self._desk.people.get(ticket.assignee or "")
                values = (person.id, person.name, person.display_name) if person else ()
            case "summary":
                values = (own.get("summary"),)
            case "text" | "description":
                values = (own.get("summary"), text_of(own.get("description")))
            case _:
                values = (ticket.id, ticket.key)
        return {str(value).casefold() for value in values if value}

    def _moment(self, text: str, field: str) -> datetime:
        if found := _RELATIVE.fullmatch(text):
            return self._now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        if text.lstrip("-").isdecimal():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        for form in _FORMATS:
            try:
                zone = ZoneInfo(self._scenario.time_zone)
                return datetime.strptime(text, form).replace(tzinfo=zone)
            except ValueError:
                continue
        msg = (
            f"Date value '{text}' for field '{field}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period "
            "format e.g. '-5d', '4w 2d'."
        )
        raise JqlError(msg)


def _order_key(field: str) -> Callable[[Ticket], tuple[int, str]]:
    def key(ticket: Ticket) -> tuple[int, str]:
        match field:
            case "created":
                return (0, ticket.created.isoformat())
            case "updated":
                return (0, ticket.updated.isoformat())
            case "key" | "id" | "issuekey" | "issue":
                return (int(ticket.id), "")
            case _:
                return (0, str(ticket.fields.get(field, "")))

    return key
