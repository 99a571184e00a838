"""`casebridge connector`."""

from __future__ import annotations

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.completion import connector_names
from casebridge.cli.connector_add import add
from casebridge.cli.connector_map import map_statuses
from casebridge.cli.display import Display, verdict_table

_COLUMNS = {
    "id": "ID",
    "vendor": "VENDOR",
    "name": "NAME",
    "state": "STATE",
    "last_success_at": "LAST SUCCESS",
    "last_failure": "LAST FAILURE",
}
_CARD = {
    "id": "id",
    "vendor": "vendor",
    "name": "name",
    "state": "state",
    "paused_reason": "why paused",
    "account": "account",
    "config": "configuration",
    "limits": "limits",
    "quiet_until": "quiet until",
    "last_success_at": "last success",
    "last_failure_at": "last failure at",
    "last_failure": "last failure",
    "reconcile": "reconciled",
    "created_at": "created",
}


@click.group(epilog=EXIT_CODES)
def connector() -> None:
    """Connectors: add, list, show, check, map, pause, resume. Named by id or by name."""


connector.add_command(add)
connector.add_command(map_statuses)


@connector.command("list", epilog=EXIT_CODES)
@calls_service
def list_connectors(service: ServiceClient, display: Display) -> None:
    """List the connectors and how they do."""
    display.table(
        service.get("/v1/connectors"),
        _COLUMNS,
        empty="There is no connector yet; see `casebridge connector add --help`.",
    )


@connector.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@calls_service
def show(service: ServiceClient, display: Display, connector: str) -> None:
    """Show a connector and its failing tickets."""
    path = f"/v1/connectors/{service.connector_id(connector)}"
    card = service.get(path)
    failures = service.get(f"{path}/failures")
    display.card({**card, "failures": failures}, _CARD)
    rows = [{**(each["failure"] or {}), "id": each["id"], "key": each["key"]} for each in failures]
    columns = {
        "id": "ID",
        "key": "KEY",
        "kind": "KIND",
        "attempts": "TRIES",
        "next_try_at": "NEXT TRY",
        "dead": "DEAD",
        "reason": "REASON",
    }
    display.section("Failing tickets", rows, columns)


@connector.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@calls_service
def check(service: ServiceClient, display: Display, connector: str) -> None:
    """Check everything a connector needs; a good report resumes a paused one.

    Exit code 1 when a line of the report failed.
    """
    report = service.post(f"/v1/connectors/{service.connector_id(connector)}/check")
    lines = report["lines"]
    if display.as_json:
        display.sentence(report, "")
    else:
        verdict_table(display, lines, {"name": "WHAT", "detail": "FOUND", "cure": "CURE"})
    failed = sum(line["ok"] is False for line in lines)
    if failed:
        raise Refused(f"{failed} of {len(lines)} checks failed; mend what the report says")


@connector.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@click.option("--reason", required=True, help="Why; it is shown on the connector's card.")
@calls_service
def pause(service: ServiceClient, display: Display, connector: str, reason: str) -> None:
    """Stop pushing until somebody resumes it."""
    path = f"/v1/connectors/{service.connector_id(connector)}/pause"
    card = service.post(path, {"reason": reason})
    display.sentence(card, f"{card['name']} is {card['state']}: {card['paused_reason']}")


@connector.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@calls_service
def resume(service: ServiceClient, display: Display, connector: str) -> None:
    """Lift any pause and start the waiting work."""
    card = service.post(f"/v1/connectors/{service.connector_id(connector)}/resume")
    display.sentence(card, f"{card['name']} is {card['state']}")
