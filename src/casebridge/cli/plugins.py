"""`casebridge plugins`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES


@click.command(epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(*, as_json: bool) -> None:
    """List the installed plugins, what they can do, and what is refused and why.

    Exit code 1 when a plugin is refused.
    """
    import msgspec

    from casebridge.services.inventory import take_inventory
    from casebridge.settings import InvalidSettings, Settings
    from casebridge_core import ConnectorCatalog

    try:
        only = Settings.from_env().allow_list
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from error
    inventory = take_inventory(ConnectorCatalog.installed(only=only))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(inventory)))
    else:
        for vendor in inventory.vendors:
            click.secho(f"{vendor.vendor}  {vendor.title}", bold=True)
            click.echo(f"  {vendor.plugin.distribution} {vendor.plugin.version}")
            click.echo(f"  {', '.join(vendor.capabilities)}")
        for source in inventory.cross_cutting:
            click.echo(f"{source.name}  for every vendor ({source.distribution} {source.version})")
        for source in inventory.disabled:
            click.echo(f"{source.name}  not enabled by CASEBRIDGE_PLUGINS")
        for refused in inventory.refused:
            click.secho(f"{refused.plugin.name}  refused: {refused.error}", fg="red")
    if inventory.refused:
        raise SystemExit(1)
