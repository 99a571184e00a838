"""`casebridge new-plugin`."""

from __future__ import annotations

from pathlib import Path

import click

_LICENSES = ("Apache-2.0", "MIT", "none")


@click.command("new-plugin")
@click.argument("vendor")
@click.option("--title", help="What people call the vendor; the name with a capital by default.")
@click.option("--author", default="", help="Your name, for the package's metadata and licence.")
@click.option("--license", "licence", type=click.Choice(_LICENSES), default=_LICENSES[0])
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    help="The folder to make; casebridge-<vendor> here by default.",
)
def new_plugin(
    *, vendor: str, title: str | None, author: str, licence: str, into: Path | None
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
    click.echo(f"Made {folder} with {len(files)} files. What to do next:")
    click.echo(f"  cd {folder}")
    click.echo("  python3 -m venv .venv && .venv/bin/pip install --editable '.[test]'")
    click.echo("  .venv/bin/pytest -x")
    click.echo("The first test that fails says what to write first.")
