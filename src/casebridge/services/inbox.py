"""The inbox: an authentic delivery in, one commit, one answer out."""

from __future__ import annotations

import hashlib
import logging
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.decision import Reason
from casebridge.domain.identifiers import EVENT, new_id
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.locks import hold
from casebridge.services.authenticity import Admission, Authenticity, InboundRequest
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.consumer import Consumer
from casebridge.services.deliveries import Reading, keepable, read
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Invalid, Unavailable

log = logging.getLogger(__name__)

_OPEN: Final = frozenset(
    {
        Reason.AMBIGUOUS,
        Reason.CONNECTOR_DISABLED,
        Reason.DUPLICATE,
        Reason.MALFORMED,
        Reason.PLUGIN_FAILED,
        Reason.UNLINKED,
        Reason.UNMAPPED,
        Reason.UNRECOGNISED,
    }
)
FINAL: Final = frozenset(Reason) - _OPEN
"""Why an event is dealt with for good; for any other reason it may be dealt with the next time."""


class InboxAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor is told. ``applied`` is whether the case took anything from the event."""

    applied: bool
    reason: str | None = None
    event_id: str | None = None


class Inbox:
    """Takes webhooks, and keeps every authentic one. It never calls a vendor."""

    def __init__(
        self,
        database: Database,
        authenticity: Authenticity,
        connections: Connections,
        fanout: FanOut,
        clock: Clock,
    ) -> None:
        """Bind what a delivery needs."""
        self._database = database
        self._authenticity = authenticity
        self._catalog = connections.catalog
        self._consumer = Consumer(connections, fanout, clock)
        self._clock = clock

    async def receive(self, request: InboundRequest) -> InboxAnswer:
        """Take one delivery.

        Raises:
            Unauthenticated: it does not prove to be authentic; why is not told.
            Invalid: the body is not a JSON object; it is kept all the same.
            Unavailable: it could not be stored; nothing was, and the vendor shall send it again.
        """
        try:
            admission = await self._authenticity.admit(request)
            headers = keepable(request.headers, self._catalog)
            reading = read(self._catalog, headers, request.body, vendor=admission.vendor)
            row = await self._store(admission, headers, request.body, reading)
        except SQLAlchemyError as error:
            raise Unavailable("the event could not be stored; send it again") from error
        log.info(
            "webhook %s for token %s: %s",
            row.public_id,
            admission.token.public_id,
            "applied" if row.applied else row.reason,
        )
        if row.reason == Reason.MALFORMED:
            raise Invalid(row.detail or "", field="body")
        return InboxAnswer(applied=row.applied, reason=row.reason, event_id=row.public_id)

    async def _store(
        self, admission: Admission, headers: dict[str, str], body: bytes, reading: Reading
    ) -> InboundEventRow:
        """Store the event and reflect it in the case: one transaction."""
        token = admission.token
        async with self._database.write() as session:
            now = self._clock()
            row = InboundEventRow(
                **reading.columns(),
                public_id=new_id(EVENT),
                tenant_id=token.tenant_id,
                token_id=token.id,
                connector_id=token.connector_id,
                scheme=admission.scheme,
                received_at=now,
                body_digest=hashlib.sha256(body).hexdigest(),
                headers=headers,
                body=body,
                applied=False,
            )
            if reading.event is not None and await _seen_before(session, row):
                row.reason = Reason.DUPLICATE
                session.add(row)
            else:
                session.add(row)
                await session.flush()
                await self._consumer.consume(session, row, reading, received_at=now)
            stored = await session.get_one(InboxTokenRow, token.id)
            stored.last_used_at = now
        return row


async def _seen_before(session: AsyncSession, row: InboundEventRow) -> bool:
    """Tell whether this delivery came before and was dealt with for good.

    Two that come at once do so one after the other. The body counts even under another delivery
    id: that stands in a header, which no signature covers.
    """
    known: list[ColumnElement[bool]] = [InboundEventRow.body_digest == row.body_digest]
    await hold(session, f"delivery:{row.token_id}:{row.body_digest}")
    if row.delivery_id is not None:
        known.append(
            (InboundEventRow.delivery_id == row.delivery_id)
            & (InboundEventRow.vendor == row.vendor)
        )
        await hold(session, f"delivery:{row.token_id}:{row.delivery_id}")
    dealt_with = InboundEventRow.applied | InboundEventRow.reason.in_(FINAL)
    query = select(InboundEventRow.id).where(InboundEventRow.token_id == row.token_id, dealt_with)
    for same in known:  # one after the other: SQLite uses no index for either of the two
        if await session.scalar(query.where(same).limit(1)) is not None:
            return True
    return False
