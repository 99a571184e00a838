"""Replaying stored events: read and decided again, on what is known now, by the one decision.

A replay crosses no guard but that of duplicates: what is stale stays stale, and an event that told
no time is as old as its receipt.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from casebridge.domain.actors import TimelineKind, cross_system
from casebridge.domain.decision import FINAL, Reason
from casebridge.domain.identifiers import EVENT, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.locks import hold
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.consumer import Consumer, ticket_lock
from casebridge.services.deliveries import Reading, read
from casebridge.services.events import EventFilter, conditions, no_event, original_of
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Conflict, Invalid
from casebridge.services.narration import in_words
from casebridge.services.tenants import Principal
from casebridge.services.timeline import Cause
from casebridge_core import Person

_WAITING_AT_MOST: Final = 200


class ReplayOrder(EventFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events to replay: those of a filter that are still open, oldest first.

    Left out are events that are applied (unless ``applied`` says otherwise), that were replayed
    with a final outcome, and whose payload is past its retention. ``limit`` is how many at a time.
    """

    applied: bool | None = False
    limit: Annotated[int, Meta(ge=1, le=200)] = 100
    cursor: str | None = None


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What replays came to; ``reasons`` counts those that changed nothing.

    ``last`` is the row to go on from, None when all are done.
    """

    replayed: int
    applied: int
    reasons: dict[str, int]
    last: int | None


class Replays:
    """Replays stored events."""

    def __init__(
        self, database: Database, connections: Connections, fanout: FanOut, clock: Clock
    ) -> None:
        """Bind what a replay needs."""
        self._database = database
        self._catalog = connections.catalog
        self._consumer = Consumer(connections, fanout, clock)
        self._clock = clock

    async def one(self, who: Principal, event_id: str) -> str:
        """Replay an event, whatever became of it before; return the id of the new event.

        Raises:
            NotFound: the tenant has no such event.
            Conflict: its payload is past its retention.
        """
        async with self._database.write() as session:
            row = await session.scalar(
                select(InboundEventRow).where(
                    InboundEventRow.tenant_id == who.tenant_id,
                    InboundEventRow.public_id == event_id,
                )
            )
            if row is None:
                raise no_event(event_id)
            original = await original_of(session, row)
            if original.purged_at is not None:
                raise Conflict(
                    f"the payload of {original.public_id} is past its retention since"
                    f" {original.purged_at:%Y-%m-%d}; resync the ticket instead",
                    field="event_id",
                )
            return (await self._replay(session, original, who.label)).public_id

    async def many(self, who: Principal, order: ReplayOrder, *, after: int) -> ReplayReport:
        """Replay the events of a filter, each in a transaction of its own.

        ``after`` is the row to go on from, 0 for the first.

        Raises:
            Invalid: the filter names nothing, which would be every event.
            NotFound: it names something that the tenant does not have.
        """
        asked = {name: getattr(order, name) for name in EventFilter.__struct_fields__}
        if not any(value is not None for name, value in asked.items() if name != "applied"):
            raise Invalid("name at least one of connector_id, reason, …", field="body")
        async with self._database.read() as session:
            query = select(InboundEventRow.id).where(
                *await conditions(session, who, order), _is_open(), InboundEventRow.id > after
            )
            query = query.order_by(InboundEventRow.id).limit(order.limit + 1)
            ids = (await session.scalars(query)).all()
        outcomes: Counter[str | None] = Counter()
        for row_id in ids[: order.limit]:
            async with self._database.write() as session:
                original = await session.scalar(
                    select(InboundEventRow).where(InboundEventRow.id == row_id, _is_open())
                )
                if original is not None:
                    done = await self._replay(session, original, who.label)
                    outcomes[None if done.applied else done.reason] += 1
        return ReplayReport(
            replayed=outcomes.total(),
            applied=outcomes.pop(None, 0),
            reasons={reason: count for reason, count in outcomes.items() if reason is not None},
            last=ids[order.limit - 1] if len(ids) > order.limit else None,
        )

    async def catch_up(self, session: AsyncSession, ref: RefRow) -> None:
        """Decide what came for a ticket before it was linked, in the transaction that links it.

        A vendor's first webhook can be quicker than our own commit. The ref's case is locked. What
        our own minting told is how the ticket began: where people moved it at once, nobody else
        has seen that.
        """
        if ref.external_id is None:
            return
        with session.no_autoflush:  # mostly nothing waits, and all is written at once
            await hold(session, ticket_lock(ref.tenant_id, ref.vendor, ref.external_id))
            known = {
                "tenant": ref.tenant_id,
                "external_id": ref.external_id,
                "vendor": ref.vendor,
                "connector": ref.connector_id,
            }
            waiting = (await session.scalars(_WAITING, known)).all()[::-1]
        if not waiting:
            return
        await session.flush()
        account = (await session.get_one(ConnectorRow, ref.connector_id)).account_id
        for original in waiting:
            told = (await self._read(session, original))[1].event
            if told is not None and told.status is not None and _is_by(told.actor, account):
                ref.ticket_status, ref.ticket_status_id = told.status.name, told.status.id
                break
        for original in waiting:
            await self._replay(session, original, cross_system(ref.vendor))

    async def _read(
        self, session: AsyncSession, original: InboundEventRow
    ) -> tuple[int | None, Reading]:
        """Read a delivery again; also return the connector that its token is bound to, if any."""
        bound = await session.scalar(
            select(ConnectorRow)
            .join(InboxTokenRow, InboxTokenRow.connector_id == ConnectorRow.id)
            .where(InboxTokenRow.id == original.token_id)
        )
        vendor = bound.vendor if bound is not None else None
        reading = read(self._catalog, original.headers, original.body, vendor=vendor)
        return (bound.id if bound is not None else None), reading

    async def _replay(
        self, session: AsyncSession, original: InboundEventRow, actor: str
    ) -> InboundEventRow:
        now = self._clock()
        connector_id, reading = await self._read(session, original)
        row = InboundEventRow(
            **reading.columns(),
            public_id=new_id(EVENT),
            tenant_id=original.tenant_id,
            token_id=original.token_id,
            connector_id=connector_id,
            scheme=original.scheme,
            replay_of=original.public_id,
            received_at=now,
            body_digest=original.body_digest,
            headers={},
            body=b"",
            applied=False,
        )
        session.add(row)
        await session.flush()
        await self._consumer.consume(session, row, reading, received_at=original.received_at)
        if row.case_id is not None:
            cause = Cause(actor=actor, at=now, connector_id=row.connector_id, event_id=row.id)
            await _record(session, row, original.received_at, cause)
        return row


def _is_by(actor: Person | None, account: str | None) -> bool:
    return actor is not None and actor.id == account


async def _record(
    session: AsyncSession, row: InboundEventRow, received_at: datetime, cause: Cause
) -> None:
    case = await session.get_one(CaseRow, row.case_id)
    outcome = "applied" if row.applied else in_words(row.reason)
    text = f"replayed {row.replay_of}, received at {received_at:%Y-%m-%d %H:%M:%S} UTC: {outcome}"
    detail = {"event": row.public_id, "replay_of": row.replay_of, "reason": row.reason}
    timeline.record(session, case, cause, TimelineKind.EVENT_REPLAYED, text, **detail)


def _is_open() -> ColumnElement[bool]:
    """Tell deliveries that are kept in full, and that no replay has dealt with for good."""
    replay = aliased(InboundEventRow)
    dealt_with = select(replay.id).where(
        replay.replay_of == InboundEventRow.public_id,
        or_(replay.applied, replay.reason.in_(FINAL)),
    )
    return and_(
        InboundEventRow.replay_of.is_(None),
        InboundEventRow.purged_at.is_(None),
        ~dealt_with.exists(),
    )


_WAITING: Final = (
    select(InboundEventRow)
    .where(
        InboundEventRow.tenant_id == bindparam("tenant"),
        InboundEventRow.external_id == bindparam("external_id"),
        InboundEventRow.vendor == bindparam("vendor"),
        InboundEventRow.reason == Reason.UNLINKED,
        or_(
            InboundEventRow.connector_id.is_(None),
            InboundEventRow.connector_id == bindparam("connector"),
        ),
        _is_open(),
    )
    .order_by(InboundEventRow.id.desc())
    .limit(_WAITING_AT_MOST)
)
