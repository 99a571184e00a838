"""`casebridge new-plugin`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from casebridge.cli.calling import EXIT_CODES
from casebridge.cli.display import AS_JSON, Display

if TYPE_CHECKING:
    from casebridge.scaffold.making import NewPlugin

_LICENSES = ("Apache-2.0", "MIT", "none")


@click.command("new-plugin", epilog=EXIT_CODES)
@click.argument("vendor")
@click.option("--title", help="What people call the vendor; the name with a capital by default.")
@click.option("--author", default="", help="Your name, for the package's metadata and licence.")
@click.option("--license", "licence", type=click.Choice(_LICENSES), default=_LICENSES[0])
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="The folder to make; casebridge-<vendor> here by default.",
)
@AS_JSON
def new_plugin(
    *,
    vendor: str,
    title: str | None,
    author: str,
    licence: str,
    into: Path | None,
    as_json: bool,
) -> None:
    """Make a new plugin for VENDOR: a package that installs, and tests that say what to do next."""
    from datetime import UTC, datetime

    from casebridge.scaffold.making import License, NewPlugin, ScaffoldError, render, write

    plugin = NewPlugin(
        vendor=vendor,
        title=title or vendor.replace("_", " ").title(),
        author=author,
        license=License(licence),
        year=datetime.now(UTC).year,
    )
    folder = into or Path(plugin.distribution)
    try:
        files = render(plugin)
        write(folder, files)
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from error
    _warn_of_rival(plugin)
    display = Display(as_json=as_json)
    made = {"folder": str(folder), "files": sorted(map(str, files))}
    display.sentence(made, f"Made {folder} with {len(files)} files. What to do next:")
    display.note(f"  {shlex.join(('cd', str(folder)))}")
    display.note(
        f"  {shlex.join((sys.executable, '-m', 'pip', 'install', '--editable', '.[test]'))}"
    )
    display.note(f"  {shlex.join((sys.executable, '-m', 'pytest', '-x'))}")
    display.note("The first test that fails says what to write first.")
    display.note(
        "This environment has casebridge-core already, and casebridge-sandbox where the extra"
        " casebridge[demo] is installed; in a new one, pip's index must have both."
    )


def _warn_of_rival(plugin: NewPlugin) -> None:
    from casebridge_core import ConnectorCatalog

    rival = ConnectorCatalog.installed().get(plugin.vendor)
    if rival is None:
        return
    name = rival.source.distribution or rival.source.name
    what = (
        "To install the new plugin here replaces it, since they have the same name."
        if name == plugin.distribution
        else "Of two plugins of one vendor neither is used: uninstall all but one, or leave all but"
        " one out of CASEBRIDGE_PLUGINS."
    )
    click.echo(f"Note: {name} serves the vendor {plugin.vendor!r} here already. {what}", err=True)
