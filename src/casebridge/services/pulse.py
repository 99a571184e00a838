"""News of cases and connectors for whoever watches: two questions, however many watch.

Every change of a case that people can see is a row of the timeline, whichever process wrote it;
what somebody does to a connector is in the connector's own row. So a look at both, a few times a
second and only while somebody watches, is all that it takes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

from sqlalchemy import Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database

log = logging.getLogger(__name__)

_EVERY_SECONDS: Final = 0.5
_MOST_ROWS: Final = 1000


_Connectors = dict[str, tuple[object, ...]]
"""By public id what of a connector people see change: its tenant comes first."""


class Pulse:
    """Tells watchers which of a tenant's cases and connectors have changed."""

    def __init__(self, database: Database) -> None:
        """Bind the database; nothing runs before somebody watches."""
        self._database = database
        self._watchers: dict[asyncio.Queue[str | None], int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._newest = 0
        self._connectors: _Connectors = {}

    async def mark(self) -> int:
        """Return where the news stands: what a page takes down before it is made."""
        return await self._last_row()

    async def watch(self, tenant_id: int, *, seen: int) -> AsyncGenerator[str]:
        """Yield the public id of each case and connector of a tenant as it changes.

        It begins with the cases that changed since the mark ``seen``, before anybody watched, and
        ends with the service.
        """
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        if not self._watchers:
            self._newest, self._connectors = (
                await self._last_row(),
                await self._look_at_connectors(),
            )
        self._watchers[queue] = tenant_id
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            for _, missed in await self._changed(seen, tenant_id):
                yield missed
            while (case := await queue.get()) is not None:
                yield case
        finally:
            del self._watchers[queue]

    async def close(self) -> None:
        """Send every watcher home."""
        for queue in self._watchers:
            queue.put_nowait(None)
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self) -> None:
        while self._watchers:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self._tell_of_connectors()
                await self._tell()
            except SQLAlchemyError as error:
                log.warning("the timeline cannot be watched: %s", type(error).__name__)

    async def _tell(self) -> None:
        newest = await self._last_row()
        if newest == self._newest:
            return
        changed = await self._changed(max(self._newest, newest - _MOST_ROWS))
        self._newest = newest
        for queue, tenant_id in self._watchers.items():
            for owner, case in changed:
                if owner == tenant_id:
                    queue.put_nowait(case)

    async def _tell_of_connectors(self) -> None:
        before, self._connectors = self._connectors, await self._look_at_connectors()
        for public_id, now in self._connectors.items():
            if before.get(public_id) == now:
                continue
            for queue, tenant_id in self._watchers.items():
                if now[0] == tenant_id:
                    queue.put_nowait(public_id)

    async def _look_at_connectors(self) -> _Connectors:
        query = select(
            ConnectorRow.public_id,
            ConnectorRow.tenant_id,
            ConnectorRow.version,
            ConnectorRow.updated_at,
            ConnectorRow.paused_at,
            ConnectorRow.removed_at,
        )
        async with self._database.read() as session:
            found = (await session.execute(query)).all()
        return {public_id: tuple(rest) for public_id, *rest in found}

    async def _changed(self, since: int, tenant_id: int | None = None) -> Sequence[Row[int, str]]:
        """Return which cases have newer rows, each with its tenant."""
        query = (
            select(TimelineRow.tenant_id, CaseRow.public_id)
            .join(CaseRow, CaseRow.id == TimelineRow.case_id)
            .where(TimelineRow.id > since)
            .distinct()
        )
        if tenant_id is not None:
            query = query.where(TimelineRow.tenant_id == tenant_id).limit(_MOST_ROWS)
        async with self._database.read() as session:
            return (await session.execute(query)).all()

    async def _last_row(self) -> int:
        async with self._database.read() as session:
            return await session.scalar(select(func.max(TimelineRow.id))) or 0
