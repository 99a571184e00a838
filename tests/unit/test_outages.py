"""Outages told apart from faults of a query, and what shares them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from casebridge.persistence.database import Database
from casebridge.persistence.outages import DatabaseUnavailable, outage_in
from casebridge.persistence.together import Together


class OfPostgres(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def wrapped(cause: Exception) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, cause)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("53100", "disk of the database is full"),
        ("53200", "short of resources"),
        ("57P03", "starting up"),
        ("57P01", "shutting down"),
        ("08006", "connection to the database broke"),
        ("25006", "can only be read"),
    ],
)
def test_what_postgresql_says_is_told_in_words(state: str, told: str) -> None:
    for error in (wrapped(OfPostgres(state)), OfPostgres(state)):
        assert told in (outage_in(error) or "")


@pytest.mark.parametrize("error", [wrapped(OfPostgres("23505")), ValueError("x"), KeyError("08")])
def test_a_fault_of_the_query_is_no_outage(error: Exception) -> None:
    assert outage_in(error) is None


async def test_a_query_at_fault_passes_as_it_is_and_an_outage_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a UNIQUE)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    database = Database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            await (await session.connection()).exec_driver_sql("INSERT INTO t VALUES (1)")
    await database.close()

    nowhere = Database("postgresql+asyncpg://user:hush@127.0.0.1:1/x")
    with pytest.raises(DatabaseUnavailable, match=r"^the database cannot be reached$"):
        async with nowhere.read() as session:
            await session.execute(text("SELECT 1"))
    await nowhere.close()


async def test_who_waits_for_the_turn_behind_a_lock_waits_no_longer_than_for_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    database = Database(f"sqlite+aiosqlite:///{path}", patience_seconds=0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("PRAGMA journal_mode = WAL")
        stranger.execute("BEGIN IMMEDIATE")
        begun = asyncio.get_running_loop().time()

        ends = await asyncio.gather(
            *(database.try_to_write() for _ in range(20)), return_exceptions=True
        )

        assert {type(end) for end in ends} == {DatabaseUnavailable}
        assert asyncio.get_running_loop().time() - begun < 20 * 0.2
        stranger.execute("ROLLBACK")
    await database.try_to_write()
    await database.close()


async def test_a_group_is_not_tried_one_by_one_while_the_database_is_not_there() -> None:
    tried: list[Sequence[int]] = []

    async def work(group: Sequence[int]) -> Sequence[int]:
        tried.append(group)
        await asyncio.sleep(0)
        raise DatabaseUnavailable("gone")

    together = Together(work)
    ends = await asyncio.gather(*map(together.do, range(5)), return_exceptions=True)

    assert [str(end) for end in ends] == ["gone"] * 5
    assert sorted(item for group in tried for item in group) == [0, 1, 2, 3, 4]
