"""Jira's search: ``/search/jql`` on Cloud, ``/search`` on Data Center.

Source: Atlassian, "Search for issues using JQL enhanced search", Jira Cloud platform REST
API; "Search", Jira Data Center REST API.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Refusal, Reply
from casebridge_sandbox.jira.errors import error_reply, refused
from casebridge_sandbox.jira.jql import JqlError, Query, parse_jql

if TYPE_CHECKING:
    from casebridge_sandbox.jira.index import SearchIndex
    from casebridge_sandbox.jira.shapes import Shapes
    from casebridge_sandbox.jira.site import JiraSite
    from casebridge_sandbox.routing import Operation
    from casebridge_sandbox.tickets import Ticket

__all__ = ("SearchCalls",)

_CLOUD_KEYS = frozenset(
    {
        "jql",
        "fields",
        "maxResults",
        "nextPageToken",
        "expand",
        "properties",
        "fieldsByKeys",
        "reconcileIssues",
    }
)
_CLOUD_PAGE, _CLOUD_MOST = 50, 5000
_SERVER_PAGE, _SERVER_MOST = 50, 1000
_UNBOUNDED = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)


class SearchCalls:
    """Search.

    Args:
        site: The site.
        index: The search index.
    """

    def __init__(self, site: JiraSite, index: SearchIndex) -> None:
        self._site = site
        self._index = index

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        make = self._site.operation
        return [
            make("search", "GET", "/search/jql", self.search_cloud),
            make("search", "POST", "/search/jql", self.search_cloud),
            make("search", "POST", "/search/approximate-count", self.count),
            make("search", "GET", "/search", self.search_server),
            make("search", "POST", "/search", self.search_server),
        ]

    def search_cloud(self, call: Call) -> Reply:
        """Find issues page by page, without a total."""
        if not self._site.scenario.is_cloud:
            return self._site.sandbox.unknown_path(call)
        given = self._given(call, _CLOUD_KEYS)
        unknown = sorted(given.keys() - _CLOUD_KEYS)
        if unknown:
            raise refused(400, f"Invalid request payload: unknown property '{unknown[0]}'.")
        limit = _number(given.get("maxResults"), _CLOUD_PAGE)
        if not 0 < limit <= _CLOUD_MOST:
            raise refused(400, "The maxResults must be between 1 and 5000.")
        found = self._reconciled(self._find(call, given, bounded=True), given)
        start = _offset(given.get("nextPageToken"))
        page = found[start : start + limit]
        fields = _names(given.get("fields")) or ["id"]
        shapes = self._shapes(call)
        issues = []
        for ticket in page:
            issue = shapes.issue(ticket, fields)
            issues.append({"id": ticket.id} if fields == ["id"] else issue)
        is_last = start + limit >= len(found)
        answer: JsonObject = {"issues": issues, "isLast": is_last}
        if not is_last:
            answer["nextPageToken"] = _token(start + limit)
        return Reply.json(answer)

    def count(self, call: Call) -> Reply:
        """Count issues."""
        if not self._site.scenario.is_cloud:
            return self._site.sandbox.unknown_path(call)
        return Reply.json({"count": len(self._find(call, call.json_object(), bounded=True))})

    def search_server(self, call: Call) -> Reply:
        """Find issues from an offset, with a total; gone on Cloud."""
        if self._site.scenario.is_cloud:
            return error_reply(
                410,
                "The requested API has been removed. Please migrate to the "
                "/rest/api/3/search/jql API.",
            )
        given = self._given(call, {"jql", "fields", "maxResults", "startAt"})
        start = _number(given.get("startAt"), 0)
        limit = min(_number(given.get("maxResults"), _SERVER_PAGE), _SERVER_MOST)
        found = self._find(call, given, bounded=False)
        shapes = self._shapes(call)
        fields = _names(given.get("fields")) or ["*navigable"]
        return Reply.json(
            {
                "expand": "schema,names",
                "startAt": start,
                "maxResults": limit,
                "total": len(found),
                "issues": [shapes.issue(each, fields) for each in found[start : start + limit]],
            }
        )

    def _given(self, call: Call, keys: frozenset[str] | set[str]) -> JsonObject:
        if call.method == "POST":
            return call.json_object()
        given = {name: call.argument(name) for name in keys}
        return {name: value for name, value in given.items() if value is not None}

    def _find(self, call: Call, given: JsonObject, *, bounded: bool) -> list[Ticket]:
        jql = given.get("jql")
        query = _query(jql if isinstance(jql, str) else "")
        if bounded and not query.clauses:
            raise refused(400, _UNBOUNDED)
        scenario, sandbox = self._site.scenario, self._site.sandbox
        if call.actor is None or self._site.denied("BROWSE_PROJECTS"):
            return []
        try:
            return self._index.find(query, scenario, sandbox.desk, sandbox.clock())
        except JqlError as error:
            raise refused(400, str(error)) from error

    def _shapes(self, call: Call) -> Shapes:
        return self._site.shapes(call, most_comments=self._site.scenario.search_comments)

    def _reconciled(self, found: list[Ticket], given: JsonObject) -> list[Ticket]:
        """Return the issues with those that the caller knows of as they really are."""
        listed = given.get("reconcileIssues")
        known = {str(each) for each in listed} if isinstance(listed, list) else set()
        desk = self._site.sandbox.desk
        return [desk.tickets.get(each.id, each) if each.id in known else each for each in found]


def _query(text: str) -> Query:
    try:
        return parse_jql(text)
    except JqlError as error:
        raise refused(400, str(error)) from error


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return [str(name) for name in value] if isinstance(value, Sequence) else []


def _number(value: object, otherwise: int) -> int:
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else otherwise


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset={offset}".encode()).decode()


def _offset(token: object) -> int:
    if token is None:
        return 0
    invalid: Refusal = refused(400, "The next page token is invalid or has expired.")
    if not isinstance(token, str):
        raise invalid
    try:
        name, _, number = base64.urlsafe_b64decode(token).decode().partition("=")
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise invalid from error
    if name != "offset" or not number.isdecimal():
        raise invalid
    return int(number)
