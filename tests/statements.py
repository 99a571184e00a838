"""SQL that is compiled once in a run of the tests, not once for each of their many databases.

SQLAlchemy keeps compiled statements for each engine and dialect, and a service needs a hundred of
them. Here two engines on the same kind of database share them, as two connections do elsewhere.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

_DIALECTS: Final = (SQLiteDialect_aiosqlite, PGDialect_asyncpg)
_MOST: Final = 5000


def share_compiled_statements() -> None:
    """Let every engine of this process use what another one has compiled."""
    statements: LRUCache[Any, Any] = LRUCache(_MOST)
    for dialect in _DIALECTS:
        dialect.__eq__ = _are_of_one_kind  # type: ignore[method-assign]
        dialect.__hash__ = _kind  # type: ignore[assignment, method-assign]

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)


def _are_of_one_kind(one: object, other: object) -> bool:
    return type(one) is type(other)


def _kind(dialect: object) -> int:
    return hash(type(dialect))
