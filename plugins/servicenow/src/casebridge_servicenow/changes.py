"""What changed since a moment, page by page, with none lost among changes of one second."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from casebridge_core import ChangePage, InboundComment, InvalidRequest, TicketEvent
from casebridge_servicenow.fields import CORRELATION_DISPLAY
from casebridge_servicenow.journal import comments_since
from casebridge_servicenow.paging import Place
from casebridge_servicenow.queries import where
from casebridge_servicenow.tickets import TICKET_FIELDS, read_ticket
from casebridge_servicenow.values import Row, value_of
from casebridge_servicenow.webhooks import VENDOR

if TYPE_CHECKING:
    from casebridge_servicenow.client import ServiceNowClient
    from casebridge_servicenow.config import ServiceNowConfig

PAGE_SIZE: Final = 100
_UPDATED: Final = "sys_updated_on"


async def list_changes(
    client: ServiceNowClient,
    since: datetime,
    page: str | None,
    *,
    size: int = PAGE_SIZE,
) -> ChangePage:
    """Return one page of our tickets that changed at or after ``since``, oldest change first.

    Raises:
        InvalidRequest: ServiceNow ignored the condition, so that ours cannot be told from others;
            or it shows no time, so that there is no next page.
    """
    place = Place.since(since) if page is None else Place.named(page)
    marker = client.table.columns.of("correlation_display")
    rows = await place.page(
        lambda query: client.table.rows(query, TICKET_FIELDS, limit=size),
        time=_UPDATED,
        conditions=(where(marker, "=", CORRELATION_DISPLAY),),
    )
    marks = {value_of(row.get("correlation_display")).casefold() for row in rows}
    if marks - {CORRELATION_DISPLAY.casefold()}:
        raise InvalidRequest(
            f"{client.config.table} cannot be searched by {marker}: let the integration account"
            " read that field",
            fields=(marker,),
        )
    spoken = await comments_since(client, [value_of(row.get("sys_id")) for row in rows], since)
    events = (_event(client.config, row, spoken) for row in rows)
    return ChangePage(
        events=tuple(event for event in events if event is not None),
        next_page=_next(rows, place),
    )


def _next(rows: list[Row], place: Place) -> str | None:
    """Return the page after these rows, None after the last and where there is no getting on."""
    if not rows:
        return None
    following = Place.of(rows[-1], time=_UPDATED)
    if following is None:
        raise InvalidRequest(
            f"the records come without {_UPDATED} or sys_id: let the integration account read them",
            fields=(_UPDATED,),
        )
    return None if following == place else str(following)


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
