"""The inbox: an authentic delivery in, one commit, one answer out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.decision import Reason
from casebridge.domain.identifiers import EVENT, new_id
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.tenants import TenantRow
from casebridge.services.authenticity import Admission, Authenticity, InboundRequest
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Invalid, Unavailable
from casebridge.services.reflection import Reflection
from casebridge_core import Delivery, Detection, TicketEvent

log = logging.getLogger(__name__)

_FINAL: Final = frozenset(Reason) - {Reason.UNLINKED, Reason.UNMAPPED, Reason.UNRECOGNISED}
_SECRET_HEADERS: Final = ("authorization", "cookie", "signature", "secret", "token", "key")


class InboxAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor is told. ``applied`` is whether the case took anything from the event."""

    applied: bool
    reason: str | None = None
    event_id: str | None = None


class Inbox:
    """Takes webhooks. It never calls a vendor."""

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
        self._connections = connections
        self._fanout = fanout
        self._clock = clock

    async def receive(self, request: InboundRequest) -> InboxAnswer:
        """Take one delivery.

        Raises:
            Unauthenticated: it does not prove to be authentic; why is not told.
            Invalid: the body is not a JSON object.
            Unavailable: it could not be stored; nothing was, and the vendor shall send it again.
        """
        try:
            admission = await self._authenticity.admit(request)
            payload = _decode(request.body)
            delivery = Delivery(headers=request.headers, payload=payload)
            detection = self._connections.catalog.detect(delivery, vendor=admission.vendor)
            return await self._store(admission, request, detection)
        except SQLAlchemyError as error:
            raise Unavailable("the event could not be stored; send it again") from error

    async def _store(
        self, admission: Admission, request: InboundRequest, detection: Detection
    ) -> InboxAnswer:
        """Store the event and reflect it in the case: one transaction."""
        now = self._clock()
        token, event = admission.token, detection.event
        async with self._database.write() as session:
            row = InboundEventRow(
                public_id=new_id(EVENT),
                tenant_id=token.tenant_id,
                token_id=token.id,
                connector_id=token.connector_id,
                vendor=event.vendor if event is not None else None,
                scheme=admission.scheme,
                received_at=now,
                delivery_id=event.delivery_id if event is not None else None,
                body_digest=hashlib.sha256(request.body).hexdigest(),
                headers=_presentable(request.headers),
                body=request.body,
                applied=False,
                detail="; ".join(detection.failures) or None,
            )
            if event is None:
                row.reason = Reason.AMBIGUOUS if detection.claims else Reason.UNRECOGNISED
            elif await self._seen_before(session, row):
                row.reason = Reason.DUPLICATE
            else:
                session.add(row)
                await session.flush()
                await self._reflect(session, token, row, event, now)
            session.add(row)
            stored = await session.get_one(InboxTokenRow, token.id)
            stored.last_used_at = now
        log.info(
            "webhook %s for token %s: %s",
            row.public_id,
            token.public_id,
            "applied" if row.applied else row.reason,
        )
        return InboxAnswer(applied=row.applied, reason=row.reason, event_id=row.public_id)

    async def _seen_before(self, session: AsyncSession, row: InboundEventRow) -> bool:
        """Tell whether this delivery came before and was dealt with for good.

        One that found no ticket, or a status without a meaning, may be dealt with the next time.
        """
        same = InboundEventRow.body_digest == row.body_digest
        if row.delivery_id is not None:
            same = (InboundEventRow.delivery_id == row.delivery_id) & (
                InboundEventRow.vendor == row.vendor
            )
        final = InboundEventRow.applied | InboundEventRow.reason.in_(_FINAL - {Reason.DUPLICATE})
        query = select(InboundEventRow.id).where(
            InboundEventRow.token_id == row.token_id, same, final
        )
        return await session.scalar(query.limit(1)) is not None

    async def _reflect(
        self,
        session: AsyncSession,
        token: InboxTokenRow,
        row: InboundEventRow,
        event: TicketEvent,
        now: datetime,
    ) -> None:
        found = await _find_ref(session, token, event)
        if found is None:
            row.reason = Reason.UNLINKED
            return
        ref, connector = found
        row.connector_id, row.case_id = connector.id, ref.case_id
        if connector.removed_at is not None or not connector.enabled:
            row.reason = Reason.CONNECTOR_DISABLED
            return
        tenant = await session.get_one(TenantRow, token.tenant_id)
        reflection = Reflection(
            session=session,
            fanout=self._fanout,
            hooks=self._connections.hooks(event.vendor),
            connector=self._connections.open(connector, tenant.public_id),
            account=connector.account_id,
            event_row=row.id,
            event_id=row.public_id,
            now=now,
        )
        row.applied, row.reason = await reflection.apply(ref, event)


async def _find_ref(
    session: AsyncSession, token: InboxTokenRow, event: TicketEvent
) -> tuple[RefRow, ConnectorRow] | None:
    """Find the ticket's ref among the tenant's connectors of this vendor, told apart by the site.

    A site that no connector has (an alias of the vendor's host) is accepted only where there is
    no choice.
    """
    query = select(ConnectorRow).where(
        ConnectorRow.tenant_id == token.tenant_id, ConnectorRow.vendor == event.vendor
    )
    if token.connector_id is not None:
        query = query.where(ConnectorRow.id == token.connector_id)
    connectors = list(await session.scalars(query))
    if event.site is not None and len(connectors) > 1:
        connectors = [row for row in connectors if row.site == event.site.lower()]
    refs = (
        await session.scalars(
            select(RefRow).where(
                RefRow.tenant_id == token.tenant_id,
                RefRow.vendor == event.vendor,
                RefRow.external_id == event.external_id,
                RefRow.connector_id.in_([row.id for row in connectors]),
            )
        )
    ).all()
    if len(refs) != 1:
        return None
    return refs[0], next(row for row in connectors if row.id == refs[0].connector_id)


def _decode(body: bytes) -> dict[str, Any]:
    try:
        payload = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        problem = str(error) if isinstance(error, msgspec.DecodeError) else type(error).__name__
        raise Invalid(f"the body is not JSON: {problem}", field="body") from None
    if not isinstance(payload, dict):
        raise Invalid("the body must be a JSON object", field="body")
    return payload


def _presentable(headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers without those that carry a credential or a MAC."""
    return {
        name: value
        for name, value in headers.items()
        if not any(word in name for word in _SECRET_HEADERS)
    }
