"""Claims: at most one convergence per ref at a time, over all workers, enforced by the database."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from casebridge.domain.pacing import Demand, share_out
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.fanout import BACKFILL, NEW_WORK

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, Table


class LeaseLost(Exception):
    """Another worker has taken the ref over; whatever this one still wanted to write is void."""


class Claim(msgspec.Struct, frozen=True):
    """The right to converge a ref; with its id, ``token`` fences every write made under it."""

    ref_id: int
    case_id: int
    token: str


class Claims:
    """Hands out claims and guards what is written under them."""

    def __init__(self, database: Database, clock: Clock, *, lease: timedelta) -> None:
        """``lease`` is how long a claim lasts without being renewed."""
        self._database = database
        self._clock = clock
        self._lease = lease
        self._turn = 0

    async def take(self, limit: int, vendors: Collection[str]) -> list[Claim]:
        """Claim up to ``limit`` refs that are due, of connectors that may be called now.

        A ref is due when its time has come, or when the worker that had it fell silent. The claim
        takes ``due_at``: a wake-up that comes later sets it again and is not lost. Tenants and
        connectors take turns, new work goes before backfill, and no connector gets more than its
        limit in flight, whoever else claims at the same time.

        What it costs depends on the connectors with work and on ``limit``, not on how much is due.
        """
        now = self._clock()
        known = {"now": now, "vendors": list(vendors)}
        async with self._database.read() as session:
            is_due, is_silent = (await session.execute(_IS_ANYTHING_DUE, known)).one()
        if not is_due:
            return []
        async with self._database.write() as session:
            if is_silent:
                await session.execute(_RECOVER, {"now": now})
            demands = await _demands(session, {**known, "limit": limit})
            self._turn += 1
            claims: list[Claim] = []
            for connector_id, count in share_out(demands, limit, turn=self._turn).items():
                claims += await self._claim(session, connector_id, count, now)
            return claims

    async def _claim(
        self, session: AsyncSession, connector_id: int, count: int, now: datetime
    ) -> list[Claim]:
        token = secrets.token_hex(16)
        values = {"token": token, "until": now + self._lease}
        asked = {"connector": connector_id, "count": count, "now": now}
        taken = (await session.execute(_TAKE, {**asked, **values})).all()
        in_order = sorted(taken, key=lambda row: (row.priority, row.id))
        return [Claim(row.id, row.case_id, token) for row in in_order]

    async def renew(self, claim: Claim) -> bool:
        """Extend the lease; False when the claim is lost."""
        return await self._write(claim, {"lease_until": self._clock() + self._lease})

    async def release(self, claim: Claim) -> None:
        """Give the claim back; a lost one is left alone."""
        await self._write(claim, {"lease_token": None, "lease_until": None})

    async def note(self, claim: Claim, **values: Any) -> None:  # noqa: ANN401 - columns of the ref
        """Write columns of the ref that hang on nothing else: one statement, and no lock before.

        Raises:
            LeaseLost: the claim is not ours any more; nothing is written.
        """
        if not await self._write(claim, {**values, "updated_at": self._clock()}):
            raise LeaseLost

    @asynccontextmanager
    async def commit(self, claim: Claim) -> AsyncIterator[tuple[AsyncSession, RefRow, CaseRow]]:
        """Open the transaction of one step: the case is locked first, as everywhere.

        The case comes without its record (texts, events, entities).

        Raises:
            LeaseLost: the claim is not ours any more; nothing is written.
        """
        async with self._database.write() as session:
            case = (await session.scalars(_LOCK_CASE, {"case": claim.case_id})).one()
            ref = await session.scalar(_LOCK_REF, {"ref": claim.ref_id, "token": claim.token})
            if ref is None:
                raise LeaseLost
            ref.updated_at = self._clock()
            yield session, ref, case

    async def _write(self, claim: Claim, values: dict[str, Any]) -> bool:
        """Write columns of the ref; False when the claim is lost."""
        fenced = update(_REFS).where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
        async with self._database.write() as session:
            written = await session.scalar(fenced.values(values).returning(RefRow.id))
        return written is not None

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts without being renewed."""
        return self._lease


