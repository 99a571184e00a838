"""Renewing a connector's credential: once for all workers, and stored before it is used.

A refresh token is often good for one use. Whoever loses the vendor's answer loses the grant, and a
person has to sign in again. Hence: one exchange at a time for each connector, over all processes;
the answer is stored even when the caller is cancelled meanwhile; and who comes second takes what
the first one stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge_core import ConnectorConfig, VendorUnavailable
from casebridge_core.connectors import Exchange, Renew

if TYPE_CHECKING:
    from casebridge.services.connections import Connections

log = logging.getLogger(__name__)

_POLL: Final = 0.05
_STORING_PAUSES: Final = (0.1, 0.5, 2.0, 5.0)


class Renewals:
    """Exchanges credentials and keeps the new ones in the sealed configurations."""

    def __init__(
        self, database: Database, connections: Connections, clock: Clock, *, longest: float
    ) -> None:
        """Bind; ``longest`` (seconds) limits one exchange, and the wait for another worker's."""
        self._database = database
        self._connections = connections
        self._clock = clock
        self._longest = longest
        self._under_way: dict[int, asyncio.Task[ConnectorConfig]] = {}

    def of(self, row_id: int) -> Renew:
        """Return what the plugin of a stored connector renews with."""

        async def renew(stale: ConnectorConfig, exchange: Exchange, /) -> ConnectorConfig:
            task = self._under_way.get(row_id)
            if task is None:
                task = asyncio.create_task(self._renew(row_id, stale, exchange))
                self._under_way[row_id] = task
                task.add_done_callback(lambda done: self._done(row_id, done))
            return await asyncio.shield(task)

        return renew

    async def close(self) -> None:
        """Wait for what is under way: an answer on its way is not to be lost."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _done(self, row_id: int, task: asyncio.Task[ConnectorConfig]) -> None:
        del self._under_way[row_id]
        if not task.cancelled():
            task.exception()  # whoever asked may be gone

    async def _renew(
        self, row_id: int, stale: ConnectorConfig, exchange: Exchange
    ) -> ConnectorConfig:
        turn = await self._wait_for_turn(row_id, stale)
        if not isinstance(turn, datetime):
            return turn
        try:
            changes = await self._ask(stale, exchange)
            return await self._keep(row_id, stale, changes)
        finally:
            await self._end_turn(row_id, turn)

    async def _ask(self, stale: ConnectorConfig, exchange: Exchange) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(self._longest):
                return await exchange(stale)
        except TimeoutError as error:
            raise VendorUnavailable("the credential could not be renewed in time") from error

    async def _wait_for_turn(
        self, row_id: int, stale: ConnectorConfig
    ) -> ConnectorConfig | datetime:
        """Return the end of our turn, or the configuration that somebody else stored meanwhile."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._longest
        while (found := await self._take_turn(row_id, stale)) is None:
            while (left := await self._others_turn(row_id)) > 0:
                if loop.time() > give_up:
                    busy = "another worker has been renewing the credential for too long"
                    raise VendorUnavailable(busy, retry_after=left)
                await asyncio.sleep(_POLL)
        return found

    async def _take_turn(
        self, row_id: int, stale: ConnectorConfig
    ) -> ConnectorConfig | datetime | None:
        """Return as `_wait_for_turn` does, None when it is somebody else's turn."""
        async with self._database.write() as session:
            row = await _locked(session, row_id)
            current = self._current(row, stale)
            if current != stale:
                return current
            if self._seconds_left(row) > 0:
                return None
            row.renewing_until = self._clock() + timedelta(seconds=2 * self._longest)
            return row.renewing_until

    async def _others_turn(self, row_id: int) -> float:
        async with self._database.read() as session:
            return self._seconds_left(await session.get_one(ConnectorRow, row_id))

    def _seconds_left(self, row: ConnectorRow) -> float:
        return (row.renewing_until - self._clock()).total_seconds() if row.renewing_until else 0.0

    async def _keep(
        self, row_id: int, stale: ConnectorConfig, changes: Mapping[str, Any]
    ) -> ConnectorConfig:
        """Store the changes, patiently: the vendor may take the old credential no more."""
        for pause in _STORING_PAUSES:
            try:
                return await self._store(row_id, stale, changes)
            except (SQLAlchemyError, OSError) as error:
                log.warning("a renewed credential is not stored yet: %s", type(error).__name__)
                await asyncio.sleep(pause)
        return await self._store(row_id, stale, changes)

    async def _store(
        self, row_id: int, stale: ConnectorConfig, changes: Mapping[str, Any]
    ) -> ConnectorConfig:
        """Lay the changes over the configuration as it is now, unless somebody replaced it.

        What people edited meanwhile stays. A credential that they gave stays as well, and then the
        changes are dropped: they renew one that is not in use any more.
        """
        async with self._database.write() as session:
            row = await _locked(session, row_id)
            current = self._current(row, stale)
            given = changes.keys() - stale.renewed_fields
            if any(getattr(current, name, None) != getattr(stale, name, None) for name in given):
                return current
            raw = {**self._connections.raw_config(row), **changes}
            raw = {name: value for name, value in raw.items() if value is not None}
            row.config_sealed = self._connections.seal(row.public_id, raw)
            return self._connections.config_of(row)

    def _current(self, row: ConnectorRow, stale: ConnectorConfig) -> ConnectorConfig:
        """Return the stored configuration, for whoever works with ``stale``.

        A caller whose configuration leads to other hosts is sent back: its requests would carry the
        new credential there.
        """
        current = self._connections.config_of(row)
        if current.hosts() != stale.hosts():
            raise VendorUnavailable("the connector's hosts were changed meanwhile", retry_after=0)
        return current

    async def _end_turn(self, row_id: int, turn: datetime) -> None:
        ours = update(ConnectorRow).where(
            ConnectorRow.id == row_id, ConnectorRow.renewing_until == turn
        )
        async with self._database.write() as session:
            await session.execute(ours.values(renewing_until=None))


async def _locked(session: AsyncSession, row_id: int) -> ConnectorRow:
    return await session.get_one(ConnectorRow, row_id, with_for_update=True)
