"""What becomes of a stored event: its ticket is found, and it is reflected in the case.

A delivery, a replay and the minting of a ticket all come through here, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.decision import Reason
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.inbox import InboundEventRow
from casebridge.persistence.locks import hold
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.deliveries import Reading
from casebridge.services.fanout import FanOut
from casebridge.services.reflection import Reflection
from casebridge.services.vault import VaultError
from casebridge_core import CasebridgeError, TicketEvent


def ticket_lock(tenant_id: int, vendor: str, external_id: str) -> str:
    """Return the name of the lock between linking a ticket and finding that it is not linked."""
    return f"ticket:{tenant_id}:{vendor}:{external_id}"


class Consumer:
    """Consumes stored events, each in the transaction that stores it. It never calls a vendor."""

    def __init__(self, connections: Connections, fanout: FanOut, clock: Clock) -> None:
        """Bind what a reflection needs."""
        self._connections = connections
        self._fanout = fanout
        self._clock = clock

    async def consume(
        self,
        session: AsyncSession,
        row: InboundEventRow,
        reading: Reading,
        *,
        received_at: datetime,
    ) -> RefRow | None:
        """Do what the event means, and write the outcome to its flushed row.

        The row's connector is the one that its token is bound to, if any; ``received_at`` is when
        the event first came in. Returns the ticket's ref, None when there is none.
        """
        row.detail, row.reason = reading.detail, reading.reason
        event = reading.event
        if event is None:
            return None
        found = await _find_ref(session, row, event)
        if found is None:
            row.reason = Reason.UNLINKED
            return None
        ref, connector = found
        row.connector_id, row.case_id = connector.id, ref.case_id
        if connector.removed_at is not None or not connector.enabled:
            row.reason = Reason.CONNECTOR_DISABLED
            return ref
        if connector.held_by is not None:
            row.reason = Reason.BRIDGE_OFF
            return ref
        try:  # hooks are asked before anything is written
            await self._reflect(session, row, ref, connector, event, received_at)
        except (CasebridgeError, VaultError) as error:
            row.reason, row.detail = Reason.PLUGIN_FAILED, str(error)
        return ref

    async def _reflect(
        self,
        session: AsyncSession,
        row: InboundEventRow,
        ref: RefRow,
        connector: ConnectorRow,
        event: TicketEvent,
        received_at: datetime,
    ) -> None:
        tenant = await session.get_one(TenantRow, row.tenant_id)
        reflection = Reflection(
            session=session,
            fanout=self._fanout,
            hooks=self._connections.hooks(event.vendor),
            connector=self._connections.open(connector, tenant.public_id),
            account=connector.account_id,
            event_row=row.id,
            event_id=row.public_id,
            now=self._clock(),
            received_at=received_at,
        )
        row.applied, row.reason = await reflection.apply(ref, event)


async def _find_ref(
    session: AsyncSession, row: InboundEventRow, event: TicketEvent
) -> tuple[RefRow, ConnectorRow] | None:
    """Find the ticket's ref among the tenant's connectors of this vendor, told apart by the site.

    A site that no connector has (an alias of the vendor's host) is accepted only where there is
    no choice. Without a ref, the row keeps the only connector that it can be about, and whoever
    links the ticket sees the row once it is committed.
    """
    query = select(ConnectorRow).where(
        ConnectorRow.tenant_id == row.tenant_id, ConnectorRow.vendor == event.vendor
    )
    if row.connector_id is not None:
        query = query.where(ConnectorRow.id == row.connector_id)
    connectors = told_apart(list(await session.scalars(query)), event)
    found = await _linked(session, connectors, event)
    if not found and await hold(
        session, ticket_lock(row.tenant_id, event.vendor, event.external_id)
    ):
        found = await _linked(session, connectors, event)
    if len(found) != 1:
        row.connector_id = connectors[0].id if len(connectors) == 1 else row.connector_id
        return None
    return found[0], next(each for each in connectors if each.id == found[0].connector_id)


def told_apart(connectors: list[ConnectorRow], event: TicketEvent) -> list[ConnectorRow]:
    """Return the connectors that an event can be from; its site counts where there is a choice."""
    if event.site is None or len(connectors) < 2:  # noqa: PLR2004 - no choice
        return connectors
    return [each for each in connectors if each.site == event.site.lower()]


async def _linked(
    session: AsyncSession, connectors: Sequence[ConnectorRow], event: TicketEvent
) -> Sequence[RefRow]:
    query = select(RefRow).where(
        RefRow.vendor == event.vendor,
        RefRow.external_id == event.external_id,
        RefRow.connector_id.in_([each.id for each in connectors]),
    )
    return (await session.scalars(query)).all()
