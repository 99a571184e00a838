"""Letting cases follow the tickets whose status was given a meaning after they took it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from casebridge.domain.actors import TimelineKind
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow, UnmappedStatusRow
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.fanout import FanOut
from casebridge.services.reflection import Reflection
from casebridge.services.snapshots import ticket_status
from casebridge.services.tenants import Principal
from casebridge_core import TicketEvent

_BATCH: Final = 25
"""Cases that are locked together: always in the order of their ids, as everywhere."""


class Remapping:
    """Decides anew what tickets that stand in a status mean for their cases."""

    def __init__(
        self, database: Database, connections: Connections, fanout: FanOut, clock: Clock
    ) -> None:
        """Bind what a decision needs."""
        self._database = database
        self._connections = connections
        self._fanout = fanout
        self._clock = clock

    async def follow(
        self, who: Principal, row: UnmappedStatusRow, connector: ConnectorRow
    ) -> Counter[str | None]:
        """Decide every ticket that stands in the status, a few in each transaction.

        Returns how many cases kept their status, by the reason; those that moved have none.
        """
        outcomes: Counter[str | None] = Counter()
        if not connector.enabled or connector.held_by is not None:
            return outcomes
        query = select(RefRow.id).where(
            _stands_in(row), RefRow.settled_native.is_distinct_from(row.name)
        )
        async with self._database.read() as session:
            refs = (await session.scalars(query.order_by(RefRow.case_id))).all()
        for start in range(0, len(refs), _BATCH):
            async with self._database.write() as session:
                for ref_id in refs[start : start + _BATCH]:
                    found = await _lock_case(session, ref_id, row)
                    if found is not None:
                        outcomes[await self._decide(session, who, connector, *found)] += 1
        return outcomes

    async def _decide(
        self,
        session: AsyncSession,
        who: Principal,
        connector: ConnectorRow,
        record: CaseRow,
        ref: RefRow,
    ) -> str | None:
        """Decide the status that the ticket is known to have, as of when it took it."""
        now = self._clock()
        told = await _told_by(session, ref)
        event = TicketEvent(
            vendor=ref.vendor,
            external_id=ref.external_id or "",
            status=ticket_status(ref),
            occurred_at=ref.status_seen_at,
        )
        reflection = Reflection(
            session=session,
            fanout=self._fanout,
            hooks=self._connections.hooks(ref.vendor),
            connector=self._connections.open(connector, who.tenant),
            account=connector.account_id,
            event_row=told.id if told is not None else None,
            event_id=told.public_id if told is not None else None,
            now=now,
            received_at=ref.status_noted_at,
        )
        _, reason = await reflection.apply(ref, event)
        if reason is None:
            text = f"{ref.ticket_status} now means {record.status}, and the case follows"
            detail = {"native": ref.ticket_status, "status": record.status}
            cause = who.cause(now)
            timeline.record(session, record, cause, TimelineKind.STATUS_MAPPED, text, **detail)
        return reason


async def standing(
    session: AsyncSession, rows: Collection[UnmappedStatusRow]
) -> dict[int, tuple[int, int]]:
    """Return, by the id of a status, how many tickets stand there, and how many cases do not."""
    behind = case((RefRow.settled_native.is_distinct_from(RefRow.ticket_status), 1), else_=0)
    query = (
        select(UnmappedStatusRow.id, func.count(), func.sum(behind))
        .join(RefRow, _stands_in(UnmappedStatusRow))
        .where(UnmappedStatusRow.id.in_([row.id for row in rows]))
        .group_by(UnmappedStatusRow.id)
    )
    return {row_id: (tickets, waiting) for row_id, tickets, waiting in await session.execute(query)}


def _stands_in(status: UnmappedStatusRow | type[UnmappedStatusRow]) -> ColumnElement[bool]:
    return and_(
        RefRow.connector_id == status.connector_id,
        RefRow.ticket_status == status.name,
        RefRow.external_id.is_not(None),
        RefRow.gone_at.is_(None),
    )


async def _lock_case(
    session: AsyncSession, ref_id: int, row: UnmappedStatusRow
) -> tuple[CaseRow, RefRow] | None:
    """Lock the case, then read its ref; None when the ticket stands there no more."""
    record = await session.scalar(
        select(CaseRow)
        .join(RefRow, RefRow.case_id == CaseRow.id)
        .where(RefRow.id == ref_id)
        .with_for_update(of=CaseRow, key_share=True)
    )
    ref = await session.scalar(select(RefRow).where(RefRow.id == ref_id, _stands_in(row)))
    return (record, ref) if record is not None and ref is not None else None


async def _told_by(session: AsyncSession, ref: RefRow) -> InboundEventRow | None:
    """Return the event that told of the ticket's status last, if a webhook did."""
    query = select(InboundEventRow).where(
        InboundEventRow.tenant_id == ref.tenant_id,
        InboundEventRow.external_id == ref.external_id,
        InboundEventRow.connector_id == ref.connector_id,
        InboundEventRow.native_status == ref.ticket_status,
    )
    query = query.options(defer(InboundEventRow.body), defer(InboundEventRow.headers))
    event: InboundEventRow | None = await session.scalar(
        query.order_by(InboundEventRow.id.desc()).limit(1)
    )
    return event
