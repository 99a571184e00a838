"""Engines and sessions: one place that knows how SQLite and PostgreSQL differ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from casebridge.persistence.outages import DatabaseUnavailable, outage_in
from casebridge.persistence.sqlite_thread import OneTripConnection
from casebridge.persistence.turns import Turns, Urgency
from casebridge.telemetry.traces import span

_WRITES: Final = "casebridge_writes"
_PATIENCE_SECONDS: Final = 10.0
_POOL_TIMEOUT_SECONDS: Final = 60
_FROZEN_AFTER_MS: Final = 10_000
_AFTER_COMMIT: Final = "after_commit"
_A_WRITE_SQLITE: Final = text("PRAGMA user_version = 1")
_A_WRITE_POSTGRES: Final = text("SELECT pg_current_xact_id()")


class Database:
    """A database by its URL, with a session for reading and one for writing.

    On SQLite a writing session begins IMMEDIATE, so that it never has to upgrade a read lock, and
    the writers of this process take turns (see `turns`) instead of polling for the lock. PostgreSQL
    rolls back what a process that stands still in the middle of a transaction keeps locked.
    """

    def __init__(self, url: str, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Prepare the engine; nothing is opened yet.

        ``patience_seconds`` is how long a lock, a connection or an answer is waited for.

        Raises:
            sqlalchemy.exc.ArgumentError: the URL cannot be understood.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        # every SQLite connection is a thread, and more of them only fight for the interpreter
        pool: dict[str, Any] = {"pool_size": 4, "max_overflow": 0}
        if self.is_sqlite:
            pool["connect_args"] = {"timeout": patience_seconds}
        else:
            limits = {"idle_in_transaction_session_timeout": str(_FROZEN_AFTER_MS)}
            waits = {"timeout": patience_seconds, "command_timeout": patience_seconds}
            pool = {"pool_size": 20, "connect_args": {"server_settings": limits, **waits}}
        self._patience = patience_seconds
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
        else:
            event.listen(self.engine.sync_engine, "handle_error", _give_up_connection)

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
        """Open a session that only reads; it is rolled back at the end.

        Raises:
            DatabaseUnavailable: the database cannot be used for now.
        """
        with _outages_told():
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Open a session that commits once, at the end, and rolls back on any error.

        What was handed to `after_commit` runs after the commit, and not at all after a rollback.

        Raises:
            DatabaseUnavailable: the database cannot be used for now; nothing is written, or, where
                only the answer to the commit is missing, everything.
        """
        with _outages_told(), self.urgency.counted():
            async with self._turn():
                with span("transaction"):
                    async with self._transaction(self._writer) as session:
                        yield session
        for action in session.info.get(_AFTER_COMMIT, ()):
            action()

    async def try_to_write(self) -> None:
        """Write and commit something that nobody reads.

        Raises:
            DatabaseUnavailable: nothing can be written for now.
        """
        async with self.write() as session:
            await session.execute(_A_WRITE_SQLITE if self.is_sqlite else _A_WRITE_POSTGRES)

    @asynccontextmanager
    async def write_at_length(self) -> AsyncIterator[AsyncSession]:
        """Open a writing session whose statements may take as long as they need."""
        if self.is_sqlite:
            async with self.write() as session:
                yield session
            return
        engine = create_async_engine(self.url, poolclass=NullPool)
        try:
            async with self._transaction(engine) as session:
                yield session
        finally:
            await engine.dispose()

    @staticmethod
    @asynccontextmanager
    async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for the turn to write, but no longer than for the lock itself."""
        if self._turns is None:
            yield
            return
        async with asyncio.timeout(self._patience):
            await self._turns.__aenter__()
        try:
            yield
        finally:
            await self._turns.__aexit__(None, None, None)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def after_commit(session: AsyncSession, action: Callable[[], None]) -> None:
    """Run ``action`` once the session's transaction is committed."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


@contextmanager
def _outages_told() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable:
        raise
    except Exception as error:
        if (reason := outage_in(error)) is None:
            raise
        raise DatabaseUnavailable(reason) from error


def _give_up_connection(context: ExceptionContext) -> None:
    """Take a connection that does not answer for a broken one: nobody waits for it twice."""
    if isinstance(context.original_exception, TimeoutError | OSError):
        context.is_disconnect = True


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
    cursor.close()


def _begin_sqlite(connection: Any) -> None:  # noqa: ANN401 - a sync Connection behind an async engine
    writes = connection.get_execution_options().get(_WRITES)
    connection.connection.driver_connection.begin("BEGIN IMMEDIATE" if writes else "BEGIN")
