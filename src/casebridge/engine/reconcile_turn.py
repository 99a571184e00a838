"""One turn of the reconciler: a connector's list of changes, page by page, in a bounded portion."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.reconciling import (
    Listing,
    comments_alone,
    graced_until,
    moved_cursor,
    new_listing,
)
from casebridge.engine.admission import Admission, PutOff
from casebridge.engine.claims import LeaseLost
from casebridge.engine.identity import identify
from casebridge.engine.reconcile_leases import ReconcileLease, ReconcileLeases
from casebridge.engine.situation import open_connector
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.known_tickets import has_tickets, longest_unread, news_among, oldest_open
from casebridge.services.readings import Reader, Readings
from casebridge.services.snapshots import ticket_ref
from casebridge_core import (
    Capability,
    PushError,
    TicketEvent,
    TicketNotFound,
    UnexpectedResponse,
)

log = logging.getLogger(__name__)

_PORTION: Final = 50
_ENDLESS: Final = 10_000
_READS: Final = 20
_ATTEMPTS: Final = 3


class EndlessList(UnexpectedResponse):
    """A vendor's list of changes comes to no end."""

    def __init__(self, why: str) -> None:
        """Say what shows it."""
        super().__init__(f"the vendor's list of changes comes to no end: {why}")


@dataclass(slots=True, kw_only=True)
class _Turn:
    """How far a turn has come.

    ``again_at`` is when a change that was left to its webhook is looked at again.
    """

    lease: ReconcileLease
    reader: Reader
    listing: Listing
    cursor: datetime | None
    again_at: datetime | None = None
    problem: str | None = None

    def wait_for_webhook(self, until: datetime) -> None:
        self.again_at = min(self.again_at or until, until)


