"""`casebridge reconcile`."""

from __future__ import annotations

from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display, lasting

_COLUMNS = {
    "name": "CONNECTOR",
    "state": "STATE",
    "reconciled_at": "RECONCILED",
    "lag": "LAG",
    "cursor": "CURSOR",
    "next_at": "NEXT",
    "error": "ERROR",
}


@click.command(epilog=EXIT_CODES)
@click.argument("connector", required=False, shell_complete=connector_names)
@click.option(
    "--wait",
    type=click.FloatRange(0, 30),
    default=0.0,
    show_default=True,
    help="Seconds to wait for each; one that has failed or not ended by then is exit code 1.",
)
@calls_service
def reconcile(
    service: ServiceClient, display: Display, connector: str | None, *, wait: float
) -> None:
    """Ask vendors now for changes that no webhook told of: of one connector, or of all.

    Without a connector, those that are disabled or paused, or whose vendor cannot be asked, are
    left out.
    """
    rows = [_asked(service, each, wait) for each in _chosen(service, connector)]
    display.table(rows, _COLUMNS, empty="There is no connector that could be asked.")
    stuck = [row["name"] for row in rows if row["error"] or row["state"] != "waiting"]
    if wait and stuck:
        raise Refused(f"{', '.join(stuck)}: failed or not done within {wait:g} s; see above")


def _chosen(service: ServiceClient, named: str | None) -> list[dict[str, Any]]:
    if named is not None:
        return [service.get(f"/v1/connectors/{service.connector_id(named)}")]
    cards: list[dict[str, Any]] = service.get("/v1/connectors")
    return [card for card in cards if card["reconcile"] and card["state"] == "active"]


def _asked(service: ServiceClient, card: dict[str, Any], wait: float) -> dict[str, Any]:
    path = f"/v1/connectors/{card['id']}/reconcile"
    found: dict[str, Any] = service.post(path, wait_seconds=wait)
    lag = lasting(found["lag_seconds"])
    return {"id": card["id"], "name": card["name"], **found, "lag": lag}
