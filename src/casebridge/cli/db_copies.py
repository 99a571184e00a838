"""`casebridge db backup` and `casebridge db restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    from casebridge.settings import Settings

_POSTGRES: Final = (
    "the database is on PostgreSQL, which has tools of its own:"
    " `pg_dump --format=custom --file=FILE DATABASE` while the service runs, and `pg_restore"
    " --clean --if-exists --dbname=DATABASE FILE` while it is stopped"
)


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@AS_JSON
def backup(file: Path, *, as_json: bool) -> None:
    """Copy the embedded database to FILE, while the service runs.

    FILE is as the database was at one moment, and readable by its owner only. The master keys are
    not in it: keep them in another place.
    """
    from casebridge.persistence import backup as copies

    settings = directly.settings_here()
    source = embedded_file(settings)
    try:
        found = copies.back_up(source, file)
    except copies.NotCopied as error:
        raise Refused(str(error)) from error
    keys = "CASEBRIDGE_KEYS" if settings.keys else str(settings.key_file)
    text = (
        f"{file} is {source} of this moment: revision {found.revision}, {found.cases} cases,"
        f" {found.size:,} bytes\n"
        f"Not in it: the master keys ({keys}). Keep a copy of them in another place: without them"
        " nobody can open the credentials and the secrets of inbox tokens in the backup."
    )
    Display(as_json=as_json).sentence(_told(found, file=str(file), master_keys=keys), text)


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@AS_JSON
def restore(file: Path, *, as_json: bool) -> None:
    """Put a backup in the place of the embedded database, while no service runs on it.

    FILE is read whole first. The database that is there is kept beside it, under another name.
    """
    from casebridge.persistence import backup as copies
    from casebridge.persistence.migrate import knows_revision
    from casebridge.services.clock import utc_now

    settings = directly.settings_here()
    place = embedded_file(settings, missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        found, aside = copies.restore(file, place, utc_now(), knows_revision)
    except copies.NotCopied as error:
        raise Refused(str(error)) from error
    except copies.InUse as error:
        raise Refused(in_use(place)) from error
    text = f"{place} is {file} now: revision {found.revision}, {found.cases} cases"
    if aside is not None:
        text += f"\nWhat was there is {aside}; remove it once you need it no more."
    text += (
        "\nNow see with `casebridge keys list` that the master keys are those of the backup, and"
        " start the service: it upgrades the database where needed, and the reconciler asks the"
        " vendors for what changed since the backup."
    )
    told = _told(found, database=str(place), moved_to=str(aside) if aside else None)
    Display(as_json=as_json).sentence(told, text)


def embedded_file(settings: Settings, *, missing_ok: bool = False) -> Path:
    """Return the embedded database's file.

    Raises:
        Refused: the database is elsewhere, or there is none.
    """
    from casebridge.persistence.database import Database

    database = Database(settings.database)
    if not database.is_sqlite:
        raise Refused(_POSTGRES)
    if not missing_ok and (missing := directly.missing_file(database)) is not None:
        raise Refused(missing)
    name = database.url.database
    if not name or name == ":memory:" or "file:" in name:
        raise Refused("CASEBRIDGE_DATABASE_URL names no file; there is nothing to copy")
    return Path(name)


def in_use(path: Path) -> str:
    """Say that a process has the database open, and what to do."""
    return (
        f"a service, a worker or another command has {path} open; stop them (as with"
        " `systemctl stop casebridge`, or Ctrl+C where it runs) and try again"
    )


def _told(found: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - a Found, and JSON
    return {"revision": found.revision, "cases": found.cases, "size": found.size, **more}
