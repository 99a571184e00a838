"""The gate before every step: a connector's limit on vendor calls, shared by all workers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from casebridge.domain.pacing import Bucket
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections


class Gate:
    """Admits steps while the connector's bucket holds tokens, and charges what they cost."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        """Bind the buckets (in the connectors' rows) and the meters of this process."""
        self._database = database
        self._connections = connections
        self._clock = clock

    async def admit(self, connector_id: int, *, limited: bool) -> datetime | None:
        """Charge the calls made since the last time; return when to come back, None to go on.

        A connector without a limit (``limited`` False) costs no statement, unless its vendor asked
        to slow down.
        """
        now = self._clock()
        calls, asked = self._connections.meter(connector_id).drain()
        if asked is not None and asked <= now:
            asked = None
        if not limited and asked is None:
            return None
        async with self._database.write() as session:
            row = (
                await session.scalars(
                    select(ConnectorRow)
                    .where(ConnectorRow.id == connector_id)
                    .with_for_update(key_share=True)
                )
            ).one()
            opens_at = self._charge(row, calls, now)
            if asked is not None:
                opens_at = max(opens_at or asked, asked)
            if opens_at is not None:
                row.quiet_until = max(row.quiet_until or opens_at, opens_at)
        return opens_at

    def _charge(self, row: ConnectorRow, calls: int, now: datetime) -> datetime | None:
        if row.calls_per_minute is None:
            return None
        bucket = Bucket(per_minute=row.calls_per_minute, tokens=row.tokens, at=row.tokens_at or now)
        bucket = bucket.refilled(now).charged(calls)
        row.tokens, row.tokens_at = bucket.tokens, bucket.at
        return bucket.opens_at()
