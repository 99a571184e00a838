"""Jira's JSON for users, statuses, projects, comments, and issues."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from casebridge_sandbox.jira.documents import document_of_text, text_of

if TYPE_CHECKING:
    from casebridge_sandbox.exchange import JsonObject
    from casebridge_sandbox.jira.scenario import JiraScenario
    from casebridge_sandbox.tickets import Comment, Person, Ticket
    from casebridge_sandbox.workflow import Category, Status

__all__ = ("Shapes", "jira_time")

_CATEGORIES: dict[Category, tuple[int, str, str, str]] = {
    "new": (2, "new", "blue-gray", "To Do"),
    "active": (4, "indeterminate", "yellow", "In Progress"),
    "done": (3, "done", "green", "Done"),
}
_ALWAYS = {"*all", "*navigable"}


def jira_time(moment: datetime) -> str:
    """Return a time as Jira's REST API writes it: milliseconds, and an offset without a colon."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"


class Shapes:
    """Writes Jira's JSON.

    Args:
        scenario: The scenario.
        people: The accounts, by id.
        api: The address of the REST API, without the version.
        version: ``"3"`` for documents, anything else for wiki markup.
        most_comments: How many comments an issue shows; 0 for all.
    """

    def __init__(
        self,
        scenario: JiraScenario,
        people: dict[str, Person],
        api: str,
        version: str,
        *,
        most_comments: int = 0,
    ) -> None:
        self._scenario = scenario
        self._people = people
        self._version = version
        self._most_comments = most_comments
        self._root = f"{api}/{version}"

    def user(self, person: Person) -> JsonObject:
        """Return a user; on Data Center it has a name and a key instead of an account id."""
        common = {
            "displayName": person.display_name,
            "active": person.active,
            "timeZone": self._scenario.time_zone,
        }
        if self._scenario.is_cloud:
            address = {"emailAddress": person.email} if person.email else {}
            return {
                "self": f"{self._root}/user?accountId={person.id}",
                "accountId": person.id,
                "accountType": "atlassian",
                **address,
                **common,
            }
        return {
            "self": f"{self._root}/user?username={person.name}",
            "name": person.name,
            "key": person.name,
            "emailAddress": person.email,
            **common,
        }

    def status(self, status: Status) -> JsonObject:
        """Return a status."""
        number, key, color, name = _CATEGORIES[status.category]
        return {
            "self": f"{self._root}/status/{status.id}",
            "description": "",
            "name": status.name,
            "id": status.id,
            "statusCategory": {
                "self": f"{self._root}/statuscategory/{number}",
                "id": number,
                "key": key,
                "colorName": color,
                "name": name,
            },
        }

    def project(self, key: str) -> JsonObject:
        """Return a project."""
        scenario = self._scenario
        number = str(10000 + scenario.projects.index(key)) if key in scenario.projects else "0"
        return {
            "self": f"{self._root}/project/{number}",
            "id": number,
            "key": key,
            "name": scenario.project_name if key == scenario.project else key.title(),
            "projectTypeKey": "service_desk" if scenario.service_desk else "software",
            "simplified": False,
        }

    def issue_type(self, name: str) -> JsonObject:
        """Return an issue type."""
        number = str(10001 + self._scenario.issue_types.index(name))
        return {
            "self": f"{self._root}/issuetype/{number}",
            "id": number,
            "name": name,
            "description": "",
            "subtask": False,
        }

    def named(self, kind: str, name: str) -> JsonObject:
        """Return a priority or a resolution."""
        names = self._scenario.priorities if kind == "priority" else self._scenario.resolutions
        number = str(names.index(name) + 1) if name in names else "0"
        return {"self": f"{self._root}/{kind}/{number}", "id": number, "name": name}

    def text(self, value: object) -> object:
        """Return rich text in the form of this version."""
        if value is None:
            return None
        if self._version != "3":
            return text_of(value)
        return document_of_text(value) if isinstance(value, str) else value

    def comment(self, ticket: Ticket, comment: Comment) -> JsonObject:
        """Return a comment."""
        service_desk = {"jsdPublic": not comment.internal} if self._scenario.service_desk else {}
        return {
            "self": f"{self._root}/issue/{ticket.id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.user(comment.author),
            "body": self.text(comment.body),
            "updateAuthor": self.user(comment.updated_by),
            "created": jira_time(comment.created),
            "updated": jira_time(comment.updated),
            **service_desk,
        }

    def fields(self, ticket: Ticket) -> JsonObject:
        """Return every field of an issue."""
        assignee = self._people.get(ticket.assignee or "")
        own = ticket.fields
        resolution, priority = own.get("resolution"), own.get("priority")
        status = self._scenario.workflow.status(ticket.status)
        shown = ticket.comments[: self._most_comments or None]
        comments = [self.comment(ticket, each) for each in shown]
        described = {
            "summary": own.get("summary"),
            "description": self.text(own.get("description")),
            "environment": self.text(own.get("environment")),
            "status": self.status(status) if status else None,
            "issuetype": self.issue_type(ticket.type),
            "project": self.project(ticket.project),
            "priority": self.named("priority", priority) if isinstance(priority, str) else None,
            "resolution": (
                self.named("resolution", resolution) if isinstance(resolution, str) else None
            ),
            "resolutiondate": own.get("resolutiondate"),
            "labels": own.get("labels", []),
            "assignee": self.user(assignee) if assignee else None,
            "reporter": self.user(ticket.reporter),
            "creator": self.user(ticket.reporter),
            "created": jira_time(ticket.created),
            "updated": jira_time(ticket.updated),
            "comment": {
                "comments": comments,
                "maxResults": len(comments),
                "total": len(ticket.comments),
                "startAt": 0,
            },
        }
        more = {name: value for name, value in own.items() if name not in described}
        return {**described, **more}

    def issue(self, ticket: Ticket, fields: Iterable[str] = ("*all",)) -> JsonObject:
        """Return an issue with some of its fields.

        Args:
            ticket: The issue.
            fields: Names of fields; ``*all`` and ``*navigable`` for all, ``-name`` for all
                but one. Names without such a field are ignored.
        """
        wanted = [name.strip() for name in fields if name.strip()]
        every = self.fields(ticket)
        left_out = {name[1:] for name in wanted if name.startswith("-")}
        if _ALWAYS.intersection(wanted) or (left_out and len(left_out) == len(wanted)):
            chosen = {name: value for name, value in every.items() if name not in left_out}
        else:
            chosen = {name: every[name] for name in wanted if name in every}
        return {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": ticket.id,
            "self": f"{self._root}/issue/{ticket.id}",
            "key": ticket.key,
            "fields": chosen,
        }
