"""`casebridge unmapped`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.case import STATUSES
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display

_PATH = "/v1/unmapped-statuses"
_STATES = ("open", "mapped", "dismissed", "all")
_COLUMNS = {
    "id": "ID",
    "connector_name": "CONNECTOR",
    "name": "STATUS",
    "native_id": "NATIVE ID",
    "category": "CATEGORY",
    "seen": "SEEN",
    "tickets": "TICKETS",
    "waiting": "WAITING",
    "first_seen_at": "FIRST SEEN",
    "last_seen_at": "LAST SEEN",
    "suggestion": "SUGGESTION",
    "mapped_to": "MAPPED TO",
}


@click.group(epilog=EXIT_CODES)
def unmapped() -> None:
    """Statuses that came from a vendor and mean nothing for a case yet: list and map them."""


@unmapped.command("list", epilog=EXIT_CODES)
@click.option(
    "--connector", shell_complete=connector_names, help="Of this connector; its id or name."
)
@click.option(
    "--state",
    type=click.Choice(_STATES),
    default="open",
    show_default=True,
    help="What somebody made of it.",
)
@calls_service
def list_statuses(
    service: ServiceClient, display: Display, connector: str | None, state: str
) -> None:
    """List the statuses, last seen first, with how many tickets stand there now."""
    rows = service.get(
        _PATH,
        connector_id=None if connector is None else service.connector_id(connector),
        state=None if state == "all" else state,
    )
    columns = {
        name: title
        for name, title in _COLUMNS.items()
        if name in {"id", "name"} or any(row[name] is not None for row in rows)
    }
    display.table(rows, columns, empty="There is no such status.")


@unmapped.command("map", epilog=EXIT_CODES)
@click.argument("status_id", metavar="ID")
@click.argument("to", metavar="STATUS", type=click.Choice(STATUSES))
@calls_service
def map_status(service: ServiceClient, display: Display, status_id: str, to: str) -> None:
    """Let a status (uns_…) stand for a case status, and the waiting cases follow.

    It becomes one of the connector's own statuses. Needs an API key with the scope admin.
    """
    mapped = service.post(f"{_PATH}/{status_id}/map", {"status": to})
    kept = "".join(f", {count} {reason}" for reason, count in sorted(mapped["reasons"].items()))
    name = mapped["status"]["name"]
    display.sentence(mapped, f"{name} means {to}: {mapped['moved']} cases moved{kept}")


@unmapped.command(epilog=EXIT_CODES)
@click.argument("status_id", metavar="ID")
@calls_service
def dismiss(service: ServiceClient, display: Display, status_id: str) -> None:
    """Say that a status (uns_…) means nothing for a case; it can still be mapped later.

    Needs an API key with the scope admin.
    """
    status = service.post(f"{_PATH}/{status_id}/dismiss")
    display.sentence(status, f"{status['name']} is dismissed")
