"""`casebridge flag`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.display import Display


@click.group(epilog=EXIT_CODES)
def flag() -> None:
    """Feature flags: what the tenant's bridge may do."""


@flag.command("list", epilog=EXIT_CODES)
@calls_service
def list_flags(service: ServiceClient, display: Display) -> None:
    """List the feature flags; what nobody has switched is on, except for backfill."""
    columns = {"name": "NAME", "enabled": "ON", "changed_at": "CHANGED"}
    display.table(service.get("/v1/feature-flags"), columns, empty="There is no feature flag.")


@flag.command("set", epilog=EXIT_CODES)
@click.argument("name")
@click.argument("to", metavar="on|off", type=click.Choice(("on", "off")))
@calls_service
def set_flag(service: ServiceClient, display: Display, name: str, to: str) -> None:
    """Switch `bridge`, `backfill`, or `vendor:` and a vendor on or off.

    With the bridge or a vendor off, nothing is pushed there, and what comes back is stored only.
    """
    body = {"name": name, "enabled": to == "on"}
    display.sentence(service.put("/v1/feature-flags", body), f"{name} is {to}")
