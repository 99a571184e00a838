"""Moving everything from an embedded database to PostgreSQL: every row, as it is, under its id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Table
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from casebridge.persistence.backup import InUse
from casebridge.persistence.database import Database
from casebridge.persistence.schema import every_table

_PAGE: Final = 100
"""Rows in memory at a time: an event's body may have a megabyte."""
_PATIENCE_SECONDS: Final = 1.0


class NotMoved(Exception):
    """The target is not as it has to be, or not what was written to it; the message says which."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A table that is the same on both sides: rows, and the SHA-256 of all that they hold."""

    table: str
    rows: int
    digest: str


async def move(source: Path, target: Database) -> list[Moved]:
    """Copy every table in one transaction, read it back, and commit what is the same.

    Nobody else reads or writes the source meanwhile, nor the target. Killed at any point, it leaves
    the target without a row, and can be run again. Both are at the newest revision.

    Raises:
        InUse: another process has the source open.
        NotMoved: the target has rows of ours already, or does not give back what it was given.
        sqlalchemy.exc.SQLAlchemyError: one of the two cannot be used.
    """
    tables = every_table()
    with _alone_with(source) as here:
        async with target.write_at_length() as session:
            there = await session.connection()
            await _expect_empty(there, tables)
            for table in tables:
                await _copy(here, there, table)
            return [await _compared(here, there, table) for table in tables]


@contextmanager
def _alone_with(path: Path) -> Iterator[Connection]:
    """Open an embedded database for reading, and keep everybody else from it."""
    options = {"timeout": _PATIENCE_SECONDS, "isolation_level": None}
    engine = sa.create_engine(f"sqlite:///{path}", connect_args=options)
    try:
        with engine.connect() as connection:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
            except OperationalError as error:
                raise InUse from error
            yield connection
    finally:
        engine.dispose()


async def _expect_empty(there: AsyncConnection, tables: list[Table]) -> None:
    names = ", ".join(table.name for table in tables)
    await there.execute(sa.text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    for table in tables:
        if await there.scalar(sa.select(sa.exists().where(table.c.id.is_not(None)))):
            raise NotMoved(
                f"the target has rows in {table.name} already; name an empty database, as"
                " `createdb` makes it"
            )


async def _copy(here: Connection, there: AsyncConnection, table: Table) -> None:
    last = 0
    while rows := here.execute(_page(table, last)).mappings().all():
        last = rows[-1]["id"]
        await there.execute(table.insert(), [dict(row) for row in rows])
    if last:
        advance = sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), last)
        await there.execute(sa.select(advance))


async def _compared(here: Connection, there: AsyncConnection, table: Table) -> Moved:
    ours, theirs, last, count = hashlib.sha256(), hashlib.sha256(), 0, 0
    while True:
        given = here.execute(_page(table, last)).all()
        kept = (await there.execute(_page(table, last))).all()
        for digest, rows in ((ours, given), (theirs, kept)):
            for row in rows:
                digest.update(_encoded(row))
        if ours.digest() != theirs.digest():
            raise NotMoved(f"rows of {table.name} after id {last} came back changed; none is kept")
        if not given:
            return Moved(table.name, count, ours.hexdigest())
        last, count = given[-1].id, count + len(given)


def _page(table: Table, after: int) -> sa.Select[Any]:
    return table.select().where(table.c.id > after).order_by(table.c.id).limit(_PAGE)


def _encoded(row: sa.Row[Any]) -> bytes:
    """Return a row in bytes that are the same for the same values, and end with a line."""
    return msgspec.json.encode(list(row)) + b"\n"
