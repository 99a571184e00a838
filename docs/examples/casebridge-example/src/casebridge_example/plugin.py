"""The hooks of the acme plugin: everything a vendor needs, in one module without state."""

from __future__ import annotations

from typing import Any, Final

import casebridge_core as cb
from casebridge_core import CaseStatus
from casebridge_core.documents import describe, plain_text, shorten
from casebridge_core.http import VendorApi

CAPABILITIES: Final = frozenset(cb.Capability) - {
    cb.Capability.LIST_CHANGES,
    cb.Capability.INBOUND_ASSIGNEE,
    cb.Capability.INBOUND_COMMENTS,
}
STATUSES: Final = cb.StatusMap(
    outbound={
        CaseStatus.OPEN: "Open",
        CaseStatus.TRIAGE: "Working",
        CaseStatus.CONTAINED: "Working",
        CaseStatus.RESOLVED: "Solved",
        CaseStatus.CLOSED: "Solved",
    },
    inbound={"Open": CaseStatus.OPEN, "Working": CaseStatus.TRIAGE, "Solved": CaseStatus.RESOLVED},
)


class AcmeConfig(cb.ConnectorConfig, frozen=True, kw_only=True):
    """Where acme is, and the token of the account that Casebridge uses there."""

    token: cb.Secret


Acme = cb.Connector[AcmeConfig]


@cb.hookimpl
def itsm_declare_connector() -> cb.ConnectorManifest:
    """Declare acme."""
    return cb.ConnectorManifest(
        vendor="acme",
        title="Acme Tracker",
        capabilities=CAPABILITIES,
        config_type=AcmeConfig,
        known_statuses=tuple(cb.NativeStatus(name=name) for name in STATUSES.inbound),
    )


def api(connector: Acme) -> VendorApi:
    """Bind the connector's HTTP client to its credential."""
    headers = {"Authorization": f"Bearer {connector.config.token.reveal()}"}
    return VendorApi(connector.http, connector.config.base_url, headers=headers)


def ticket_from(connector: Acme, told: dict[str, Any]) -> cb.Ticket:
    """Read acme's JSON of a ticket."""
    url = f"{connector.config.base_url}/tickets/{told['id']}"
    return cb.Ticket(
        ref=cb.TicketRef(external_id=told["id"], key=f"ACME-{told['id']}", url=url),
        status=cb.NativeStatus(name=told["status"]),
        correlation_key=told.get("key"),
    )


@cb.hookimpl
async def itsm_push_case(connector: Acme, projection: cb.CaseProjection) -> cb.PushResult:
    """Create a ticket; acme takes the correlation key as the ticket's ``key``."""
    ticket = {
        "key": projection.correlation_key,
        "title": shorten(projection.title, 200),
        "text": plain_text(describe(projection)),
        "urgent": projection.severity in {cb.Severity.CRITICAL, cb.Severity.HIGH},
    }
    told = await api(connector).request("POST", "/tickets", payload=ticket)
    return cb.PushResult(ticket=ticket_from(connector, told))


@cb.hookimpl
async def itsm_find_ticket(connector: Acme, correlation_key: str) -> tuple[cb.Ticket, ...]:
    """Search by ``key``."""
    told = await api(connector).request("GET", "/tickets", params={"key": correlation_key})
    return tuple(ticket_from(connector, ticket) for ticket in told)


@cb.hookimpl
async def itsm_fetch_ticket(connector: Acme, ticket: cb.TicketRef) -> cb.Ticket:
    """Read a ticket."""
    path = f"/tickets/{ticket.external_id}"
    return ticket_from(connector, await api(connector).request("GET", path))


@cb.hookimpl
def itsm_map_outbound_status(status: CaseStatus) -> str | None:
    """Translate a case status."""
    return STATUSES.native_for(status)


@cb.hookimpl
async def itsm_push_status_change(
    connector: Acme, ticket: cb.TicketRef, change: cb.StatusChange
) -> cb.Ticket:
    """Set the status, and read back what came of it."""
    path = f"/tickets/{ticket.external_id}"
    await api(connector).request("PATCH", path, payload={"status": change.native})
    return ticket_from(connector, await api(connector).request("GET", path))


@cb.hookimpl
async def itsm_push_comment(
    connector: Acme, ticket: cb.TicketRef, comment: cb.ProjectedComment
) -> cb.CommentRef:
    """Post a comment under its key."""
    path = f"/tickets/{ticket.external_id}/comments"
    payload = {"key": comment.key, "text": comment.text}
    told = await api(connector).request("POST", path, payload=payload)
    return cb.CommentRef(external_id=told["id"])


@cb.hookimpl
async def itsm_find_comment(
    connector: Acme, ticket: cb.TicketRef, key: str
) -> tuple[cb.CommentRef, ...]:
    """Look through the ticket's comments."""
    told = await api(connector).request("GET", f"/tickets/{ticket.external_id}/comments")
    return tuple(cb.CommentRef(external_id=c["id"]) for c in told if c["key"] == key)


@cb.hookimpl
def itsm_detect_inbound(delivery: cb.Delivery) -> cb.TicketEvent | None:
    """Recognise acme's webhook by its one field."""
    match delivery.payload:
        case {"acme": {"ticket": str(ticket), "status": str(status), "by": str(account)}}:
            native, actor = cb.NativeStatus(name=status), cb.Person(id=account)
            return cb.TicketEvent(vendor="acme", external_id=ticket, status=native, actor=actor)
        case _:
            return None


@cb.hookimpl
def itsm_map_inbound_status(status: cb.NativeStatus) -> tuple[CaseStatus, ...] | None:
    """Translate a native status."""
    return STATUSES.meanings_of(status)


@cb.hookimpl
def itsm_setup_guide(connector: Acme, inbox: cb.InboxAddress) -> str:
    """Tell where the webhook's address goes."""
    return f"Add a webhook to `{inbox.url}` on {connector.config.base_url}/settings/webhooks."
