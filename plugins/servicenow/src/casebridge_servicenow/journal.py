"""Comments of a ticket, written to its journal and read from ``sys_journal_field``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CommentRef,
    InboundComment,
    InvalidRequest,
    ProjectedComment,
    PushError,
    TicketRef,
)
from casebridge_core.comments import key_in, marked
from casebridge_servicenow.comments import (
    ENTRY_FIELDS,
    JOURNALS,
    carries,
    read_entry,
)
from casebridge_servicenow.paging import Place
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.values import Row, label_of, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient

_TABLE: Final = "sys_journal_field"
_MOST_WITH_KEY: Final = 100
PAGE_SIZE: Final = 1000


async def post_comment(
    client: ServiceNowClient, ref: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Append a comment with its key to the journal.

    The id is the journal entry's, or the key where the account may not read the journal.
    """
    text = marked(comment)
    await client.table.patch(ref.external_id, {client.config.comment_field: text})
    try:
        found = await _with_key(client, ref, comment.key)
    except PushError:
        found = ()  # it stands on the ticket: a failed look must not have it posted again
    return found[-1] if found else CommentRef(external_id=comment.key)


async def find_comment(
    client: ServiceNowClient, ref: TicketRef, key: str
) -> tuple[CommentRef, ...]:
    """Return the comments on a ticket that carry a key, oldest first.

    Where ``sys_journal_field`` is closed to the account, the ticket's own rendering of its journal
    is read instead.
    """
    try:
        return await _with_key(client, ref, key)
    except InvalidRequest as closed:
        shown = await _rendered(client, ref)
        if not shown:
            raise InvalidRequest(
                f"{closed}; without it no comment can be found again", fields=(_TABLE,)
            ) from closed
        return (CommentRef(external_id=key),) if carries(shown, key) else ()


async def comments_since(
    client: ServiceNowClient,
    ticket_ids: Sequence[str],
    since: datetime,
    *,
    size: int = PAGE_SIZE,
) -> dict[str, list[InboundComment]]:
    """Return what was written on tickets since a moment, oldest first, by ticket.

    Empty where the journal is closed to the account: comments then come by webhook only.
    """
    if not ticket_ids:
        return {}
    journals = {client.table.columns.of(name): name for name in JOURNALS}
    conditions = (
        where("element_id", "IN", ",".join(ticket_ids)),
        where("element", "IN", ",".join(journals)),
    )
    spoken: dict[str, list[InboundComment]] = {ticket_id: [] for ticket_id in ticket_ids}
    try:
        async for row in _entries(client, conditions, since, size=size):
            ticket_id = value_of(row.get("element_id"))
            element = value_of(row.get("element"))
            entry = {**row, "element": journals.get(element, element)}
            comment = read_entry(entry, ticket_id)
            if comment is not None and ticket_id in spoken:
                spoken[ticket_id].append(comment)
    except InvalidRequest:
        return {}
    return spoken


async def _entries(
    client: ServiceNowClient, conditions: tuple[str, ...], since: datetime, *, size: int
) -> AsyncIterator[Row]:
    """Yield the entries since a moment, over as many pages as there are."""
    place = Place.since(since)
    while rows := await place.page(
        lambda query: client.api.rows(_TABLE, query, ENTRY_FIELDS, limit=size),
        time="sys_created_on",
        conditions=conditions,
    ):
        for row in rows:
            yield row
        following = Place.of(rows[-1], time="sys_created_on")
        if following is None or following == place:
            return
        place = following


async def _with_key(client: ServiceNowClient, ref: TicketRef, key: str) -> tuple[CommentRef, ...]:
    query = both(
        where("element_id", "=", ref.external_id),
        where("value", "LIKE", key),
        oldest_first("sys_created_on"),
    )
    rows = await client.api.rows(_TABLE, query, ENTRY_FIELDS, limit=_MOST_WITH_KEY)
    return tuple(
        CommentRef(external_id=value_of(row.get("sys_id")))
        for row in rows
        if value_of(row.get("element_id")) == ref.external_id
        and key_in(value_of(row.get("value"))) == key
    )


async def _rendered(client: ServiceNowClient, ref: TicketRef) -> str:
    field = client.config.comment_field
    row = await client.table.row(ref.external_id, ("sys_id", field))
    return label_of(row.get(field))
