"""What connectors have been doing: tickets that fail, and the traffic of the last day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import case, extract, func, select

from casebridge.domain.hours import HOURS, HourCount
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock

_HOUR_SECONDS: Final = 3600
_MOST: Final = 100


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets that are not where their cases are: ``failing`` are tried again, ``dead`` are not.

    ``since`` is when the one that has failed longest failed first.
    """

    failing: int = 0
    dead: int = 0
    since: datetime | None = None


class ConnectorActivity:
    """Counts over the refs and the timeline of connectors that the caller may see."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Bind the database."""
        self._database = database
        self._clock = clock

    async def failures(self, rows: Collection[ConnectorRow]) -> Mapping[int, Failures]:
        """Count the tickets that fail, by the connector's row id."""
        is_dead = case((RefRow.dead_at.is_not(None), 1), else_=0)
        query = (
            select(
                RefRow.connector_id,
                func.count(),
                func.sum(is_dead),
                func.min(func.coalesce(RefRow.first_failed_at, RefRow.last_error_at)),
            )
            .where(
                RefRow.connector_id.in_([row.id for row in rows]), RefRow.last_error.is_not(None)
            )
            .group_by(RefRow.connector_id)
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        counted: dict[int, Failures] = defaultdict(Failures)
        for connector, tickets, dead, since in found:
            counted[connector] = Failures(failing=tickets - dead, dead=dead, since=since)
        return counted

    async def failing(self, row: ConnectorRow) -> list[tuple[RefRow, CaseRow]]:
        """Return a connector's tickets that fail, with their cases: dead ones first, a hundred."""
        query = (
            select(RefRow, CaseRow)
            .join(CaseRow, CaseRow.id == RefRow.case_id)
            .where(RefRow.connector_id == row.id, RefRow.last_error.is_not(None))
            .order_by(RefRow.dead_at.is_(None), RefRow.last_error_at, RefRow.id)
            .limit(_MOST)
        )
        async with self._database.read() as session:
            return [(ref, case_row) for ref, case_row in await session.execute(query)]

    async def last_day(self, rows: Collection[ConnectorRow]) -> Mapping[int, list[HourCount]]:
        """Count the timeline's rows of the last day by hour and kind, by the connector's row id."""
        now = self._clock()
        age = int(now.timestamp()) - extract("epoch", TimelineRow.at)
        hour = (age - age % _HOUR_SECONDS).label("hour")
        query = (
            select(TimelineRow.connector_id, hour, TimelineRow.kind, func.count())
            .where(
                TimelineRow.connector_id.in_([row.id for row in rows]),
                TimelineRow.at > now - timedelta(hours=HOURS),
            )
            .group_by(TimelineRow.connector_id, hour, TimelineRow.kind)
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        counts: dict[int, list[HourCount]] = defaultdict(list)
        for connector, seconds, kind, count in found:
            ago = int(seconds) // _HOUR_SECONDS
            counts[connector or 0].append(HourCount(hours_ago=ago, kind=kind, count=count))
        return counts
