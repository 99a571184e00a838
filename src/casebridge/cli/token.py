"""`casebridge token`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from casebridge.cli.calling import EXIT_CODES, ServiceClient, calls_service
from casebridge.cli.completion import connector_names
from casebridge.cli.display import Display

_COLUMNS = {
    "id": "ID",
    "name": "NAME",
    "state": "STATE",
    "strength": "SCHEME",
    "url": "URL",
    "last_used_at": "LAST USED",
    "rotated_at": "ROTATED",
    "expires_at": "EXPIRES",
}
_ISSUED = {
    "id": "id",
    "name": "name",
    "strength": "scheme",
    "connector_id": "connector",
    "url": "url",
    "secret": "secret",
    "expires_at": "expires",
    "previous_secret_until": "secret before is good until",
}


@click.group(epilog=EXIT_CODES)
def token() -> None:
    """Inbox tokens: the right of a vendor to deliver webhooks."""


@token.command(epilog=EXIT_CODES)
@click.argument("name")
@click.option(
    "--connector",
    shell_complete=connector_names,
    help="Take only this connector's webhooks; its id or name.",
)
@click.option(
    "--scheme",
    type=click.Choice(["signature", "static_header", "static_url"]),
    default="signature",
    show_default=True,
    help="How deliveries prove themselves; a static secret is the weaker way.",
)
@click.option("--require-timestamp", is_flag=True, help="Take only signatures over a timestamp.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="When the token ends, in UTC; without it, when it is revoked.",
)
@calls_service
def mint(
    service: ServiceClient,
    display: Display,
    name: str,
    connector: str | None,
    scheme: str,
    require_timestamp: bool,  # noqa: FBT001 - click hands it over by name
    expires: datetime | None,
) -> None:
    """Mint a token; its secret is shown this once."""
    body = {
        "name": name,
        "connector_id": None if connector is None else service.connector_id(connector),
        "scheme": scheme,
        "timestamp_required": require_timestamp,
        "expires_at": None if expires is None else expires.replace(tzinfo=UTC).isoformat(),
    }
    _issued(display, service.post("/v1/inbox-tokens", body))


@token.command("list", epilog=EXIT_CODES)
@calls_service
def list_tokens(service: ServiceClient, display: Display) -> None:
    """List the tokens, those that are over included."""
    tokens = [_shown(display, each) for each in service.get("/v1/inbox-tokens")]
    display.table(tokens, _COLUMNS, empty="There is no inbox token yet.")


@token.command(epilog=EXIT_CODES)
@click.argument("token_id", metavar="TOKEN")
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, 24 * 90),
    default=24.0,
    show_default=True,
    help="How long the secret before stays good.",
)
@calls_service
def rotate(service: ServiceClient, display: Display, token_id: str, overlap_hours: float) -> None:
    """Give a token a new secret; it is shown this once."""
    body = {"overlap_hours": overlap_hours}
    _issued(display, service.post(f"/v1/inbox-tokens/{token_id}/rotate", body))


@token.command(epilog=EXIT_CODES)
@click.argument("token_id", metavar="TOKEN")
@calls_service
def revoke(service: ServiceClient, display: Display, token_id: str) -> None:
    """Revoke a token at once and for ever."""
    service.delete(f"/v1/inbox-tokens/{token_id}")
    display.sentence({"id": token_id, "revoked": True}, f"{token_id} is revoked")


@token.command(epilog=EXIT_CODES)
@click.argument("token_id", metavar="TOKEN")
@click.argument("connector", shell_complete=connector_names)
@calls_service
def guide(service: ServiceClient, display: Display, token_id: str, connector: str) -> None:
    """Read what to paste at the vendor for a token and a connector, in Markdown."""
    path = f"/v1/inbox-tokens/{token_id}/guide/{service.connector_id(connector)}"
    text = service.text(path)
    display.sentence({"guide": text}, text)


def _issued(display: Display, issued: dict[str, Any]) -> None:
    display.card(_shown(display, issued), _ISSUED)
    display.note("\nKeep the secret now: it is not shown again.")
    for warning in issued["warnings"]:
        display.note(f"\n{warning}")


def _shown(display: Display, token: dict[str, Any]) -> dict[str, Any]:
    """Add, for a person, how deliveries prove themselves: a weaker scheme is called that."""
    if display.as_json:
        return token
    scheme = token["scheme"]
    weaker = "" if scheme == "signature" else " (weaker)"
    timestamped = " over a timestamp" if token["timestamp_required"] else ""
    return {**token, "strength": f"{scheme}{weaker}{timestamped}"}
