"""What changed since a moment, page by page: a search in JQL, which knows whole minutes only."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from casebridge_core import ChangePage, InboundComment, Ticket, TicketEvent, TicketNotFound
from casebridge_jira.comments import read_comment
from casebridge_jira.statuses import VENDOR
from casebridge_jira.tickets import TICKET_FIELDS, read_objects, read_site, read_text, read_ticket

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient

PAGE: Final = 100
_EARLIEST_ZONE: Final = timezone(-timedelta(hours=12))


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    """What leads to the next page: the query, where to go on in it, and the account's zone."""

    jql: str
    at: str | int
    zone: str = ""


async def list_changes(client: JiraClient, since: datetime, page: str | None) -> ChangePage:
    """Return one page of the project's issues that changed at or after ``since``.

    JQL knows whole minutes, in the time zone of the account, so a page may begin a little early.
    """
    if page is None:
        zone = read_text((await client.my_settings()).get("timeZone")) or ""
        here = _Page(jql=_changed_since(client, since, zone), at=0, zone=zone)
    else:
        here = msgspec.json.decode(page, type=_Page)
    fields = (*TICKET_FIELDS, "comment")
    found = await client.search(here.jql, fields, limit=PAGE, page=here.at or None)
    issues = read_objects(found["issues"])
    read = [await _event(client, issue) for issue in issues]
    events = tuple(event for event in read if event is not None)
    ahead = _ahead_cloud(here, found) if client.config.is_cloud else _ahead(client, here, found)
    following = msgspec.json.encode(ahead).decode() if ahead is not None else None
    return ChangePage(events=events, next_page=following)


def _changed_since(client: JiraClient, since: datetime, zone: str) -> str:
    return (
        f'project = "{client.config.project}" AND updated >= "{wall_clock(since, zone)}"'
        " ORDER BY updated ASC, key ASC"
    )


def wall_clock(moment: datetime, zone: str) -> str:
    """Return a moment as JQL takes it, in the account's time zone; rather too early than too late.

    Source: Atlassian, JQL fields, Updated: the time zone is the user's.
    """
    local = moment.astimezone(_zone(zone))
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        local -= timedelta(hours=1)
    return f"{local:%Y-%m-%d %H:%M}"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else _EARLIEST_ZONE
    except (KeyError, ValueError, OSError):
        return _EARLIEST_ZONE


def _ahead_cloud(here: _Page, found: Mapping[str, Any]) -> _Page | None:
    token = read_text(found.get("nextPageToken"))
    if token is None or found.get("isLast") is True:
        return None
    return msgspec.structs.replace(here, at=token)


def _ahead(client: JiraClient, here: _Page, found: Mapping[str, Any]) -> _Page | None:
    """Go on from the last issue's own minute, so that a change meanwhile moves nothing past us.

    Where that is no later (a page within one minute, an hour that comes twice), go on by offset.
    """
    issues, total = found["issues"], found.get("total")
    offset = (here.at if isinstance(here.at, int) else 0) + len(issues)
    if not issues or not isinstance(total, int) or offset >= total:
        return None
    last = read_ticket(issues[-1], client.config.base_url)
    jql = here.jql
    if last is not None and last.updated_at is not None:
        jql = max(jql, _changed_since(client, last.updated_at, here.zone))
    return msgspec.structs.replace(here, jql=jql, at=offset if jql == here.jql else 0)


async def _event(client: JiraClient, issue: Mapping[str, Any]) -> TicketEvent | None:
    ticket = read_ticket(issue, client.config.base_url)
    if ticket is None:
        return None
    return TicketEvent(
        vendor=VENDOR,
        external_id=ticket.ref.external_id,
        key=ticket.ref.key,
        site=read_site(client.config.base_url),
        status=ticket.status,
        assignee=ticket.assignee,
        comments=tuple(await _comments(client, ticket, issue["fields"].get("comment"))),
        occurred_at=ticket.updated_at.astimezone(UTC) if ticket.updated_at else None,
    )


async def _comments(client: JiraClient, ticket: Ticket, value: object) -> list[InboundComment]:
    """Return the comments of an issue that was found; a search may show only some of many."""
    if not isinstance(value, Mapping):
        return []
    shown: Sequence[Mapping[str, Any]] = read_objects(value.get("comments"))
    total = value.get("total")
    if isinstance(total, int) and total > len(shown):
        with contextlib.suppress(TicketNotFound):  # it went between the search and now
            shown = await client.comments(ticket.ref.external_id)
    return [read for each in shown if (read := read_comment(each)) is not None]
