"""The distributed engine: PgQueuer carries wake-ups to any number of workers on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.engine.embedded import Converge, EmbeddedEngine, Take
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock

log = logging.getLogger(__name__)

NUDGE: Final = "nudge"
_TIDY_SECONDS: Final = 60.0
_RECONNECT_SECONDS: Final = 1.0
# Every name is given, since PgQueuer would take one that is not from variables such as CHANNEL.
_TABLES: Final = DBSettings(
    prefix="casebridge_",
    db_schema=None,
    channel=Channel("casebridge_ch_pgqueuer"),
    function="casebridge_fn_pgqueuer_changed",
    trigger="casebridge_tg_pgqueuer_changed",
    queue_table="casebridge_pgqueuer",
    queue_table_log="casebridge_pgqueuer_log",
    queue_status_type="casebridge_pgqueuer_status",
    statistics_table="casebridge_pgqueuer_statistics",
    schedules_table="casebridge_pgqueuer_schedules",
    durability=Durability.volatile,  # a nudge that is lost costs a sweep, so it needs no log
)
_QUEUE: Final = QueryQueueBuilder(_TABLES)
# PgQueuer's own: the first takes priorities, entrypoints, payloads, delays, keys and headers.
_ENQUEUE: Final = _QUEUE.build_enqueue_query()
_EMPTY_LOG: Final = _QUEUE.build_delete_log_query()


class DistributedEngine:
    """Runs due refs in every process that asks for them, woken through PgQueuer.

    A job is a nudge: "look for due refs". It is enqueued in the transaction that made refs due,
    reaches one worker, and is over once that worker looks; what it finds is claimed as under the
    embedded engine. So no job is held while a vendor makes us wait, and a nudge that is lost,
    doubled or late changes nothing but the moment.
    """

    def __init__(
        self, database: Database, clock: Clock, *, workers: int, sweep_seconds: float
    ) -> None:
        """``workers`` convergences at a time; ``sweep_seconds`` between looks without a nudge."""
        self._database = database
        self._clock = clock
        self._here = EmbeddedEngine(
            workers=workers, sweep_seconds=sweep_seconds, urgency=database.urgency
        )
        self._stopping = asyncio.Event()
        self._queue: QueueManager | None = None

    async def prepare(self) -> None:
        """Make PgQueuer's tables, or bring them up to the installed release.

        PgQueuer takes a lock, so processes that start together do it one after the other.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
            asyncpg.PostgresError: the role may not create tables.
        """
        await self._on_a_connection(lambda raw: _queries(raw).upgrade())

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        """Enqueue one nudge in the caller's transaction, however many refs are due."""
        if refs:
            wait = max(at - self._clock(), timedelta())
            connection = await session.connection()
            await connection.exec_driver_sql(
                _ENQUEUE, ([0], [NUDGE], [None], [wait], [None], [None])
            )

    async def run(self, take: Take, converge: Converge) -> None:
        """Run until `stop` is called; then let the convergences under way finish their step."""
        helpers = [asyncio.create_task(work()) for work in (self._listen, self._tidy)]
        try:
            await self._here.run(take, converge)
        finally:
            self.stop()
            await asyncio.gather(*helpers)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()
        self._here.stop()
        if self._queue is not None:
            self._queue.shutdown.set()

    async def _listen(self) -> None:
        """Take nudges; without a connection the sweep goes on alone until there is one again."""
        while not self._stopping.is_set():
            try:
                await self._on_a_connection(self._take_nudges)
            except Exception:
                log.exception("the queue of wake-ups cannot be reached; trying again")
                await self._wait(_RECONNECT_SECONDS)

    async def _take_nudges(self, raw: Any) -> None:  # noqa: ANN401 - as in `_queries`
        self._queue = queue = QueueManager(_queries(raw), _TABLES.channel)
        queue.entrypoint(NUDGE)(self._look)
        raw.add_termination_listener(lambda _: queue.shutdown.set())  # else noticed 40 s later
        if not self._stopping.is_set():
            await queue.run(shutdown_on_listener_failure=True, log_aggregation_interval=timedelta())

    async def _look(self, _: Job) -> None:
        self._here.look()

    async def _tidy(self) -> None:
        """Empty PgQueuer's log of finished jobs, which it would keep for ever."""
        while not self._stopping.is_set():
            await self._wait(_TIDY_SECONDS)
            try:
                async with self._database.write() as session:
                    connection = await session.connection()
                    await connection.exec_driver_sql(_EMPTY_LOG, ([NUDGE],))
            except Exception:
                log.exception("the log of wake-ups could not be emptied; trying again")

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _on_a_connection(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """Work on a connection outside of any transaction, which is closed afterwards."""
        async with self._database.engine.connect() as connection:
            try:
                await work((await connection.get_raw_connection()).driver_connection)
            finally:
                await connection.invalidate()


def _queries(connection: Any) -> Queries:  # noqa: ANN401 - asyncpg's, which has no types
    """Return PgQueuer's statements for our tables."""
    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(_TABLES),
        _QUEUE,
        QuerySchedulerBuilder(_TABLES),
    )
