"""SQLite's connections: a thread each, and one trip to it for each statement.

aiosqlite goes to the thread and back four times for a statement (cursor, execute, fetch, close) and
three more for the BEGIN. A trip costs more than a short statement does, and most of ours are short.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import aiosqlite

_UNKNOWN: Final = -1


class OneTripCursor(aiosqlite.Cursor):
    """A cursor that executes, fetches every row and is closed in one trip."""

    def __init__(self, connection: OneTripConnection) -> None:
        """Make nothing yet: SQLite's own cursor lasts for one trip."""
        self._conn: OneTripConnection = connection
        self._rows: Sequence[Any] = ()
        self._told: tuple[Any, int, int | None] = (None, _UNKNOWN, None)

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> OneTripCursor:
        """Execute a statement, in the transaction that was asked for."""
        return await self._go(sqlite3.Cursor.execute, sql, parameters or ())

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> OneTripCursor:
        """Execute a statement for each of the parameters."""
        return await self._go(sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> Iterable[Any]:
        """Return the rows, which are there."""
        return self._rows

    async def close(self) -> None:
        """Need nothing."""

    async def _go(self, how: Any, sql: str, parameters: Any) -> OneTripCursor:  # noqa: ANN401 - the DBAPI's
        self._rows, self._told = await self._conn.run(how, sql, parameters)
        return self

    @property
    def description(self) -> Any:  # noqa: ANN401 - as above
        """The columns of the rows, None where the statement gave none."""
        return self._told[0]

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._told[1]

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that was inserted last."""
        return self._told[2]


class OneTripConnection(aiosqlite.Connection):
    """A connection whose BEGIN goes along with the first statement after it."""

    def __init__(self, database: str, **options: Any) -> None:  # noqa: ANN401 - the DBAPI's
        """Prepare; ``options`` are `sqlite3.connect`'s."""
        super().__init__(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
        self._thread.daemon = True
        self._begin: str | None = None
        self._busy = False

    def begin(self, statement: str) -> None:
        """Begin a transaction with the next statement; without any, there is none to end."""
        self._begin = statement

    def cursor(self) -> OneTripCursor:  # type: ignore[override]
        """Return a cursor, at no cost."""
        return OneTripCursor(self)

    async def commit(self) -> None:
        """Commit, if anything was executed."""
        if self._busy:
            await super().commit()
        self._begin, self._busy = None, False

    async def rollback(self) -> None:
        """Roll back, if anything was executed and not committed."""
        if self._busy:
            await super().rollback()
        self._begin, self._busy = None, False

    async def run(self, how: Any, sql: str, parameters: Any) -> tuple[Sequence[Any], Any]:  # noqa: ANN401 - as above
        """Execute in the thread; return the rows, and what the cursor tells of them."""
        begin, self._begin, self._busy = self._begin, None, True
        answer: tuple[Sequence[Any], Any] = await self._execute(  # type: ignore[no-untyped-call]
            self._at_once, begin, how, sql, parameters
        )
        return answer

    def _at_once(self, begin: str | None, how: Any, sql: str, parameters: Any) -> Any:  # noqa: ANN401 - as above
        cursor = self._conn.cursor()
        try:
            if begin is not None:
                cursor.execute(begin)
            how(cursor, sql, parameters)
            rows = cursor.fetchall() if cursor.description else ()
            return rows, (cursor.description, cursor.rowcount, cursor.lastrowid)
        finally:
            cursor.close()
