"""`casebridge db move`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.db_copies import embedded_file, in_use
from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    from casebridge.persistence.moving import Moved
    from casebridge.settings import Settings


@click.command(epilog=EXIT_CODES)
@click.option(
    "--to",
    required=True,
    metavar="URL",
    help="An empty database, as postgresql+asyncpg://user@host/casebridge. Leave the password to"
    " PGPASSWORD or ~/.pgpass: others can see what a command is called with.",
)
@AS_JSON
def move(to: str, *, as_json: bool) -> None:
    """Move everything from the embedded database to PostgreSQL, while no service runs.

    Every row keeps its id. All of it is one transaction, which is read back and compared before it
    is committed; killed half-way, it can be run again. The embedded database stays as it is.
    """
    settings = directly.settings_here()
    source = embedded_file(settings)
    moved, shown = directly.run(_moved(settings, source, to))
    rows = [{"table": each.table, "rows": each.rows, "digest": each.digest} for each in moved]
    display = Display(as_json=as_json)
    if as_json:
        display.sentence({"from": str(source), "to": shown, "tables": rows}, "")
        return
    short = [{**row, "digest": str(row["digest"])[:16]} for row in rows]
    columns = {"table": "TABLE", "rows": "ROWS", "digest": "SHA-256, THE SAME ON BOTH SIDES"}
    display.table(short, columns, empty="")
    display.note(
        f"\n{sum(each.rows for each in moved)} rows are in {shown} as they were in {source}.\n"
        "Set CASEBRIDGE_DATABASE_URL to it for every service and worker, leave them the data folder"
        f" and the master keys, and start them. Start none on {source} any more: the two would go"
        " different ways."
    )


async def _moved(settings: Settings, source: Path, to: str) -> tuple[list[Moved], str]:
    from casebridge.persistence.backup import InUse
    from casebridge.persistence.migrate import UnknownRevision, upgrade
    from casebridge.persistence.moving import NotMoved, move

    async with directly.at_newest_revision(settings):
        pass  # closed again: the move has to be alone with it
    target = _target(settings, to)
    try:
        await upgrade(target)
        return await move(source, target), target.url.render_as_string(hide_password=True)
    except InUse as error:
        raise Refused(in_use(source)) from error
    except NotMoved as error:
        raise Refused(str(error)) from error
    except UnknownRevision as error:
        raise Refused(
            "the target is at a revision that this release does not know; name an empty database"
        ) from error
    except Exception as error:
        raise _told(error) from error
    finally:
        await target.close()


def _target(settings: Settings, to: str) -> Any:  # noqa: ANN401 - a Database
    import msgspec
    from sqlalchemy.exc import ArgumentError

    from casebridge.persistence.database import Database

    if not to.startswith("postgresql+asyncpg://"):
        raise Refused("--to must begin with postgresql+asyncpg://")
    msgspec.structs.replace(settings, database_url=to).check()
    try:
        return Database(to)
    except (ArgumentError, ValueError):
        raise Refused("--to is no URL of a database; see `casebridge db move --help`") from None


def _told(error: Exception) -> Exception:
    """Say what the target complains of, without its own words: they may hold the password."""
    state = getattr(getattr(error, "orig", None) or error, "sqlstate", None)
    why = getattr(error, "reason", None) or (f"SQLSTATE {state}" if state else None)
    if why is None and not isinstance(error, OSError):
        return error
    return Refused(
        f"the target cannot be used ({why or type(error).__name__}); check host, database, user and"
        " password in --to"
    )
