"""Timelines as JSON Lines: a line a row, page by page, so that any length costs the same memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Select, func, select

from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow
from casebridge.services.clock import in_utc
from casebridge.services.faults import NotFound
from casebridge.services.tenants import Principal

_PAGE: Final = 500


class ExportFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: of one case, from ``since`` on, before ``until``, with an id above ``after``."""

    case_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0


class ExportedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the export; ``id`` grows, and ``event_id`` is the stored webhook."""

    id: int
    case_id: str
    at: datetime
    kind: str
    actor_label: str
    text: str
    event_id: str | None
    detail: dict[str, Any]


class TimelineExport:
    """Reads a tenant's timelines in the order in which they were written."""

    def __init__(self, database: Database) -> None:
        """Bind the database."""
        self._database = database

    async def begin(self, who: Principal, which: ExportFilter) -> AsyncIterator[bytes]:
        """Return the lines that are there now, several at a time; what comes later is left out.

        Raises:
            NotFound: the tenant has no such case.
            Invalid: a moment has no time zone.
        """
        query = _rows(who, which)
        async with self._database.read() as session:
            if which.case_id is not None:
                wanted = select(CaseRow.id).where(
                    CaseRow.tenant_id == who.tenant_id, CaseRow.public_id == which.case_id
                )
                case = await session.scalar(wanted)
                if case is None:
                    raise NotFound(f"there is no case {which.case_id!r}", field="case_id")
                query = query.where(TimelineRow.case_id == case)
            newest = await session.scalar(select(func.max(TimelineRow.id))) or 0
        return self._lines(query, after=which.after, newest=newest)

    async def _lines(
        self, query: Select[TimelineRow, str, str], *, after: int, newest: int
    ) -> AsyncIterator[bytes]:
        encoder = msgspec.json.Encoder()
        while True:
            page = query.where(TimelineRow.id > after, TimelineRow.id <= newest).limit(_PAGE)
            async with self._database.read() as session:
                found = (await session.execute(page)).all()
            if not found:
                return
            yield b"".join(encoder.encode(_exported(*row)) + b"\n" for row in found)
            after = found[-1][0].id


def _rows(who: Principal, which: ExportFilter) -> Select[TimelineRow, str, str]:
    query = (
        select(TimelineRow, CaseRow.public_id, InboundEventRow.public_id)
        .join(CaseRow, CaseRow.id == TimelineRow.case_id)
        .outerjoin(InboundEventRow, InboundEventRow.id == TimelineRow.event_id)
        .where(TimelineRow.tenant_id == who.tenant_id)
        .order_by(TimelineRow.id)
    )
    if which.since is not None:
        query = query.where(TimelineRow.at >= in_utc(which.since, field="since"))
    if which.until is not None:
        query = query.where(TimelineRow.at < in_utc(which.until, field="until"))
    return query


def _exported(row: TimelineRow, case_id: str, event_id: str | None) -> ExportedRow:
    return ExportedRow(
        id=row.id,
        case_id=case_id,
        at=row.at,
        kind=row.kind,
        actor_label=row.actor_label,
        text=row.text,
        event_id=event_id,
        detail=row.detail,
    )
