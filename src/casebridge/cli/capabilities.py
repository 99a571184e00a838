"""`casebridge capabilities`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES, Refused
from casebridge.cli.directly import settings_here
from casebridge.cli.display import AS_JSON, Display


@click.command(epilog=EXIT_CODES)
@click.argument("vendor", required=False)
@AS_JSON
def capabilities(*, vendor: str | None, as_json: bool) -> None:
    """Show what each installed plugin can do, or the plugin of one VENDOR."""
    from casebridge_core import Capability, ConnectorCatalog

    catalog = ConnectorCatalog.installed(only=settings_here().allow_list)
    if vendor is not None and vendor not in catalog:
        known = ", ".join(catalog) or "none is"
        raise Refused(f"no plugin serves {vendor!r}; installed: {known}. See `casebridge plugins`")
    can = {
        name: hooks.manifest.capabilities
        for name, hooks in catalog.items()
        if vendor in (None, name)
    }
    rows = [
        {"capability": str(each), **{name: each in claimed for name, claimed in can.items()}}
        for each in Capability
    ]
    columns = {"capability": "CAPABILITY", **{name: name.upper() for name in can}}
    Display(as_json=as_json).table(rows, columns, empty="")
