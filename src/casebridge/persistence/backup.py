"""Copies of the embedded database: made beside a running service, looked at, and put in place.

A copy is one file in no journal mode that needs others. It is written under another name first, so
that a file of the name that was asked for is whole, whatever happens in between.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

_PATIENCE_SECONDS: Final = 1.0
_BESIDE: Final = ("-wal", "-shm", "-journal")
_CAUSES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk refuses to write or read",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check its permissions and its folder's",
    sqlite3.SQLITE_CORRUPT: "it is damaged; take an older backup",
    sqlite3.SQLITE_READONLY: "it cannot be written to; check its permissions",
}
_PRIMARY_CODE: Final = 0xFF


class NotCopied(Exception):
    """A database could not be copied, or is none of ours; the message says why, and the cure."""


class InUse(Exception):
    """Another process has the database open."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a whole database of Casebridge holds; ``size`` is in bytes."""

    revision: str
    cases: int
    size: int


def back_up(source: Path, target: Path) -> Found:
    """Copy a database as it is at one moment, while others read and write it.

    The copy is readable by its owner only. Writers are not held up: the copy is read as one
    transaction, which sees what was committed before it began.

    Raises:
        NotCopied: there is a file at ``target``, or something went wrong; nothing is left then.
    """
    if target.exists():
        raise NotCopied(f"there is a file at {target} already; name one that is not there")
    with _written_beside(target) as part:
        _copy(source, part)
        found = examine(part, called=source)
        if target.exists():
            raise NotCopied(f"there is a file at {target} by now; name one that is not there")
        part.rename(target)
    return found


def restore(
    source: Path, place: Path, now: datetime, is_known: Callable[[str], bool]
) -> tuple[Found, Path | None]:
    """Put a copy in the place of a database, and tell where that one is now, if there was one.

    ``is_known`` tells whether this release can work with, or upgrade, a revision.

    Raises:
        NotCopied: the copy is not whole, not ours, or cannot be written; nothing has changed then.
        InUse: a process has the database open that stands there; nothing has changed then.
    """
    with _written_beside(place) as part:
        _copy(source, part)
        found = examine(part, called=source)
        if not is_known(found.revision):
            raise NotCopied(
                f"{source} is at revision {found.revision!r}, which this release does not know;"
                " install the release that it was made with"
            )
        _expect_tickets_since(part, now)
        if not place.exists():
            part.rename(place)
            return found, None
        aside = place.with_name(f"{place.name}.until-{now:%Y%m%dT%H%M%S%fZ}")
        with alone_with(place) as is_database:
            os.link(place, aside)  # there is a database at its place all the time
            if not is_database:
                _move_companions(place, aside)
            part.replace(place)
    return found, aside


def examine(path: Path, *, called: Path | None = None) -> Found:
    """Read all of a database that nobody else has open; failures tell of ``called``, or of it.

    Raises:
        NotCopied: it is damaged, or not one of Casebridge.
    """
    name = called or path
    with _explained(name), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "tenants", "cases"} <= tables:
            raise NotCopied(f"{name} is a database, but not one of Casebridge")
        damage = [line for (line,) in connection.execute("PRAGMA integrity_check(1)")]
        if damage != ["ok"] or connection.execute("PRAGMA foreign_key_check").fetchone():
            raise NotCopied(f"{name} is damaged; take an older backup")
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        (cases,) = connection.execute("SELECT count(*) FROM cases").fetchone()
    return Found(revision[0] if revision else "", cases, path.stat().st_size)


@contextmanager
def alone_with(path: Path) -> Iterator[bool]:
    """Keep every other process from a database; False when the file is no database at all.

    It leaves the write-ahead log, which only somebody can who is alone, so that the one file has
    everything. The next process that opens it brings the log back.

    Raises:
        InUse: another process has it open.
    """
    connection = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
    with closing(connection):
        is_database = True
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise InUse from error
        except sqlite3.DatabaseError:
            is_database = False
        yield is_database


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise NotCopied(f"there is no file at {source}")
    read_only = f"{source.absolute().as_uri()}?mode=ro"
    with (
        _explained(source),
        closing(sqlite3.connect(read_only, uri=True)) as reader,
        closing(sqlite3.connect(target, isolation_level=None)) as writer,
    ):
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reader.backup(writer)  # in one step: a write in between would begin it anew
        writer.execute("PRAGMA journal_mode = DELETE")


def _expect_tickets_since(path: Path, now: datetime) -> None:
    """Have tickets looked for before they are minted: they may have been, since the copy."""
    missing = "UPDATE case_external_refs SET create_attempted_at = ? WHERE external_id IS NULL"
    with _explained(path), closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(missing, (f"{now:%Y-%m-%d %H:%M:%S.%f}",))


@contextmanager
def _written_beside(target: Path) -> Iterator[Path]:
    """Make a file next to the target, its owner's alone; whatever is left of it goes at the end."""
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
    except OSError as error:
        raise NotCopied(f"nothing can be written in {target.parent}: {error.strerror}") from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        _keep(target.parent)
    except OSError as error:
        raise NotCopied(f"{target} cannot be written: {error.strerror}") from error
    finally:
        for left in (part, *(Path(f"{part}{suffix}") for suffix in _BESIDE)):
            left.unlink(missing_ok=True)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say in words what SQLite complains of."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
        cause = _CAUSES.get(code, f"it is no database that can be read ({error})")
        raise NotCopied(f"{path} cannot be copied: {cause}") from error


def _move_companions(place: Path, aside: Path) -> None:
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{place}{suffix}").rename(f"{aside}{suffix}")


def _keep(folder: Path) -> None:
    """See that a new name survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
