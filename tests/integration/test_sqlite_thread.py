"""SQLite's connections: how often they go to their thread, and what is open when they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from casebridge.persistence.database import Database
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.persistence.sqlite_thread import OneTripConnection


@pytest.fixture
async def database(opened: Any, tmp_path: Path) -> Database:
    database: Database = opened(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    async with database.write() as session:
        await session.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    return database


@pytest.fixture
def trips(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Name what goes to the threads from now on."""
    made: list[str] = []
    go: Any = OneTripConnection._execute

    async def counted(self: OneTripConnection, what: Any, *arguments: Any) -> Any:
        made.append(what.__name__)
        return await go(self, what, *arguments)

    monkeypatch.setattr(OneTripConnection, "_execute", counted)
    return made


async def test_a_statement_is_one_trip_and_its_begin_goes_along(
    database: Database, trips: list[str]
) -> None:
    async with database.write() as session:
        await session.execute(text("INSERT INTO t VALUES (1), (2)"))
        found = await session.scalars(text("SELECT n FROM t"))

    assert found.all() == [1, 2]
    assert trips == ["_at_once", "_at_once", "commit"]


async def test_a_session_without_a_statement_is_no_trip(
    database: Database, trips: list[str]
) -> None:
    async with database.write() as session:
        connection = await session.connection()

    assert connection.closed
    assert trips == []


async def write(database: Database, *statements: str) -> None:
    """Execute statements in one transaction."""
    async with database.write() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_a_failed_statement_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        await write(database, "INSERT INTO t VALUES (1)", "SELECT * FROM nowhere")

    async with database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM t")) == 0


async def test_a_begin_that_fails_is_over(database: Database, opened: Any) -> None:
    await make_impatient(database)
    other: Database = opened(database.url.render_as_string())

    async with other.write() as held:
        await held.execute(text("INSERT INTO t VALUES (1)"))
        with pytest.raises(DatabaseUnavailable, match="locked"):
            await write(database, "INSERT INTO t VALUES (2)")

    await write(database, "INSERT INTO t VALUES (3)")
    async with database.read() as session:
        assert (await session.scalars(text("SELECT n FROM t"))).all() == [1, 3]


async def make_impatient(database: Database) -> None:
    """Have the one connection that is there wait for nobody."""
    async with database.read() as session:
        await session.execute(text("PRAGMA busy_timeout = 1"))