async def _demands(session: AsyncSession, known: dict[str, Any]) -> list[Demand]:
    """Tell how much each connector could start now.

    The connectors are locked first and what is in flight is counted in a second statement, so
    that two workers never count the same free place.
    """
    found = (await session.execute(_LOCK_CONNECTORS, known)).all()
    in_flight = await session.execute(_IN_FLIGHT, {"connectors": [row.id for row in found]})
    busy = {connector: count for connector, count in in_flight}  # noqa: C416 - rows are not pairs to a type checker
    return [
        Demand(
            tenant_id=row.tenant_id,
            connector_id=row.id,
            wanted=min(row.waiting, row.in_flight - busy.get(row.id, 0)),
        )
        for row in found
    ]


def is_callable(now: Any, vendors: Any) -> ColumnElement[bool]:  # noqa: ANN401 - values or parameters
    """Tell of which connectors the vendor may be called now."""
    return and_(
        ConnectorRow.enabled,
        ConnectorRow.held_by.is_(None),
        ConnectorRow.removed_at.is_(None),
        ConnectorRow.paused_at.is_(None),
        or_(ConnectorRow.quiet_until.is_(None), ConnectorRow.quiet_until <= now),
        ConnectorRow.vendor.in_(vendors),
    )


# The statements are made once: to make one costs several times what it takes to execute it.
_REFS: Final = cast("Table", RefRow.__table__)
_NOW: Final[BindParameter[datetime]] = bindparam("now")
_CALLABLE: Final = is_callable(_NOW, bindparam("vendors", expanding=True))
_ASKED: Final = and_(RefRow.due_at <= _NOW, RefRow.lease_token.is_(None))
_SILENT: Final = RefRow.lease_until < _NOW
# Naming the priorities leads straight to what is due in each of them.
_ASKED_OF_CONNECTOR: Final = and_(
    RefRow.connector_id == ConnectorRow.id, RefRow.priority.in_((NEW_WORK, BACKFILL)), _ASKED
)
_WAITING: Final = exists().where(_ASKED_OF_CONNECTOR)
_IS_ANYTHING_DUE: Final = select(
    or_(
        exists().where(_CALLABLE, _WAITING.correlate(ConnectorRow)),
        exists().where(_CALLABLE, RefRow.connector_id == ConnectorRow.id, _SILENT),
    ),
    exists().where(_SILENT),
)
_RECOVER: Final = (
    update(_REFS)
    .where(_SILENT)
    .values(
        due_at=_NOW,
        lease_token=None,
        lease_until=None,
        # until a moment ago, it may have been creating the ticket
        create_attempted_at=case((RefRow.create_attempted_at.is_not(None), _NOW)),
    )
)
_SOME_WAITING: Final = (
    select(RefRow.id)
    .where(_ASKED_OF_CONNECTOR)
    .correlate(ConnectorRow)
    .limit(bindparam("limit"))
    .subquery()
)
_LOCK_CONNECTORS: Final = (
    select(
        ConnectorRow.id,
        ConnectorRow.tenant_id,
        ConnectorRow.in_flight,
        select(func.count()).select_from(_SOME_WAITING).scalar_subquery().label("waiting"),
    )
    .where(_CALLABLE, _WAITING)
    .order_by(ConnectorRow.id)
    .with_for_update(key_share=True)
)
_IN_FLIGHT: Final = (
    select(RefRow.connector_id, func.count())
    .where(
        RefRow.connector_id.in_(bindparam("connectors", expanding=True)),
        RefRow.lease_until.is_not(None),
    )
    .group_by(RefRow.connector_id)
)
_PICKED: Final = (
    select(RefRow.id)
    .where(RefRow.connector_id == bindparam("connector"), _ASKED)
    .order_by(RefRow.priority, RefRow.due_at, RefRow.id)
    .limit(bindparam("count"))
    .with_for_update(skip_locked=True)
    .cte("picked")
)
_TAKE: Final = (
    update(_REFS)
    .where(RefRow.id.in_(select(_PICKED.c.id)))
    .values(due_at=None, lease_token=bindparam("token"), lease_until=bindparam("until"))
    .returning(RefRow.id, RefRow.case_id, RefRow.priority)
)
_LOCK_CASE: Final = (
    select(CaseRow)
    .options(
        defer(CaseRow.summary, raiseload=True),
        defer(CaseRow.agent_summary, raiseload=True),
        defer(CaseRow.detection_rules, raiseload=True),
        defer(CaseRow.raw_events, raiseload=True),
        defer(CaseRow.entities, raiseload=True),
    )
    .where(CaseRow.id == bindparam("case"))
    .with_for_update(key_share=True)
)
_LOCK_REF: Final = (
    select(RefRow)
    .where(RefRow.id == bindparam("ref"), RefRow.lease_token == bindparam("token"))
    .with_for_update(key_share=True)
)
