"""Tickets as operators handle them: resync, replay, force-sync, and the manual verbs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Conflict, NotFound
from casebridge.services.lifecycle import lock_case
from casebridge.services.tenants import Principal
from casebridge.services.timeline import Cause

_LOOK_EVERY: Final = timedelta(milliseconds=50)

Ticket = tuple[RefRow, ConnectorRow]


class ForceSync(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a ticket is pushed past its workflow; it goes into the audit trail."""

    reason: Annotated[str, Meta(min_length=3, max_length=2000)]


class ManualPush(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which case to push, and how long (seconds) to wait for the outcome."""

    case_id: str
    wait_seconds: Annotated[float, Meta(ge=0, le=30)] = 0.0


class Tickets:
    """What people do to tickets by hand. Everything here only schedules the convergence."""

    def __init__(self, database: Database, fanout: FanOut, clock: Clock) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._fanout = fanout
        self._clock = clock

    async def get(self, who: Principal, ref_id: str) -> Ticket:
        """Read a ticket.

        Raises:
            NotFound: the tenant has no such ticket.
        """
        async with self._database.read() as session:
            return await _find(session, who, ref_id)

    async def resync(self, who: Principal, ref_id: str) -> Ticket:
        """Read the ticket at the vendor and bring the two together, now.

        Raises:
            NotFound: the tenant has no such ticket.
        """
        async with self._database.write() as session:
            ref, connector = await _find(session, who, ref_id)
            ref.verify_asked = True
            await session.flush()
            await self._fanout.schedule_refs(session, [ref.id], self._clock())
            await session.refresh(ref)
        return ref, connector

    async def replay(self, who: Principal, ref_id: str) -> Ticket:
        """Take a ticket out of the dead letters and try again now.

        Raises:
            NotFound: the tenant has no such ticket.
            Conflict: it is not a dead letter.
        """
        async with self._database.write() as session:
            ref, connector = await _find(session, who, ref_id)
            if ref.dead_at is None:
                raise Conflict("the ticket is not a dead letter; resync it instead")
            await self._fanout.schedule_refs(session, [ref.id], self._clock())
            await session.refresh(ref)
        return ref, connector

    async def force_sync(self, who: Principal, ref_id: str, order: ForceSync) -> Ticket:
        """Push the case's status past the vendor's workflow, as far as the vendor allows.

        The reason and the person are on the timeline before anything is pushed.

        Raises:
            NotFound: the tenant has no such ticket.
            Conflict: the ticket is not minted yet.
        """
        now = self._clock()
        async with self._database.write() as session:
            ref, connector = await _find(session, who, ref_id)
            if ref.external_id is None:
                raise Conflict("the ticket is not minted yet; there is nothing to force")
            case = await session.get_one(CaseRow, ref.case_id)
            ref.verify_asked = False
            ref.settled_status = ref.ticket_status = None
            ref.force_reason, ref.force_actor = order.reason, who.label
            cause = Cause(actor=who.label, at=now, connector_id=connector.id)
            text = f"force-sync of {ref.external_key} to {case.status}: {order.reason}"
            timeline.record(session, case, cause, TimelineKind.FORCE_SYNC, text)
            await session.flush()
            await self._fanout.schedule_refs(session, [ref.id], now)
            await session.refresh(ref)
        return ref, connector

    async def resync_connector(self, who: Principal, connector_id: str) -> int:
        """Resync every ticket of a connector; return how many.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.write() as session:
            connector = await _connector(session, who, connector_id)
            return await self._schedule(session, RefRow.connector_id == connector.id, verify=True)

    async def resync_tenant(self, who: Principal) -> int:
        """Resync every ticket of the tenant; return how many."""
        async with self._database.write() as session:
            return await self._schedule(session, RefRow.tenant_id == who.tenant_id, verify=True)

    async def replay_connector(self, who: Principal, connector_id: str) -> int:
        """Try every dead letter of a connector again; return how many.

        Raises:
            NotFound: the tenant has no such connector.
        """
        async with self._database.write() as session:
            connector = await _connector(session, who, connector_id)
            dead = (RefRow.connector_id == connector.id) & RefRow.dead_at.is_not(None)
            return await self._schedule(session, dead, verify=False)

    async def push_case(self, who: Principal, connector_id: str, push: ManualPush) -> Ticket:
        """See to it that a case has its ticket at one connector; wait for it if asked.

        Raises:
            NotFound: the tenant has no such connector or case.
            Conflict: the connector mints no tickets, is disabled or removed.
        """
        now = self._clock()
        async with self._database.write() as session:
            connector = await _connector(session, who, connector_id)
            case = await lock_case(session, who.tenant_id, push.case_id)
            await self._fanout.reserve(session, [case], now, only=connector.id)
            ref = await _ref_of(session, case, connector)
            if ref is None:
                held = f"held by the feature flag {connector.held_by}"
                why = held if connector.held_by else "disabled or mints no tickets"
                raise Conflict(f"connector {connector.name} is {why}")
            await self._fanout.schedule_refs(session, [ref.id], now)
        return await self._outcome(who, ref.public_id, push.wait_seconds)

    async def push_status(self, who: Principal, connector_id: str, push: ManualPush) -> Ticket:
        """Bring a case's ticket at one connector to the case's status; wait for it if asked.

        Raises:
            NotFound: the tenant has no such connector or case.
            Conflict: the case has no ticket there.
        """
        async with self._database.write() as session:
            connector = await _connector(session, who, connector_id)
            case = await lock_case(session, who.tenant_id, push.case_id)
            ref = await _ref_of(session, case, connector)
            if ref is None:
                raise Conflict(f"the case has no ticket at {connector.name}; push the case first")
            await self._fanout.schedule_refs(session, [ref.id], self._clock())
        return await self._outcome(who, ref.public_id, push.wait_seconds)

    async def _schedule(
        self, session: AsyncSession, which: ColumnElement[bool], *, verify: bool
    ) -> int:
        refs = (
            await session.scalars(select(RefRow.id).where(which, RefRow.gone_at.is_(None)))
        ).all()
        if verify:
            await session.execute(
                update(RefRow).where(which, RefRow.gone_at.is_(None)).values(verify_asked=True)
            )
        await self._fanout.schedule_refs(session, refs, self._clock(), bulk=True)
        return len(refs)

    async def _outcome(self, who: Principal, ref_id: str, wait_seconds: float) -> Ticket:
        """Return the ticket when its convergence has come to rest, or when the time is over."""
        looks = int(wait_seconds / _LOOK_EVERY.total_seconds())
        ref, connector = await self.get(who, ref_id)
        while looks > 0 and not _at_rest(ref, connector):
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
            ref, connector = await self.get(who, ref_id)
            looks -= 1
        return ref, connector


def _at_rest(ref: RefRow, connector: ConnectorRow) -> bool:
    """Tell whether what was asked for is done, has failed since, or has to wait for a person."""
    if ref.lease_token is not None:
        return False
    failed = ref.last_error is not None and ref.attempts > 0
    return ref.due_at is None or failed or connector.paused_at is not None


async def _find(session: AsyncSession, who: Principal, ref_id: str) -> Ticket:
    """Load a ticket; in a writing session the case is locked first, as everywhere."""
    query = (
        select(RefRow, ConnectorRow)
        .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
        .where(RefRow.tenant_id == who.tenant_id, RefRow.public_id == ref_id)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no ticket {ref_id!r}", field="ticket_id")
    ref, connector = found
    return ref, connector


async def _ref_of(session: AsyncSession, case: CaseRow, connector: ConnectorRow) -> RefRow | None:
    query = select(RefRow).where(RefRow.case_id == case.id, RefRow.connector_id == connector.id)
    ref: RefRow | None = await session.scalar(query)
    return ref


async def _connector(session: AsyncSession, who: Principal, connector_id: str) -> ConnectorRow:
    row = await session.scalar(
        select(ConnectorRow).where(
            ConnectorRow.tenant_id == who.tenant_id,
            ConnectorRow.public_id == connector_id,
            ConnectorRow.removed_at.is_(None),
        )
    )
    if row is None:
        raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
    return row
