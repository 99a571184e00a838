"""What keeps a database from being used for a while, told apart from what is wrong with a query."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

_PRIMARY_CODE: Final = 0xFF
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "another process keeps the database locked",
    sqlite3.SQLITE_LOCKED: "another process keeps the database locked",
    sqlite3.SQLITE_FULL: "the disk of the database is full",
    sqlite3.SQLITE_IOERR: "the disk of the database refuses to write or read",
    sqlite3.SQLITE_CANTOPEN: "the file of the database cannot be opened",
    sqlite3.SQLITE_READONLY: "the file of the database cannot be written to",
    sqlite3.SQLITE_CORRUPT: "the file of the database is damaged",
    sqlite3.SQLITE_NOTADB: "the file of the database is damaged",
}
_POSTGRES: Final = {
    "53100": "the disk of the database is full",
    "53300": "the database takes no more connections",
    "55P03": "somebody else keeps the database locked",
    "57P03": "the database is starting up",
    "25006": "the database can only be read",
    "08": "the connection to the database broke",
    "53": "the database is short of resources",
    "57P": "the database is shutting down",
    "58": "the disk of the database refuses to write or read",
}
"""By SQLSTATE or its beginning, whichever fits first."""


class DatabaseUnavailable(SQLAlchemyError):
    """The database cannot be used for now; ``reason`` says why, without its own words.

    What was under way is rolled back, or will be; whether a commit arrived whose answer was lost,
    nobody knows.
    """

    def __init__(self, reason: str) -> None:
        """Say why."""
        super().__init__(reason)
        self.reason = reason


def outage_in(error: Exception) -> str | None:
    """Return what keeps the database from being used; None when the query itself is at fault."""
    if isinstance(error, NoConnectionFree):
        return "every connection to the database is busy"
    if isinstance(error, TimeoutError):
        return "the database does not answer in time"
    if isinstance(error, OSError):
        return "the database cannot be reached"
    cause = (error.orig or error) if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & _PRIMARY_CODE)
    state = getattr(cause, "sqlstate", None) or ""
    known = next((words for begin, words in _POSTGRES.items() if state.startswith(begin)), None)
    if known is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        return "the connection to the database broke"
    return known
