"""What the inbox itself knows of a connector's webhook: when it last delivered."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.inbox import InboundEventRow
from casebridge_core import CheckLine

NAME: Final = "last delivery"


async def last_delivery(session: AsyncSession, connector: ConnectorRow) -> CheckLine:
    """Return the line of a connection check that no vendor can be asked for.

    An event counts for the connector whose ticket it names, whichever token it came by.
    """
    newest = (
        select(InboundEventRow.received_at, InboundEventRow.scheme)
        .where(
            InboundEventRow.tenant_id == connector.tenant_id,
            InboundEventRow.connector_id == connector.id,
        )
        .order_by(InboundEventRow.id.desc())
        .limit(1)
    )
    found = (await session.execute(newest)).one_or_none()
    if found is None:
        return CheckLine(
            name=NAME,
            ok=None,
            detail="none yet",
            cure="Follow the set-up guide, then move a ticket that Casebridge made.",
        )
    received_at, scheme = found
    by = f", by {scheme}" if scheme else ""
    return CheckLine(name=NAME, ok=None, detail=f"{received_at:%Y-%m-%d %H:%M:%S} UTC{by}")
