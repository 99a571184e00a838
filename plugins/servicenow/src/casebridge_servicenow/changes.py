"""What changed since a moment, page by page, with none lost among changes of one second.

``sys_updated_on`` has a resolution of one second, so a page may end within a second. The cursor
holds time and sys_id of the last row: the rest of that second comes first, then what is later. A
page may be short, because ServiceNow applies the limit before the access rules; only an empty one
is the last.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from casebridge_core import ChangePage, InboundComment, InvalidRequest, TicketEvent
from casebridge_servicenow.fields import CORRELATION_DISPLAY
from casebridge_servicenow.journal import comments_since
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.tickets import read_ticket, ticket_fields
from casebridge_servicenow.values import Row, value_of, written
from casebridge_servicenow.webhooks import VENDOR

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

PAGE_SIZE: Final = 100
_OURS: Final = where("correlation_display", "=", CORRELATION_DISPLAY)
_ORDER: Final = (oldest_first("sys_updated_on"), oldest_first("sys_id"))
_CURSOR: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\|([0-9A-Za-z]{1,64})")


async def list_changes(
    client: ServiceNowClient,
    since: datetime,
    page: str | None,
    *,
    size: int = PAGE_SIZE,
) -> ChangePage:
    """Return one page of our tickets that changed at or after ``since``, oldest change first."""
    if page is None:
        rows = await _rows(client, where("sys_updated_on", ">=", written(since)), size=size)
    else:
        second, sys_id = _read_cursor(page)
        same = (where("sys_updated_on", "=", second), where("sys_id", ">", sys_id))
        rows = await _rows(client, *same, size=size)
        rows = rows or await _rows(client, where("sys_updated_on", ">", second), size=size)
    spoken = await comments_since(client, [value_of(row.get("sys_id")) for row in rows], since)
    events = (_event(client.config, row, spoken) for row in rows)
    return ChangePage(
        events=tuple(event for event in events if event is not None),
        next_page=_cursor(rows[-1]) if rows else None,
    )


async def _rows(client: ServiceNowClient, *conditions: str, size: int) -> list[Row]:
    query = both(_OURS, *conditions, *_ORDER)
    wanted = ticket_fields(client.config)
    return await client.api.rows(client.config.table, query, wanted, limit=size)


def _event(
    config: ServiceNowConfig, row: Row, spoken: dict[str, list[InboundComment]]
) -> TicketEvent | None:
    """Return a ticket's present state as an event.

    It has no actor: who touched the record last need not be who moved it.
    """
    ticket = read_ticket(config, row)
    if ticket is None or value_of(row.get("correlation_display")) != CORRELATION_DISPLAY:
        return None
    return TicketEvent(
        vendor=VENDOR,
        external_id=ticket.ref.external_id,
        key=ticket.ref.key,
        site=next(iter(config.hosts())),
        status=ticket.status,
        assignee=ticket.assignee,
        comments=tuple(spoken.get(ticket.ref.external_id, ())),
        occurred_at=ticket.updated_at,
    )


def _cursor(row: Row) -> str | None:
    cursor = f"{value_of(row.get('sys_updated_on'))}|{value_of(row.get('sys_id'))}"
    return cursor if _CURSOR.fullmatch(cursor) else None


def _read_cursor(page: str) -> tuple[str, str]:
    found = _CURSOR.fullmatch(page)
    if found is None:
        raise InvalidRequest("the page is not one that this connector gave")
    return found.group(1), found.group(2)
