"""Following itsm_list_changes from page to page, to an end."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from casebridge_core.testing.bench import Bench, Unsound, Wire
from casebridge_core.tickets import TicketEvent, TicketRef

_MOST_PAGES: Final = 500
_IDLE_PAGES: Final = 20
"""How many pages in a row may bring nothing new; a filter of the vendor's may well empty some."""


async def changes(bench: Bench, wire: Wire, since: datetime) -> list[TicketEvent]:
    """Return the events of all pages.

    Raises:
        Unsound: the pages do not end.
    """
    events: list[TicketEvent] = []
    asked: set[str] = set()
    page: str | None = None
    idle = 0
    while len(asked) < _MOST_PAGES:
        found = await bench.hooks.list_changes(wire.connector, since, page)
        news = [event for event in found.events if event not in events]
        events += news
        idle = 0 if news else idle + 1
        page = found.next_page
        if page is None:
            return events
        if page in asked:
            raise Unsound(
                f"itsm_list_changes: next_page is {page!r} once more: its pages never end, answer"
                " None on the last"
            )
        if idle >= _IDLE_PAGES:
            raise Unsound(
                f"itsm_list_changes: {idle} pages in a row brought nothing new, and next_page is"
                f" {page!r}: answer None on the last page, and pass ``page`` on to the vendor"
            )
        asked.add(page)
    return events


async def changes_of(
    bench: Bench, wire: Wire, ticket: TicketRef, since: datetime
) -> list[TicketEvent]:
    """Return the events of one ticket, once the vendor lists any or its lag is over."""

    async def look() -> list[TicketEvent]:
        events = await changes(bench, wire, since)
        return [event for event in events if event.external_id == ticket.external_id]

    return await bench.eventually(look)
