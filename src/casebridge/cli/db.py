"""`casebridge db`: the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.db_copies import backup, restore
from casebridge.cli.db_move import move
from casebridge.cli.display import AS_JSON, Display, verdict_table

if TYPE_CHECKING:
    from casebridge.persistence.database import Database
    from casebridge.persistence.soundness import Trouble
    from casebridge.settings import Settings

_RESTORE = "Stop the service, keep the file, and restore the newest backup that passes this check."
_REPORT = "Somebody or something wrote past Casebridge; compare with a backup before you mend it."


@click.group(epilog=EXIT_CODES)
def db() -> None:
    """The database of this machine's settings: upgrade it, check it, copy it, restore it, move it.

    Needs no running service.
    """


db.add_command(backup)
db.add_command(restore)
db.add_command(move)


@db.command(epilog=EXIT_CODES)
@AS_JSON
def upgrade(*, as_json: bool) -> None:
    """Bring the database to the revision of this release; make it if there is none.

    `casebridge serve` does the same at its start. All of it is one transaction.
    """
    found = directly.run(_upgraded(directly.settings_here()))
    was = found["was"] or "empty"
    text = f"the database is at revision {found['revision']} (it was {was})"
    if found["was"] == found["revision"]:
        text = f"the database is at revision {found['revision']} already"
    Display(as_json=as_json).sentence(found, text)


@db.command(epilog=EXIT_CODES)
@AS_JSON
def check(*, as_json: bool) -> None:
    """Check revision, tables, integrity, foreign keys, and what must hold for every row.

    Reads all of an embedded database. Exit code 1 when a line failed.
    """
    lines = directly.run(_checked(directly.settings_here()))
    failed = sum(line["ok"] is False for line in lines)
    display = Display(as_json=as_json)
    if as_json:
        display.sentence({"ok": not failed, "lines": lines}, "")
    else:
        verdict_table(display, lines, {"check": "WHAT", "detail": "FOUND", "cure": "CURE"})
    if failed:
        raise Refused(f"{failed} of {len(lines)} checks failed; the cures stand beside them")


async def _upgraded(settings: Settings) -> dict[str, Any]:
    from casebridge.persistence.database import Database
    from casebridge.persistence.migrate import (
        UnknownRevision,
        newest_revision,
        revision_of,
        upgrade,
    )

    database = Database(settings.database)
    database.create_folder()
    try:
        was = await revision_of(database)
        await upgrade(database)
    except UnknownRevision as error:
        raise Refused(str(error)) from error
    finally:
        await database.close()
    return {"was": was, "revision": newest_revision()}


async def _checked(settings: Settings) -> list[dict[str, Any]]:
    import msgspec

    from casebridge.cli.examination import verdicts
    from casebridge.persistence.migrate import newest_revision, revision_of

    async with directly.opened(settings) as database:
        revision = verdicts.revision(await revision_of(database), newest_revision())
        lines = [msgspec.to_builtins(revision)]
        if revision.ok:
            lines += await _soundness(database)
    return lines


async def _soundness(database: Database) -> list[dict[str, Any]]:
    from casebridge.persistence import soundness

    damage = await soundness.damage(database)
    found = [_line("integrity", damage, _RESTORE)] if database.is_sqlite else []
    if damage is not None:  # whatever else is found may come of that
        return found
    found.append(_line("tables", await soundness.drift(database), _REPORT))
    found.append(_line("foreign keys", await soundness.dangling(database), _REPORT))
    found += [
        _line(invariant.name, await soundness.broken(database, invariant), _REPORT)
        for invariant in soundness.INVARIANTS
    ]
    return found


def _line(check: str, trouble: Trouble | None, cure: str) -> dict[str, Any]:
    if trouble is None:
        return {"about": "database", "check": check, "ok": True, "detail": "yes", "cure": ""}
    more = (
        f", and {trouble.count - len(trouble.found)} more"
        if trouble.count > len(trouble.found)
        else ""
    )
    detail = "; ".join(trouble.found) + more
    return {"about": "database", "check": check, "ok": False, "detail": detail, "cure": cure}
