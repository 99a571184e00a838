"""Counting: which cases wait for a ticket at a connector, and what became of a backfill's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.backfill import ACTIVE, Tally
from casebridge.persistence.backfills import BackfillRow
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.services.fanout import BACKFILL
from casebridge.services.lifecycle import UNCLOSED

WINDOW: Final = timedelta(minutes=2)
"""How far back the pace of a running backfill is looked at."""

_MINTED: Final = and_(RefRow.external_id.is_not(None), RefRow.dead_at.is_(None))
_UNMINTED: Final = and_(RefRow.external_id.is_(None), RefRow.dead_at.is_(None))
_BUSY: Final = or_(RefRow.due_at.is_not(None), RefRow.lease_token.is_not(None))
_LIVE: Final = and_(RefRow.dead_at.is_(None), RefRow.gone_at.is_(None))


def awaits_ticket(tenant_id: int, connector_id: int) -> ColumnElement[bool]:
    """Select the tenant's open cases that have no ref at a connector."""
    ref = exists().where(RefRow.case_id == CaseRow.id, RefRow.connector_id == connector_id)
    return and_(CaseRow.tenant_id == tenant_id, CaseRow.status.in_(UNCLOSED), ~ref)


async def count_waiting(session: AsyncSession, tenant_id: int, connector_id: int) -> int:
    """Return how many open cases have no ref at a connector."""
    query = select(func.count(CaseRow.id)).where(awaits_ticket(tenant_id, connector_id))
    return (await session.scalar(query)) or 0


async def take_tally(
    session: AsyncSession, row: BackfillRow, now: datetime, *, with_cases: bool = True
) -> Tally:
    """Count what became of a backfill's tickets, and until it is over the cases that wait.

    Without cases, ``waiting`` is 0 and the count costs no look at them.
    """
    since = max(row.resumed_at or now, now - WINDOW)
    counted = select(
        _count(_MINTED),
        _count(RefRow.dead_at.is_not(None)),
        _count(and_(_UNMINTED, RefRow.last_error.is_not(None))),
        _count(and_(_UNMINTED, RefRow.last_error.is_(None))),
        _count(and_(_LIVE, or_(_UNMINTED, and_(_BUSY, RefRow.priority == BACKFILL)))),
        _count(and_(_MINTED, RefRow.minted_at > since)),
    ).where(RefRow.backfill_id == row.id)
    minted, dead, failing, pending, under_way, recent = (await session.execute(counted)).one()
    waiting = 0
    if with_cases and row.state in ACTIVE:
        waiting = await count_waiting(session, row.tenant_id, row.connector_id)
    return Tally(
        minted=minted,
        dead=dead,
        failing=failing,
        pending=pending,
        under_way=under_way,
        waiting=waiting,
        recent=recent,
    )


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((which, 1)))
