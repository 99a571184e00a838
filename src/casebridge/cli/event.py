"""`casebridge event`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display

_PATH = "/v1/inbox-events"
_COLUMNS = {
    "id": "ID",
    "received_at": "RECEIVED",
    "vendor": "VENDOR",
    "external_id": "TICKET",
    "native_status": "STATUS",
    "outcome": "OUTCOME",
    "replay_of": "REPLAY OF",
}
_CARD = {
    "id": "id",
    "received_at": "received",
    "vendor": "vendor",
    "connector_id": "connector",
    "token_id": "token",
    "scheme": "proven by",
    "external_id": "vendor's ticket id",
    "native_status": "status",
    "case_id": "case",
    "ticket_id": "ticket",
    "delivery_id": "delivery id",
    "outcome": "outcome",
    "detail": "detail",
    "replay_of": "replay of",
    "replays": "replays",
    "purged_at": "payload purged",
}


class Moment(click.ParamType[str]):
    """A moment in UTC, or with a zone of its own."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the moment with its zone."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a moment such as 2026-03-01T08:00Z", param, ctx)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.isoformat()


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which events."""
    options = (
        click.option(
            "--connector", shell_complete=connector_names, help="Of this connector; its id or name."
        ),
        click.option("--vendor", help="Of this vendor, such as jira."),
        click.option("--applied/--not-applied", default=None, help="What became of it."),
        click.option("--reason", help="Why nothing was applied, such as unlinked_ticket."),
        click.option("--case", help="Of this case."),
        click.option("--token", help="Delivered with this inbox token."),
        click.option("--ticket", help="Of this ticket (ref_…)."),
        click.option("--external-id", help="Of the ticket with this id at the vendor."),
        click.option("--since", type=Moment(), help="Received then or later; UTC unless said."),
        click.option("--until", type=Moment(), help="Received before then."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(epilog=EXIT_CODES)
def event() -> None:
    """Stored events: what vendors delivered, what became of it, and once more."""


@event.command("list", epilog=EXIT_CODES)
@_filters
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most.")
@calls_service
def list_events(service: ServiceClient, display: Display, /, limit: int, **given: Any) -> None:  # noqa: ANN401 - options
    """List events, newest first."""
    found = service.pages(_PATH, limit=limit, **_asked(service, given))
    rows = found if display.as_json else [_with_outcome(each) for each in found]
    display.table(rows, _COLUMNS, empty="There is no such event.")


@event.command(epilog=EXIT_CODES)
@click.argument("event_id", metavar="EVENT")
@calls_service
def show(service: ServiceClient, display: Display, event_id: str) -> None:
    """Show an event with its headers and its body."""
    found = service.get(f"{_PATH}/{event_id}")
    display.card(found if display.as_json else _with_outcome(found), _CARD)
    headers = [{"name": name, "value": value} for name, value in (found["headers"] or {}).items()]
    display.section("Headers", headers, {"name": "NAME", "value": "VALUE"})
    body = found["body"] if found["body"] is not None else found["body_base64"]
    if body:
        display.note(f"\nBody{'' if found['body'] is not None else ' (base64)'}\n{body}")


@event.command(epilog=EXIT_CODES)
@click.argument("event_id", metavar="[EVENT]", required=False)
@_filters
@calls_service
def replay(
    service: ServiceClient,
    display: Display,
    /,
    event_id: str | None,
    **given: Any,  # noqa: ANN401
) -> None:
    """Decide an event again on what is known now, or every open one of a filter.

    What is stale stays stale. Open are events of which nothing was applied and that no replay has
    dealt with for good. A filter needs an API key with the scope admin.
    """
    asked = {name: value for name, value in _asked(service, given).items() if value is not None}
    if (event_id is None) == (not asked):
        raise click.UsageError("name either an event or what to filter by")
    if event_id is not None:
        made = service.post(f"{_PATH}/{event_id}/replay")
        display.sentence(made, f"{event_id}: {_with_outcome(made)['outcome']} ({made['id']})")
        return
    total = {"replayed": 0, "applied": 0}
    reasons: Counter[str] = Counter()
    cursor = None
    while True:
        report = service.post(f"{_PATH}/replay", {**asked, "cursor": cursor})
        total = {name: count + report[name] for name, count in total.items()}
        reasons.update(report["reasons"])
        cursor = report["next_cursor"]
        if cursor is None:
            break
    kept = "".join(f", {count} {reason}" for reason, count in sorted(reasons.items()))
    sentence = f"{total['replayed']} replayed: {total['applied']} applied{kept}"
    display.sentence({**total, "reasons": dict(reasons)}, sentence)


def _asked(service: ServiceClient, given: dict[str, Any]) -> dict[str, Any]:
    connector = given["connector"]
    return {
        "connector_id": None if connector is None else service.connector_id(connector),
        "vendor": given["vendor"],
        "applied": given["applied"],
        "reason": given["reason"],
        "case_id": given["case"],
        "token_id": given["token"],
        "ticket_id": given["ticket"],
        "external_id": given["external_id"],
        "since": given["since"],
        "until": given["until"],
    }


def _with_outcome(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "outcome": "applied" if event["applied"] else event["reason"]}
