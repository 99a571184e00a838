"""`casebridge case`."""

from __future__ import annotations

from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.case_export import export
from casebridge.cli.display import Display

STATUSES = ("open", "triage", "contained", "resolved", "closed")
SEVERITIES = ("critical", "high", "medium", "low", "informational")
_COLUMNS = {
    "id": "ID",
    "status": "STATUS",
    "severity": "SEVERITY",
    "title": "TITLE",
    "updated_at": "UPDATED",
}
_CARD = {
    "id": "id",
    "title": "title",
    "status": "status",
    "severity": "severity",
    "summary": "summary",
    "agent_summary": "agent's summary",
    "detection_rules": "detection rules",
    "raw_events": "raw events",
    "assignee": "assignee",
    "deep_link": "link",
    "version": "version",
    "created_at": "created",
    "updated_at": "updated",
}
TICKETS = {
    "id": "ID",
    "connector_name": "CONNECTOR",
    "key": "KEY",
    "state": "STATE",
    "status": "STATUS THERE",
    "url": "LINK",
    "reason": "FAILURE",
}


@click.group(epilog=EXIT_CODES)
def case() -> None:
    """Cases: create, show, change the status, list, and read the timeline."""


@case.command(epilog=EXIT_CODES)
@click.argument("title")
@click.option("--summary", default="", help="What happened.")
@click.option("--agent-summary", help="The agent's final summary; a comment on each ticket.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="medium", show_default=True)
@click.option("--status", type=click.Choice(STATUSES), default="open", show_default=True)
@click.option("--rule", "rules", multiple=True, help="A detection rule; may be repeated.")
@click.option("--raw-event", "raw_events", multiple=True, help="A raw event; may be repeated.")
@click.option(
    "--entity", "entities", multiple=True, help="Such as host=web-01 or ip=203.0.113.9; repeatable."
)
@click.option("--deep-link", help="The case's page elsewhere; else the one of this service.")
@calls_service
def create(service: ServiceClient, display: Display, /, **given: Any) -> None:  # noqa: ANN401 - options
    """Create a case; every connector that mints tickets gets one."""
    body = {
        "title": given["title"],
        "summary": given["summary"],
        "agent_summary": given["agent_summary"],
        "severity": given["severity"],
        "status": given["status"],
        "detection_rules": list(given["rules"]),
        "raw_events": list(given["raw_events"]),
        "entities": [_entity(text) for text in given["entities"]],
        "deep_link": given["deep_link"],
    }
    made = service.post("/v1/cases", body)
    tickets = len(made["tickets"])
    display.sentence(made, f"{made['id']} created; {tickets} tickets are on their way")


@case.command(epilog=EXIT_CODES)
@click.argument("case_id", metavar="CASE")
@calls_service
def show(service: ServiceClient, display: Display, case_id: str) -> None:
    """Show a case with its tickets, containment actions and annotations."""
    found = service.get(f"/v1/cases/{case_id}")
    entities = [f"{each['kind']} {each['value']}" for each in found["entities"]]
    display.card(
        found if display.as_json else {**found, "entities": entities},
        {**_CARD, "entities": "entities"},
    )
    display.section("Tickets", [ticket_row(each) for each in found["tickets"]], TICKETS)
    actions = {"at": "AT", "action": "ACTION", "target": "TARGET", "outcome": "OUTCOME"}
    display.section("Containment actions", found["containment_actions"], actions)
    annotations = {"written_at": "AT", "author": "AUTHOR", "text": "TEXT"}
    display.section("Annotations", found["annotations"], annotations)


@case.command(epilog=EXIT_CODES)
@click.argument("case_id", metavar="CASE")
@click.argument("to", metavar="STATUS", type=click.Choice(STATUSES))
@click.option("--reason", default="", help="Why; it stands on the timeline.")
@click.option("--expected-version", type=int, help="Refuse if the case moved on meanwhile.")
@calls_service
def status(
    service: ServiceClient,
    display: Display,
    case_id: str,
    to: str,
    reason: str,
    expected_version: int | None,
) -> None:
    """Change a case's status; its tickets follow."""
    body = {"status": to, "reason": reason, "expected_version": expected_version}
    moved = service.post(f"/v1/cases/{case_id}/status", body)
    display.sentence(moved, f"{case_id} is {moved['status']} (version {moved['version']})")


@case.command("list", epilog=EXIT_CODES)
@click.option("--status", type=click.Choice(STATUSES), help="Only cases of this status.")
@click.option("--assignee", help="Vendor id, display name or e-mail address.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most.")
@calls_service
def list_cases(
    service: ServiceClient, display: Display, status: str | None, assignee: str | None, limit: int
) -> None:
    """List cases, newest first."""
    rows = service.pages("/v1/cases", limit=limit, status=status, assignee=assignee)
    display.table(rows, _COLUMNS, empty="There is no such case.")


@case.command(epilog=EXIT_CODES)
@click.argument("case_id", metavar="CASE")
@click.option("--actor", help="Only rows of this actor, such as 'itsm-webhook (jira)'.")
@click.option("--limit", type=click.IntRange(1), help="At most; all unless given.")
@calls_service
def timeline(
    service: ServiceClient, display: Display, case_id: str, actor: str | None, limit: int | None
) -> None:
    """Read a case's timeline, oldest first."""
    rows = service.pages(f"/v1/cases/{case_id}/timeline", limit=limit, actor_label=actor)
    columns = {"at": "AT", "actor_label": "ACTOR", "text": "WHAT"}
    display.table(rows, columns, empty="The timeline has no such row.")


case.add_command(export)


def ticket_row(ticket: dict[str, Any]) -> dict[str, Any]:
    """Return a ticket with the reason of its failure beside it."""
    return {**ticket, "reason": (ticket["failure"] or {}).get("reason")}


def _entity(text: str) -> dict[str, str]:
    kind, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not KIND=VALUE", param_hint="--entity")
    return {"kind": kind, "value": value}
