"""Readings: tickets as they were listed or read, reflected in their cases one by one.

They go through the decision of the webhooks, with guards for what a reading does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain import actors
from casebridge.domain.actors import TimelineKind
from casebridge.domain.reconciling import Standing, Worth, weigh
from casebridge.domain.watermarks import Source
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.fanout import FanOut
from casebridge.services.known_tickets import MISSING, is_missing
from casebridge.services.narration import Origin
from casebridge.services.reflection import Reflection
from casebridge.services.snapshots import is_unclear, note_ticket_status, ticket_status
from casebridge.services.timeline import Cause
from casebridge_core import (
    Capability,
    CaseStatus,
    Connector,
    Ticket,
    TicketEvent,
    TicketNotFound,
    VendorHooks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whose tickets are read: a connector, opened, and its own account at the vendor."""

    row_id: int
    hooks: VendorHooks
    connector: Connector[Any]
    account: str | None

    @property
    def title(self) -> str:
        """The vendor's name for people."""
        return self.hooks.manifest.title

    @property
    def actor(self) -> str:
        """The label of what comes of a reading."""
        return actors.reconciler(self.connector.vendor)

    @property
    def index_lag(self) -> timedelta:
        """How old a list of the vendor's can be."""
        return timedelta(seconds=self.hooks.manifest.index_lag)

    def event_of(self, ticket: Ticket) -> TicketEvent:
        """Return a ticket that was read as an event."""
        return TicketEvent(
            vendor=self.connector.vendor,
            external_id=ticket.ref.external_id,
            key=ticket.ref.key,
            status=ticket.status,
            assignee=ticket.assignee,
            occurred_at=ticket.updated_at,
        )


class Readings:
    """Reflects readings. Its writes happen in the caller's transaction."""

    def __init__(self, fanout: FanOut, clock: Clock) -> None:
        """Bind what a reflection needs."""
        self._fanout = fanout
        self._clock = clock

    async def reflect(
        self,
        session: AsyncSession,
        reader: Reader,
        ref_id: int,
        event: TicketEvent,
        *,
        asked_at: datetime,
        listed: bool,
    ) -> bool:
        """Reflect a reading that was asked for at ``asked_at``, from a list or from the ticket.

        Returns False when it may be older than what is known, so that the ticket is to be read.
        """
        ref, case = await _lock(session, ref_id)
        if ref.gone_at is not None:  # the decision tells whether it is back
            await self._apply(session, reader, ref, event, asked_at, listed=listed)
            return True
        if not listed:
            ref.verified_at = self._clock()
        if is_missing(ref):  # it is there after all, and what was given up is tried again
            await self._fanout.schedule_refs(session, [ref.id], self._clock())
        worth = weigh(
            event,
            _standing(ref, case),
            fits_case=_fits(reader, case, event),
            asked_at=asked_at,
            index_lag=reader.index_lag if listed else None,
        )
        if worth is Worth.READ_AGAIN and not reader.hooks.can(Capability.FETCH_TICKET):
            worth = Worth.DECIDE
        if worth is Worth.NOTE:
            await self._note(session, ref, event, asked_at)
        if worth is not Worth.DECIDE:
            event = msgspec.structs.replace(event, status=None)
        if worth is Worth.READ_AGAIN:
            event = msgspec.structs.replace(event, assignee=UNSET)
        if not listed:
            event = _no_older_than_known(event, ref)
        await self._apply(session, reader, ref, event, asked_at, listed=listed)
        return worth is not Worth.READ_AGAIN

    async def note_missing(
        self, session: AsyncSession, reader: Reader, ref_id: int, error: TicketNotFound
    ) -> None:
        """Note that a ticket is not there, once: nobody pushes to it until it is seen again."""
        ref, case = await _lock(session, ref_id)
        now = self._clock()
        ref.verified_at = now
        if ref.gone_at is not None or is_missing(ref):
            return
        ref.last_error, ref.last_error_kind, ref.last_error_at = str(error), MISSING, now
        ref.first_failed_at = ref.first_failed_at or now
        ref.dead_at, ref.due_at = now, None
        cause = Cause(actor=reader.actor, at=now, connector_id=ref.connector_id)
        text = (
            f"{ref.external_key} is not there any more: deleted, or out of the account's sight;"
            " the case keeps its status"
        )
        timeline.record(session, case, cause, TimelineKind.TICKET_MISSING, text)

    async def _note(
        self, session: AsyncSession, ref: RefRow, event: TicketEvent, asked_at: datetime
    ) -> None:
        """Remember where the ticket is; a push that was given up before that is tried again.

        What a push that broke off left behind is not told from what somebody did since, and is
        pushed once more in any case.
        """
        if event.status is None or (ref.dead_at is None and is_unclear(ref)):
            return
        note_ticket_status(ref, event.status, asked_at)
        ref.status_seen_at = event.occurred_at or ref.status_seen_at
        if ref.dead_at is not None and event.occurred_at and event.occurred_at > ref.dead_at:
            await self._fanout.schedule_refs(session, [ref.id], self._clock())

    async def _apply(
        self,
        session: AsyncSession,
        reader: Reader,
        ref: RefRow,
        event: TicketEvent,
        asked_at: datetime,
        *,
        listed: bool,
    ) -> None:
        source = f"{reader.title}'s list of changes" if listed else "the ticket itself"
        reflection = Reflection(
            session=session,
            fanout=self._fanout,
            hooks=reader.hooks,
            connector=reader.connector,
            account=reader.account,
            event_row=None,
            event_id=None,
            now=self._clock(),
            received_at=asked_at,
            source=Source.LISTED if listed else Source.READ,
            origin=Origin(
                actor=reader.actor, words=f"no webhook had told of it: read from {source}"
            ),
        )
        await session.flush()
        await reflection.apply(ref, event)


async def _lock(session: AsyncSession, ref_id: int) -> tuple[RefRow, CaseRow]:
    """Lock the case, then read its ref: whoever held the lock may have changed it."""
    case = (
        await session.scalars(
            select(CaseRow)
            .join(RefRow, RefRow.case_id == CaseRow.id)
            .where(RefRow.id == ref_id)
            .with_for_update(of=CaseRow, key_share=True)
        )
    ).one()
    return await session.get_one(RefRow, ref_id), case


def _standing(ref: RefRow, case: CaseRow) -> Standing:
    touched = (ref.last_pushed_at, ref.last_inbound_at, ref.status_noted_at)
    return Standing(
        status=ticket_status(ref),
        status_seen_at=ref.status_seen_at,
        touched_at=max((at for at in touched if at is not None), default=None),
        owed=is_unclear(ref) or ref.settled_status != case.status,
        pushing=ref.status_attempted_at is not None,
    )


def _fits(reader: Reader, case: CaseRow, event: TicketEvent) -> bool:
    if event.status is None:
        return False
    return CaseStatus(case.status) in reader.hooks.meanings_of(reader.connector, event.status)


def _no_older_than_known(event: TicketEvent, ref: RefRow) -> TicketEvent:
    """Return what the ticket itself says now, dated no earlier than the newest that is known.

    A vendor's webhooks can carry a later time than the change that they tell of.
    """
    if event.occurred_at is None or ref.status_seen_at is None:
        return event
    at = max(event.occurred_at, ref.status_seen_at)
    return msgspec.structs.replace(event, occurred_at=at)
