"""Bringing a database to the newest revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, inspect, select, text

from casebridge.persistence.database import Database

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = int.from_bytes(b"casebrdg", "big")


class UnknownRevision(RuntimeError):
    """A newer release has upgraded the database; the message says what to do."""

    def __init__(self, revision: str) -> None:
        """Name the revision."""
        super().__init__(
            f"the database is at revision {revision}, which this release does not know; install the"
            " release that upgraded it, or restore the backup from before"
        )


def configuration(connection: Connection) -> Config:
    """Return Alembic's configuration for an open connection."""
    from alembic.config import Config  # noqa: PLC0415 - loading Alembic costs a start 0.2 s

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every migration up to ``revision``, in one transaction.

    Processes that start together take turns: the later one finds nothing left to do.

    Raises:
        UnknownRevision: a newer release has upgraded it.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached or a migration failed; then
            nothing of it is applied.
    """
    if revision == "head" and await _is_newest(database):
        return
    found = await revision_of(database)
    if found is not None and not knows_revision(found):
        raise UnknownRevision(found)
    from alembic import command  # noqa: PLC0415 - as above

    async with database.write_at_length() as session:
        connection = await session.connection()
        if not database.is_sqlite:  # there the transaction itself is exclusive
            await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        await connection.run_sync(lambda sync: command.upgrade(configuration(sync), revision))


async def _is_newest(database: Database) -> bool:
    """Tell whether nothing is to be done, as at most starts, without loading Alembic."""
    newest = max(path.name for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    async with database.read() as session:
        connection = await session.connection()
        if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
            return False
        known = await session.scalar(text("SELECT version_num FROM alembic_version"))
    return known is not None and newest.startswith(f"{known}_")


async def revision_of(database: Database) -> str | None:
    """Return the revision of a database, None when it has no tables of ours; nothing is changed.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

    async with database.read() as session:
        connection = await session.connection()
        return await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )


def newest_revision() -> str:
    """Return the revision that this release works with."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    assert head is not None  # noqa: S101 - there is one
    return head


def knows_revision(revision: str) -> bool:
    """Tell whether this release can upgrade a database of a revision, or works with it."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    scripts = ScriptDirectory(str(_MIGRATIONS)).walk_revisions()
    return revision in {script.revision for script in scripts}
