"""What changed since a moment, page by page, with none lost among changes of one second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from casebridge_core import (
    ChangePage,
    CommentAction,
    InboundComment,
    InvalidRequest,
    TicketEvent,
)
from casebridge_roundup.client import ids_in
from casebridge_roundup.comments import read_comment
from casebridge_roundup.statuses import VENDOR
from casebridge_roundup.tickets import TICKET_FIELDS, read_id, read_ticket, written

if TYPE_CHECKING:
    from datetime import datetime

    from casebridge_roundup.client import RoundupClient, Row

PAGE_SIZE: Final = 50


class _Page(msgspec.Struct, frozen=True):
    """Where a page begins: at a second, and at which page among what changed since."""

    since: str
    index: int = 1


async def list_changes(
    client: RoundupClient, since: datetime, page: str | None, *, size: int = PAGE_SIZE
) -> ChangePage:
    """Return one page of the account's issues that changed at or after ``since``.

    Each comes with all of its messages, since an edit of a message is no change of the issue: it
    is seen with the issue's next one.
    """
    here = _Page(written(since)) if page is None else _named(page)
    rows = await client.issues(
        {
            "activity": f"{here.since};",
            "creator": client.config.username,
            "@fields": f"{TICKET_FIELDS},messages",
            "@sort": "activity,id",
            "@page_size": size,
            "@page_index": here.index,
        }
    )
    messages = await client.messages([each for row in rows for each in _messages_of(row)])
    events = tuple(_event(client, row, messages) for row in rows if read_id(row.get("id")))
    following = _ahead(client, here, rows) if len(rows) >= size else None
    return ChangePage(
        events=events,
        next_page=None if following is None else msgspec.json.encode(following).decode(),
    )


def _named(page: str) -> _Page:
    try:
        return msgspec.json.decode(page, type=_Page)
    except msgspec.MsgspecError:
        raise InvalidRequest("the page is not one that this connector gave") from None


def _ahead(client: RoundupClient, here: _Page, rows: list[Row]) -> _Page:
    """Go on from the last issue's own second, so that a change meanwhile moves nothing past us.

    Where a whole page changed within that second, go on by the number of the page.
    """
    last = read_ticket(client.config, rows[-1]).updated_at
    if last is None or written(last) <= here.since:
        return _Page(here.since, here.index + 1)
    return _Page(written(last))


def _event(client: RoundupClient, row: Row, messages: dict[str, Row]) -> TicketEvent:
    """Return an issue's present state as an event.

    It has no actor: who touched the issue last need not be who moved it.
    """
    ticket = read_ticket(client.config, row)
    return TicketEvent(
        vendor=VENDOR,
        external_id=ticket.ref.external_id,
        key=ticket.ref.key,
        site=client.config.site,
        status=ticket.status,
        assignee=ticket.assignee,
        comments=tuple(_comments(row, messages)),
        occurred_at=ticket.updated_at,
    )


def _comments(row: Row, messages: dict[str, Row]) -> Iterator[InboundComment]:
    """Yield each message twice: as it was written, with its time, and as it reads now, without."""
    for message in (messages[each] for each in _messages_of(row) if each in messages):
        for action in (CommentAction.CREATED, CommentAction.EDITED):
            if (comment := read_comment(message, action)) is not None:
                yield comment


def _messages_of(row: Row) -> list[str]:
    links = row.get("messages")
    if not isinstance(links, list):
        return []
    return ids_in([each.get("id") for each in links if isinstance(each, dict)])
