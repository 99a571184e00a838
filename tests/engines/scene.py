"""A scene: an engine in the test's own process, and what it was seen to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import event, text

from casebridge.engine.claims import Claim, Claims
from casebridge.engine.embedded import Engine
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now
from tests.integration.rows import add_case, add_connector, add_ref, add_tenant

NEVER: Final = 3600.0
PATIENCE: Final = 20.0


class Refused(Exception):
    """The request fails in the end."""


@dataclass
class Scene:
    """An engine on an empty database, and what it was seen to do."""

    engine_of: Callable[[float], Engine]
    database: Database
    looks: int = 0
    converged: list[int] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the engine does."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(condition)

    @asynccontextmanager
    async def running(self, *, sweep: float = NEVER) -> AsyncIterator[Engine]:
        """Run the engine; by default it looks when it is woken, and at its start, only."""
        engine = self.engine_of(sweep)
        claims = Claims(self.database, utc_now, lease=timedelta(seconds=10))

        async def take(limit: int) -> list[Claim]:
            found = await claims.take(limit, ("acme",))
            async with self.changed:
                self.looks += 1
                self.changed.notify_all()
            return found

        async def converge(claim: Claim) -> None:
            await claims.release(claim)
            async with self.changed:
                self.converged.append(claim.ref_id)
                self.changed.notify_all()

        await engine.prepare()
        work = asyncio.create_task(engine.run(take, converge))
        try:
            await self.until(lambda: self.looks > 0)
            yield engine
        finally:
            engine.stop()
            await work

    async def make_due(self, engine: Engine, *, fail: bool = False) -> int:
        """Add a case with a ref that is due, as a create does; ``fail`` before the commit."""
        async with self.database.write() as session:
            tenant = await add_tenant(session)
            connector = await add_connector(session, tenant)
            ref = await add_ref(session, await add_case(session, tenant), connector)
            await engine.wake(session, [ref.id], utc_now())
            if fail:
                raise Refused
        return ref.id

    async def emptied(self, table: str) -> None:
        """Wait until a table has no rows."""
        async with asyncio.timeout(PATIENCE):
            while await self.count(table):  # noqa: ASYNC110 - another connection's work
                await asyncio.sleep(0.02)

    async def count(self, table: str) -> int:
        async with self.database.read() as session:
            found = await session.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a name of ours
        return int(found or 0)


def note_statements(database: Database) -> list[str]:
    """Note every statement that the database is sent from now on, PgQueuer's included."""
    statements: list[str] = []

    def note(connection: Any, *_: Any) -> None:
        raw = connection.driver_connection
        if database.is_sqlite:
            raw._conn.set_trace_callback(statements.append)
        else:
            raw.add_query_logger(lambda logged: statements.append(logged.query))

    event.listen(database.engine.sync_engine, "connect", note)
    return statements
