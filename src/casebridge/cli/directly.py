"""Working on the database itself, with the service's settings, as who may read its files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from casebridge.cli.calling import Refused

if TYPE_CHECKING:
    from casebridge.persistence.database import Database
    from casebridge.settings import Settings

ResultT = TypeVar("ResultT")


def settings_here() -> Settings:
    """Read the service's settings from the environment."""
    from casebridge.settings import InvalidSettings, Settings

    try:
        return Settings.from_env()
    except InvalidSettings as error:
        raise Refused(str(error)) from error


def run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Do the work, and tell failures in one sentence; a database's words may hold its password."""
    import asyncio

    from sqlalchemy.exc import SQLAlchemyError

    from casebridge.services.faults import Fault
    from casebridge.services.vault import VaultError
    from casebridge.settings import InvalidSettings

    try:
        return asyncio.run(work)
    except (Fault, InvalidSettings, VaultError) as error:
        raise Refused(str(error)) from error
    except (SQLAlchemyError, OSError) as error:
        raise Refused(unusable(error)) from error


def unusable(error: Exception) -> str:
    """Say in one sentence that the database failed, without its own words."""
    kind = type(getattr(error, "orig", None) or error).__name__
    why = getattr(error, "reason", None) or kind
    return (
        f"the database cannot be used ({why}); check CASEBRIDGE_DATABASE_URL and"
        " CASEBRIDGE_DATA_DIR, then run `casebridge doctor`"
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """Open the database, whatever its revision is; an embedded one that is missing is not made."""
    from casebridge.persistence.database import Database

    database = Database(settings.database)
    try:
        if (missing := missing_file(database)) is not None:
            raise Refused(missing)
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def at_newest_revision(settings: Settings) -> AsyncIterator[Database]:
    """Open the database if it is one that this release works with."""
    async with opened(settings) as database:
        await refuse_other_revisions(database)
        yield database


async def refuse_other_revisions(database: Database) -> None:
    """Refuse a database that has to be upgraded first, or that a newer release has upgraded."""
    from casebridge.persistence.migrate import newest_revision, revision_of

    found, newest = await revision_of(database), newest_revision()
    if found != newest:
        at = f"at revision {found}" if found else "empty"
        raise Refused(
            f"the database is {at}, and this release works with {newest}; run"
            " `casebridge db upgrade`"
        )


def missing_file(database: Database) -> str | None:
    """Say which file of an embedded database is missing; None when none is."""
    if not database.is_sqlite or not database.url.database or "file:" in database.url.database:
        return None
    path = Path(database.url.database)
    if path.is_file() or path.name == ":memory:":
        return None
    return (
        f"there is no database at {path}; set CASEBRIDGE_DATA_DIR to the service's data folder, or"
        " make one with `casebridge db upgrade`"
    )
