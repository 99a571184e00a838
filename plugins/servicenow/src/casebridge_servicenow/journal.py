"""Comments of a ticket, written to its journal and read from ``sys_journal_field``."""

from __future__ import annotations

from collections.abc import Sequence
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
from casebridge_servicenow.comments import (
    ENTRY_FIELDS,
    JOURNALS,
    carries,
    key_in,
    marked,
    read_entry,
)
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.values import label_of, value_of, written

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient

_TABLE: Final = "sys_journal_field"
_MOST_WITH_KEY: Final = 100
_MOST_SINCE: Final = 1000


async def post_comment(
    client: ServiceNowClient, ref: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Append a comment with its key to the journal.

    The id is the journal entry's, or the key where the account may not read the journal.
    """
    config = client.config
    text = marked(comment.text, comment.key)
    await client.api.patch(config.table, ref.external_id, {config.comment_field: text}, ("sys_id",))
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
    client: ServiceNowClient, ticket_ids: Sequence[str], since: datetime
) -> dict[str, list[InboundComment]]:
    """Return what was written on tickets since a moment, oldest first, by ticket.

    Empty where the journal is closed to the account: comments then come by webhook only.
    """
    if not ticket_ids:
        return {}
    query = both(
        where("element_id", "IN", ",".join(ticket_ids)),
        where("element", "IN", ",".join(JOURNALS)),
        where("sys_created_on", ">=", written(since)),
        oldest_first("sys_created_on"),
    )
    try:
        rows = await client.api.rows(_TABLE, query, ENTRY_FIELDS, limit=_MOST_SINCE)
    except InvalidRequest:
        return {}
    spoken: dict[str, list[InboundComment]] = {ticket_id: [] for ticket_id in ticket_ids}
    for row in rows:
        ticket_id = value_of(row.get("element_id"))
        comment = read_entry(row, ticket_id)
        if comment is not None and ticket_id in spoken:
            spoken[ticket_id].append(comment)
    return spoken


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
    row = await client.api.row(client.config.table, ref.external_id, ("sys_id", field))
    return label_of(row.get(field))
