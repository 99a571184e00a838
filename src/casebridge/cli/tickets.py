"""`casebridge resync`, `replay`, `force-sync` and `push`: what people do to tickets by hand."""

from __future__ import annotations

from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.case import TICKETS, ticket_row
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display

_STUCK = frozenset({"failing", "dead", "paused", "gone"})


@click.group(epilog=EXIT_CODES)
def resync() -> None:
    """Read tickets at the vendor, and bring them and their cases together now."""


@resync.command("ticket", epilog=EXIT_CODES)
@click.argument("ticket")
@calls_service
def resync_ticket(service: ServiceClient, display: Display, ticket: str) -> None:
    """Resync one ticket (ref_…)."""
    _scheduled(display, service.post(f"/v1/tickets/{ticket}/resync"))


@resync.command("case", epilog=EXIT_CODES)
@click.argument("case")
@calls_service
def resync_case(service: ServiceClient, display: Display, case: str) -> None:
    """Resync every ticket of a case, and mint those that are missing."""
    found = service.post(f"/v1/cases/{case}/resync")
    rows = [ticket_row(each) for each in found["tickets"]]
    if display.as_json:
        display.sentence(found, "")
    else:
        display.table(rows, TICKETS, empty="The case has no ticket, and no connector mints one.")


@resync.command("connector", epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@calls_service
def resync_connector(service: ServiceClient, display: Display, connector: str) -> None:
    """Resync every ticket of a connector."""
    path = f"/v1/connectors/{service.connector_id(connector)}/resync"
    _counted(display, service.post(path))


@resync.command("all", epilog=EXIT_CODES)
@calls_service
def resync_all(service: ServiceClient, display: Display) -> None:
    """Resync every ticket of the tenant."""
    _counted(display, service.post("/v1/resync"))


@click.group(epilog=EXIT_CODES)
def replay() -> None:
    """Try dead letters again."""


@replay.command("ticket", epilog=EXIT_CODES)
@click.argument("ticket")
@calls_service
def replay_ticket(service: ServiceClient, display: Display, ticket: str) -> None:
    """Try one dead ticket (ref_…) again."""
    _scheduled(display, service.post(f"/v1/tickets/{ticket}/replay"))


@replay.command("connector", epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@calls_service
def replay_connector(service: ServiceClient, display: Display, connector: str) -> None:
    """Try every dead ticket of a connector again."""
    path = f"/v1/connectors/{service.connector_id(connector)}/replay"
    _counted(display, service.post(path))


@click.command("force-sync", epilog=EXIT_CODES)
@click.argument("ticket")
@click.option("--reason", required=True, help="Why; it goes into the audit trail.")
@calls_service
def force_sync(service: ServiceClient, display: Display, ticket: str, reason: str) -> None:
    """Push the case's status past the vendor's workflow, as far as the vendor allows.

    Needs an API key with the scope admin.
    """
    _scheduled(display, service.post(f"/v1/tickets/{ticket}/force-sync", {"reason": reason}))


@click.command(epilog=EXIT_CODES)
@click.argument("case")
@click.argument("connector", shell_complete=connector_names)
@click.option(
    "--wait",
    type=click.FloatRange(0, 30),
    default=0.0,
    show_default=True,
    help="Seconds to wait for the outcome; a ticket that is not linked by then is exit code 1.",
)
@click.option("--status-only", is_flag=True, help="Push the status; never mint a ticket.")
@calls_service
def push(
    service: ServiceClient,
    display: Display,
    case: str,
    connector: str,
    *,
    wait: float,
    status_only: bool,
) -> None:
    """Bring a case's ticket at one connector up to date now; mint it if it is missing."""
    verb = "push_status_change" if status_only else "push_case"
    path = f"/v1/connectors/{service.connector_id(connector)}/{verb}"
    ticket = service.post(path, {"case_id": case, "wait_seconds": wait})
    _scheduled(display, ticket)
    if wait and ticket["state"] != "linked":
        if ticket["state"] in _STUCK:
            raise Refused(f"the ticket is {ticket['state']}; the reason is above")
        raise Refused(f"not done within {wait:g} s; the work goes on by itself")


def _scheduled(display: Display, ticket: dict[str, Any]) -> None:
    if display.as_json:
        display.sentence(ticket, "")
    else:
        display.table([ticket_row(ticket)], TICKETS, empty="")


def _counted(display: Display, answer: dict[str, Any]) -> None:
    display.sentence(answer, f"{answer['tickets']} tickets will be looked at")