class ReconcileTurns:
    """Takes turns. Each raises `PushError`, `HookFailed`, `LeaseLost`, or `PutOff`."""

    def __init__(
        self,
        database: Database,
        connections: Connections,
        admission: Admission,
        leases: ReconcileLeases,
        readings: Readings,
        clock: Clock,
        *,
        verify_every: timedelta,
    ) -> None:
        """``verify_every`` is how often the ticket of an open case is read itself; zero: never."""
        self._database = database
        self._connections = connections
        self._admission = admission
        self._leases = leases
        self._readings = readings
        self._clock = clock
        self._verify_every = verify_every

    async def take(self, lease: ReconcileLease) -> datetime | None:
        """Take one turn; return when something that was left to its webhook is to be seen again."""
        turn = await self._open(lease)
        if turn is None:
            return None
        await self._list(turn)
        if self._verify_every and turn.reader.hooks.can(Capability.FETCH_TICKET):
            await self._verify(turn)
        return turn.again_at

    async def _open(self, lease: ReconcileLease) -> _Turn | None:
        """Make ready what a turn needs; None when there is no ticket, and so nothing to list.

        The first listing begins with the oldest ticket that is still open.
        """
        began = self._clock()
        async with self._database.read() as session:
            row, tenant = await _connector(session, lease)
            there = await has_tickets(session, row.id)
            oldest = await oldest_open(session, row.id) if row.changes_cursor is None else None
        connector = open_connector(self._connections, row, tenant)
        if not there:
            async with self._leases.commit(lease) as (_, row):
                row.reconciled_at, row.reconcile_error = began, None
            return None
        hooks, account = self._connections.hooks(row.vendor), row.account_id
        if account is None and hooks.has("itsm_identify_account"):
            account = await identify(self._database, hooks, connector, row.id)
        reader = Reader(row_id=row.id, hooks=hooks, connector=connector, account=account)
        start = row.changes_cursor or oldest or row.reconciled_at or row.created_at
        listing = new_listing(start, row.reconciled_at, began, index_lag=reader.index_lag)
        if row.changes_listing is not None:
            listing = msgspec.json.decode(row.changes_listing, type=Listing)
        return _Turn(lease=lease, reader=reader, listing=listing, cursor=row.changes_cursor)

    async def _list(self, turn: _Turn) -> None:
        """List what changed, and reflect it page by page; after a portion, others have their turn.

        Where it goes on is noted after each page, so that nothing is listed twice for that.
        """
        hooks, connector = turn.reader.hooks, turn.reader.connector
        seen = {turn.listing.page} - {None}
        for _ in range(_PORTION):
            await self._admission.wait(turn.lease)
            asked_at, here = self._clock(), turn.listing
            found = await hooks.list_changes(connector, here.since, here.page)
            await self._reflect(turn, found.events, asked_at)
            if found.next_page in seen:
                raise EndlessList("a page leads to one that was there before")
            if here.pages >= _ENDLESS:
                raise EndlessList(f"it has more than {_ENDLESS} pages")
            seen |= {found.next_page} - {None}
            ahead = here.after(found, asked_at)
            await self._note(turn, found.events, asked_at, ahead)
            if ahead is None:
                return
            turn.listing = ahead
        raise PutOff(self._clock())

    async def _reflect(
        self, turn: _Turn, events: Sequence[TicketEvent], asked_at: datetime
    ) -> None:
        reader = turn.reader
        async with self._database.read() as session:
            news = await news_among(session, reader.row_id, reader.account, events)
        for ref_id, told in news:
            event: TicketEvent | None = told
            webhook_until = graced_until(told, asked_at)
            if webhook_until is not None:
                turn.wait_for_webhook(webhook_until)
                event = comments_alone(told)
            if event is None:
                continue
            try:
                if not await self._reflect_one(turn, ref_id, event, asked_at, listed=True):
                    await self._read(turn, ref_id)
            except (LeaseLost, PutOff, PushError, OperationalError, InterfaceError):
                raise
            except Exception as error:  # one bad change stops no other
                log.exception("a change of ref %s could not be reflected", ref_id)
                turn.problem = f"a change of {event.key} is left out ({type(error).__name__})"

    async def _reflect_one(
        self, turn: _Turn, ref_id: int, event: TicketEvent, asked_at: datetime, *, listed: bool
    ) -> bool:
        async with self._leases.beside(turn.lease) as session:
            return await self._readings.reflect(
                session, turn.reader, ref_id, event, asked_at=asked_at, listed=listed
            )

    async def _note(
        self,
        turn: _Turn,
        events: Sequence[TicketEvent],
        asked_at: datetime,
        ahead: Listing | None,
    ) -> None:
        """Move the cursor past a page whose changes are committed, and turn the page."""
        turn.cursor = moved_cursor(turn.cursor, (event.occurred_at for event in events), asked_at)
        async with self._leases.commit(turn.lease) as (_, row):
            row.changes_cursor = turn.cursor
            row.changes_listing = msgspec.json.encode(ahead).decode() if ahead else None
            if ahead is None:
                row.reconciled_at = turn.listing.began_at
                row.reconcile_error = turn.problem

    async def _verify(self, turn: _Turn) -> None:
        """Read the tickets that were not read for longest: a list does not tell what is gone."""
        before = self._clock() - self._verify_every
        async with self._database.read() as session:
            refs = await longest_unread(session, turn.reader.row_id, before=before, limit=_READS)
        for ref in refs:
            await self._read(turn, ref.id)

    async def _read(self, turn: _Turn, ref_id: int) -> None:
        """Read a ticket itself; again when it is pushed or told of in that very moment."""
        reader = turn.reader
        for _ in range(_ATTEMPTS):
            await self._admission.wait(turn.lease)
            async with self._database.read() as session:
                ticket = ticket_ref(await session.get_one(RefRow, ref_id))
            asked_at = self._clock()
            try:
                found = await reader.hooks.fetch_ticket(reader.connector, ticket)
            except TicketNotFound as error:
                async with self._leases.beside(turn.lease) as session:
                    await self._readings.note_missing(session, reader, ref_id, error)
                return
            if await self._reflect_one(
                turn, ref_id, reader.event_of(found), asked_at, listed=False
            ):
                return


async def _connector(session: AsyncSession, lease: ReconcileLease) -> tuple[ConnectorRow, str]:
    """Return the connector, and its tenant's public id."""
    query = (
        select(ConnectorRow, TenantRow.public_id)
        .join(TenantRow, TenantRow.id == ConnectorRow.tenant_id)
        .where(ConnectorRow.id == lease.connector_id)
    )
    row, tenant = (await session.execute(query)).one()
    return row, tenant
