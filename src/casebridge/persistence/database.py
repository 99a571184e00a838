"""Engines and sessions: one place that knows how SQLite and PostgreSQL differ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from casebridge.persistence.sqlite_thread import OneTripConnection
from casebridge.persistence.turns import Turns, Urgency
from casebridge.telemetry.traces import span

_WRITES: Final = "casebridge_writes"
_BUSY_TIMEOUT_MS: Final = 10_000
_POOL_TIMEOUT_SECONDS: Final = 60
_FROZEN_AFTER_MS: Final = 10_000
_AFTER_COMMIT: Final = "after_commit"


class Database:
    """A database by its URL, with a session for reading and one for writing.

    On SQLite a writing session begins IMMEDIATE, so that it never has to upgrade a read lock, and
    the writers of this process take turns (see `turns`) instead of polling for the lock. PostgreSQL
    rolls back what a process that stands still in the middle of a transaction keeps locked.
    """

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened yet.

        Raises:
            sqlalchemy.exc.ArgumentError: the URL cannot be understood.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # every SQLite connection is a thread, and more of them only fight for the interpreter
        pool: dict[str, Any] = {"pool_size": 4, "max_overflow": 0}
        if not self.is_sqlite:
            limits = {"idle_in_transaction_session_timeout": str(_FROZEN_AFTER_MS)}
            pool = {"pool_size": 20, "connect_args": {"server_settings": limits}}
        self.engine: AsyncEngine = create_async_engine(
            self.url, pool_timeout=_POOL_TIMEOUT_SECONDS, **pool
        )
        self._writer: AsyncEngine = self.engine
        self.urgency = Urgency()
        self._turns: Turns | None = Turns() if self.is_sqlite else None
        if self.is_sqlite:
            event.listen(self.engine.sync_engine, "do_connect", _connect_sqlite)
            event.listen(self.engine.sync_engine, "connect", _set_up_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
            self._writer = self.engine.execution_options(**{_WRITES: True})

    def create_folder(self) -> None:
        """Make an SQLite file and its folder, readable by their owner only; what is there stays.

        A folder that somebody else made may be open to others: the file is not, nor are those that
        SQLite makes beside it.
        """
        if self.is_sqlite and self.url.database and self.url.database != ":memory:":
            path = Path(self.url.database)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(OSError):  # then SQLite says what is wrong
                path.touch(mode=0o600)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session that only reads; it is rolled back at the end."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that commits once, at the end, and rolls back on any error.

        What was handed to `after_commit` runs after the commit, and not at all after a rollback.
        """
        with self.urgency.counted():
            async with self._turns or nullcontext():
                with span("transaction"):
                    async with self._transaction() as session:
                        yield session
        for action in session.info.get(_AFTER_COMMIT, ()):
            action()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def after_commit(session: AsyncSession, action: Callable[[], None]) -> None:
    """Run ``action`` once the session's transaction is committed."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


def _connect_sqlite(
    _dialect: object, _record: object, _arguments: object, options: dict[str, Any]
) -> None:
    options["async_creator_fn"] = OneTripConnection


def _set_up_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:  # noqa: ANN401 - DBAPI
    connection.isolation_level = None  # SQLAlchemy begins transactions itself, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:  # noqa: ANN401 - a sync Connection behind an async engine
    writes = connection.get_execution_options().get(_WRITES)
    connection.connection.driver_connection.begin("BEGIN IMMEDIATE" if writes else "BEGIN")
