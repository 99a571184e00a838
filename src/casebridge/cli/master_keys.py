"""`casebridge keys`: the master keys that the stored secrets are sealed with."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    from casebridge.services.key_file import KeyFile
    from casebridge.services.vault import Vault
    from casebridge.settings import Settings

_SETTLED_SECONDS: Final = 300
"""After which nothing is stored any more that was sealed before the key file changed."""
_ENVIRONMENT: Final = (
    "the master keys come from CASEBRIDGE_KEYS, which only you can change: append a new one"
    " (`casebridge keys new`) for every process and restart them, put it first and restart them,"
    " then run `casebridge keys rotate` again"
)


@click.group(epilog=EXIT_CODES)
def keys() -> None:
    """Master keys, which seal the stored secrets: list, rotate, retire. Needs no running service.

    API keys are another thing: `casebridge key`.
    """


@keys.command("list", epilog=EXIT_CODES)
@AS_JSON
def list_keys(*, as_json: bool) -> None:
    """List the master keys by their ids, and how many stored values are sealed with each."""
    columns = {"id": "ID", "use": "USE", "values": "SEALED VALUES"}
    rows = directly.run(_rows(directly.settings_here()))
    Display(as_json=as_json).table(rows, columns, empty="")
    if any(row["use"] == "missing" for row in rows):
        raise Refused("a master key is missing; put it back as the last line of the key file")


@keys.command(epilog=EXIT_CODES)
@AS_JSON
def rotate(*, as_json: bool) -> None:
    """Seal every stored secret anew under a new master key, while the service runs.

    The new key goes first in the key file, where running services and workers find it without a
    restart; the old ones stay after it until `casebridge keys retire`. When this is cut short,
    run it again: it goes on with the same key. With CASEBRIDGE_KEYS, the first of them is the new
    one. Exit code 1 when a value could not be opened; such values stay as they are.
    """
    found = directly.run(_rotate(directly.settings_here()))
    made = " under a new master key" if found["new_key"] else ""
    text = f"{found['values']} values are sealed anew{made} ({found['key']})"
    if found["older_keys"]:
        text += "\nwhat was sealed before still opens; `casebridge keys retire` ends that"
    Display(as_json=as_json).sentence(found, text)
    if found["failures"]:
        raise Refused(
            "; ".join(found["failures"]) + "; give the connector its secrets again, or rotate the"
            " token, unless you can put the right key back as the last line of the key file"
        )


@keys.command(epilog=EXIT_CODES)
@AS_JSON
def retire(*, as_json: bool) -> None:
    """Take every master key but the first out of the key file.

    Refused while a stored value needs one of them, and for five minutes after a rotation. A backup
    of the database from before needs the old key: keep it with the backup.
    """
    found = directly.run(_retire(directly.settings_here()))
    Display(as_json=as_json).sentence(found, f"{len(found['retired'])} master keys are retired")


@keys.command(epilog=EXIT_CODES)
@AS_JSON
def new(*, as_json: bool) -> None:
    """Print a new master key, for CASEBRIDGE_KEYS; it is stored nowhere."""
    from casebridge.services.key_file import new_key

    text = base64.b64encode(new_key()).decode()
    Display(as_json=as_json).sentence({"key": text}, text)


async def _rows(settings: Settings) -> list[dict[str, Any]]:
    from casebridge.services.resealing import Resealing

    vault = _vault(settings)
    async with directly.at_newest_revision(settings) as database:
        counts = await Resealing(database, vault).keys()
    uses = dict.fromkeys(vault.key_ids, "opens") | {vault.current: "seals"}
    known = [{"id": key, "use": use, "values": counts[key]} for key, use in uses.items()]
    strange = counts.keys() - uses.keys()
    return known + [{"id": key, "use": "missing", "values": counts[key]} for key in sorted(strange)]


async def _rotate(settings: Settings) -> dict[str, Any]:
    from casebridge.services.resealing import Resealing

    async with directly.at_newest_revision(settings) as database:
        file = _key_file(settings)
        with nullcontext() if settings.keys else file.alone():
            vault = _vault(settings)
            resealing = Resealing(database, vault)
            finished = _is_finished(vault, await resealing.keys())
            if finished and settings.keys and len(vault.key_ids) == 1:
                raise Refused(_ENVIRONMENT)
            new = finished and not settings.keys
            if new:
                _add_key(file)
            done = await resealing.run()
    return {
        "key": vault.current,
        "new_key": new,
        "values": done.values,
        "failures": list(done.failures),
        "older_keys": [key for key in vault.key_ids if key != vault.current],
    }


async def _retire(settings: Settings) -> dict[str, Any]:
    from casebridge.services.resealing import Resealing

    if settings.keys:
        raise Refused(
            "take the old keys out of CASEBRIDGE_KEYS, once `casebridge keys list` shows"
            " no value that is sealed with them, and restart every process"
        )
    async with directly.at_newest_revision(settings) as database:
        file = _key_file(settings)
        with file.alone():
            vault = _vault(settings)
            counts = await Resealing(database, vault).keys()
            retired = [key for key in vault.key_ids if key != vault.current]
            if needed := sum(counts[key] for key in retired):
                raise Refused(
                    f"{needed} values still need an old key; run `casebridge keys rotate`"
                )
            left = _SETTLED_SECONDS - (time.time() - file.path.stat().st_mtime)
            if retired and left > 0:
                raise Refused(
                    "the keys were rotated a moment ago, and something begun before may still be"
                    f" stored under an old one; try again in {left:.0f} s"
                )
            file.replace(file.read()[:1])
    return {"key": vault.current, "retired": retired}


def _is_finished(vault: Vault, counts: Mapping[str, int]) -> bool:
    """Tell whether nothing that we can open is left of a rotation that was cut short."""
    return not any(counts.get(key) for key in vault.key_ids if key != vault.current)


def _add_key(file: KeyFile) -> None:
    from casebridge.services.key_file import new_key

    file.replace((new_key(), *file.read()))


def _key_file(settings: Settings) -> KeyFile:
    from casebridge.services.key_file import KeyFile

    return KeyFile(settings.key_file)


def _vault(settings: Settings) -> Vault:
    from casebridge.services.vault import Vault

    return Vault.from_settings(settings.keys, settings.key_file, create=False)
