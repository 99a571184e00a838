"""`casebridge backfill`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, Refused, ServiceClient, calls_service
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display, lasting
from casebridge.cli.interrupts import INTERRUPTED, heeding_ctrl_c

_LOOK_EVERY_SECONDS = 0.3
_ACTIVE = frozenset({"planned", "running", "paused"})
_COLUMNS = {
    "id": "ID",
    "connector_name": "CONNECTOR",
    "state": "STATE",
    "per_cent": "PER CENT",
    "minted": "MINTED",
    "failing": "FAILING",
    "dead": "DEAD",
    "left": "LEFT",
    "created_at": "CREATED",
}
_CARD = {
    "id": "id",
    "connector_name": "connector",
    "state": "state",
    "note": "note",
    "waiting_for": "waiting for",
    "per_cent": "per cent",
    "minted": "minted",
    "failing": "failing",
    "dead": "dead letters",
    "left": "left",
    "under_way": "under way",
    "allowed": "at a time now",
    "ramp": "ramp",
    "remaining": "time left",
    "created_by": "created by",
    "created_at": "created",
    "started_at": "started",
    "finished_at": "finished",
}


@click.group(epilog=EXIT_CODES)
def backfill() -> None:
    """Backfill: mint the tickets of cases that were there before their connector.

    It needs the tenant's feature flag: `casebridge flag set backfill on`.
    """


def _ramp(command: Any) -> Any:  # noqa: ANN401 - click's decorators
    first = click.option(
        "--first",
        type=click.IntRange(1, 1000),
        default=5,
        show_default=True,
        help="Tickets under way at a time in the beginning; doubles as they are minted.",
    )
    most = click.option(
        "--most",
        type=click.IntRange(1, 1000),
        default=50,
        show_default=True,
        help="Tickets under way at a time in the end.",
    )
    return first(most(command))


@backfill.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@_ramp
@calls_service
def plan(service: ServiceClient, display: Display, connector: str, first: int, most: int) -> None:
    """Tell how many tickets would be minted, how long it takes, and which would fail and why.

    Changes nothing and calls no vendor. Exit code 1 when something keeps it from starting.
    """
    path = f"/v1/connectors/{service.connector_id(connector)}/backfill/plan"
    found = service.post(path, {"ramp": {"first": first, "most": most}})
    good = found["tickets"] - found["failing"]
    text = (
        f"would mint {good} tickets at {found['connector_name']},"
        f" about {lasting(found['seconds'])}, {found['calls']} calls\n"
        f"estimated from: {found['basis']}"
    )
    display.sentence(found, text)
    columns = {"case_id": "CASE", "title": "TITLE", "reason": "REASON"}
    display.section(f"{found['failing']} would fail", found["would_fail"], columns)
    if found["obstacles"]:
        raise Refused("; ".join(found["obstacles"]))


@backfill.command(epilog=EXIT_CODES)
@click.argument("connector", shell_complete=connector_names)
@_ramp
@click.option(
    "--tolerance",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Dead letters after which it pauses by itself.",
)
@click.option("--detach", is_flag=True, help="Start it and come back at once.")
@click.option("--later", is_flag=True, help="Only plan it in; `backfill resume` starts it.")
@calls_service
def run(
    service: ServiceClient,
    display: Display,
    connector: str,
    first: int,
    most: int,
    *,
    tolerance: int,
    detach: bool,
    later: bool,
) -> None:
    """Start a backfill and follow it to its end; Ctrl-C leaves it running.

    Exit code 1 when it pauses, is cancelled, or leaves dead letters.
    """
    path = f"/v1/connectors/{service.connector_id(connector)}/backfills"
    body = {
        "ramp": {"first": first, "most": most},
        "tolerance": tolerance,
        "start": not later,
    }
    made = service.post(path, body)
    if detach or later:
        display.sentence(made, f"{made['id']} is {made['state']}; {made['left']} tickets to mint")
    else:
        _follow(service, display, made)


@backfill.command("list", epilog=EXIT_CODES)
@calls_service
def list_backfills(service: ServiceClient, display: Display) -> None:
    """List the backfills, newest first."""
    display.table(service.get("/v1/backfills"), _COLUMNS, empty="There was no backfill yet.")


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="BACKFILL")
@click.option("--follow", is_flag=True, help="Follow it to its end.")
@calls_service
def show(service: ServiceClient, display: Display, backfill_id: str, *, follow: bool) -> None:
    """Show how far a backfill has come."""
    found = service.get(f"/v1/backfills/{backfill_id}")
    if follow:
        _follow(service, display, found)
    else:
        _show(display, found)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="BACKFILL")
@calls_service
def pause(service: ServiceClient, display: Display, backfill_id: str) -> None:
    """Reserve no more tickets until it is resumed; those under way are still minted."""
    _told(display, service.post(f"/v1/backfills/{backfill_id}/pause"))


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="BACKFILL")
@calls_service
def resume(service: ServiceClient, display: Display, backfill_id: str) -> None:
    """Start a planned backfill, or go on with a paused one."""
    _told(display, service.post(f"/v1/backfills/{backfill_id}/resume"))


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="BACKFILL")
@calls_service
def cancel(service: ServiceClient, display: Display, backfill_id: str) -> None:
    """Reserve no more tickets, for good; those under way are still minted."""
    _told(display, service.post(f"/v1/backfills/{backfill_id}/cancel"))


def _told(display: Display, found: dict[str, Any]) -> None:
    text = f"{found['id']} is {found['state']}: {found['minted']} minted, {found['left']} left"
    display.sentence(found, text)


def _show(display: Display, found: dict[str, Any]) -> None:
    shown = found
    if not display.as_json and found["seconds_left"] is not None:
        shown = {**found, "remaining": lasting(found["seconds_left"])}
    display.card(shown, _CARD)


def _follow(service: ServiceClient, display: Display, found: dict[str, Any]) -> None:
    """Show a progress bar until the backfill runs no more."""
    try:
        with heeding_ctrl_c() as heed:
            found = _watch(service, display, found, heed)
    except KeyboardInterrupt:
        display.note(f"\nit goes on without you: casebridge backfill show {found['id']} --follow")
        raise SystemExit(INTERRUPTED) from None
    _show(display, found)
    if found["state"] != "done":
        raise Refused(f"the backfill is {found['state']}: {found['note'] or 'resume it to go on'}")
    if found["dead"]:
        raise Refused(
            f"{found['dead']} tickets are dead letters; mend the cause that `casebridge connector"
            f" show {found['connector_id']}` tells, then `casebridge replay connector`"
        )


def _watch(
    service: ServiceClient, display: Display, found: dict[str, Any], heed: Callable[[], None]
) -> dict[str, Any]:
    from rich.progress import BarColumn, Progress, TextColumn

    console = display.console()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[words]}", markup=False),
    )
    hidden = display.as_json or not console.is_terminal
    if not display.as_json:
        text = f"{found['id']} goes on without this command; Ctrl-C only ends it."
        click.echo(text, err=True)
    with Progress(*columns, console=console, disable=hidden) as progress:
        task = progress.add_task(found["connector_name"], **_bar(found))
        while found["state"] == "running":
            heed()
            time.sleep(_LOOK_EVERY_SECONDS)
            found = service.get(f"/v1/backfills/{found['id']}")
            progress.update(task, **_bar(found))
        return found


def _bar(found: dict[str, Any]) -> dict[str, Any]:
    over = found["minted"] + found["dead"]
    return {"completed": over, "total": over + found["left"], "words": _words(found)}


def _words(found: dict[str, Any]) -> str:
    parts = [f"{found['under_way']} under way"]
    parts += [f"{found[name]} {name}" for name in ("failing", "dead") if found[name]]
    if found["waiting_for"]:
        parts.append(f"waiting: {found['waiting_for']}")
    elif found["seconds_left"]:
        parts.append(f"{lasting(found['seconds_left'])} left")
    return ", ".join(parts)
