"""`casebridge doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from casebridge.cli import directly
from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.display import AS_JSON, Display, verdict_table

if TYPE_CHECKING:
    from casebridge.cli.examination.verdicts import Finding
    from casebridge.settings import Settings


@click.command(epilog=EXIT_CODES)
@AS_JSON
def doctor(*, as_json: bool) -> None:
    """Look at the installation of this machine's settings, and tell what is wrong and what to do.

    Database, master keys, plugins, each connector at its vendor, clocks, and whether this very
    service answers at its public URL. Changes nothing. Exit code 1 when a line failed.
    """
    import msgspec

    findings = directly.run(_examined(directly.settings_here()))
    failed = sum(finding.ok is False for finding in findings)
    lines = [msgspec.to_builtins(finding) for finding in findings]
    display = Display(as_json=as_json)
    if as_json:
        display.sentence({"ok": not failed, "lines": lines}, "")
    else:
        columns = {"about": "ABOUT", "check": "WHAT", "detail": "FOUND", "cure": "CURE"}
        verdict_table(display, lines, columns)
    if failed:
        raise Refused(f"{failed} of {len(lines)} checks failed; the cures stand beside them")


async def _examined(settings: Settings) -> list[Finding]:
    from casebridge.cli.examination.looking import examine

    return [finding async for finding in examine(settings)]
