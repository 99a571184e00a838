"""`casebridge connector map`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.case import STATUSES
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display

_OUT = {
    "status": "CASE STATUS",
    "native": "PUSHED AS",
    "back": "READ AS",
    "verdict": "VERDICT",
    "own": "OWN ENTRY",
}
_IN = {"name": "NATIVE STATUS", "id": "ID", "means": "MEANS", "own": "OWN ENTRY"}


@click.command("map", epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@click.option("--out", multiple=True, metavar="STATUS=NATIVE", help="Push a status as that.")
@click.option("--in", "into", multiple=True, metavar="NATIVE=STATUS", help="Read that as a status.")
@click.option(
    "--drop-out",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Push it as the plugin says again.",
)
@click.option(
    "--drop-in", multiple=True, metavar="NATIVE", help="Read it as the plugin says again."
)
@calls_service
def map_statuses(
    service: ServiceClient,
    display: Display,
    connector: str,
    out: tuple[str, ...],
    into: tuple[str, ...],
    *,
    drop_out: tuple[str, ...],
    drop_in: tuple[str, ...],
) -> None:
    """Show a connector's status maps in both directions, after changing its own entries if asked.

    A native status is given by its name or id. Options may be repeated; entries that are not named
    stay. Changing needs an API key with the scope admin.
    """
    path = f"/v1/connectors/{service.connector_id(connector)}"
    if out or into or drop_out or drop_in:
        card = service.get(path)
        own = card["statuses"]
        outbound = _edited(own["outbound"], [_pair(each, "--out") for each in out], drop_out)
        meanings = [_pair(each, "--in") for each in into]
        inbound = _edited(own["inbound"], meanings, drop_in)
        maps = {"statuses": {"outbound": outbound, "inbound": inbound}}
        service.patch(path, maps, version=card["version"])
    found = service.get(f"{path}/status-map")
    if display.as_json:
        display.sentence(found, "")
        return
    display.table(found["trips"], _OUT, empty="")
    meant = [{**each, **each["native"]} for each in found["meanings"]]
    display.section("Read from the vendor", meant, _IN)


def _edited(
    entries: Mapping[str, str], given: list[tuple[str, str]], dropped: tuple[str, ...]
) -> dict[str, str]:
    """Lay entries over the stored ones; a name counts however it is written."""
    gone = {each.casefold() for each in (*dropped, *(name for name, _ in given))}
    kept = {name: value for name, value in entries.items() if name.casefold() not in gone}
    return {**kept, **dict(given)}


def _pair(text: str, option: str) -> tuple[str, str]:
    """Split at the last equals sign of an entry that ends with a status, else at the first."""
    name, equals, value = text.rpartition("=") if option == "--in" else text.partition("=")
    status = value if option == "--in" else name
    if not equals or not name or not value:
        shape = "NATIVE=STATUS" if option == "--in" else "STATUS=NATIVE"
        raise click.BadParameter(f"{text!r} is not {shape}", param_hint=option)
    if status not in STATUSES:
        known = ", ".join(STATUSES)
        raise click.BadParameter(
            f"{status!r} is no case status; there are: {known}", param_hint=option
        )
    return name, value
