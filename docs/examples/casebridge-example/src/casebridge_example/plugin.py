"""The hooks of the acme plugin: everything a vendor needs, in one module without state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

import casebridge_core as cb
from casebridge_core import CaseStatus
from casebridge_core.comments import key_in, marked
from casebridge_core.documents import describe, plain_text, shorten
from casebridge_core.http import VendorApi


class AcmeConfig(cb.ConnectorConfig, frozen=True, kw_only=True):
    """Where acme is, and the token of the account that Casebridge uses there."""

    token: Annotated[cb.Secret, msgspec.Meta(title="API token", description="Acme: Settings, API.")]


Acme = cb.Connector[AcmeConfig]


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


@cb.hookimpl
def itsm_declare_connector() -> cb.ConnectorManifest:
    """Declare acme, which can do all that the contract knows."""
    return cb.ConnectorManifest(
        vendor="acme",
        title="Acme Tracker",
        capabilities=frozenset(cb.Capability),
        config_type=AcmeConfig,
        known_statuses=tuple(cb.NativeStatus(name=name) for name in STATUSES.inbound),
    )


Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Told(msgspec.Struct):
    """A ticket as acme tells it."""

    id: int
    status: str
    changed: Moment
    key: str | None = None
    owner: str | None = None


def api(connector: Acme) -> VendorApi:
    """Bind the connector's HTTP client to its credential."""
    headers = {"Authorization": f"Bearer {connector.config.token.reveal()}"}
    return VendorApi(connector.http, connector.config.base_url, headers=headers)


def path(ticket: cb.TicketRef) -> str:
    """Return where a ticket is."""
    return f"/tickets/{ticket.external_id}"


def person(account: str | None) -> cb.Person | None:
    """Put an account of acme's into the contract's words."""
    return cb.Person(id=account) if account else None


def ticket_from(connector: Acme, told: Told) -> cb.Ticket:
    """Put acme's ticket into the contract's words."""
    url = f"{connector.config.base_url}/tickets/{told.id}/page"
    return cb.Ticket(
        ref=cb.TicketRef(external_id=str(told.id), key=f"ACME-{told.id}", url=url),
        status=cb.NativeStatus(name=told.status),
        correlation_key=told.key,
        assignee=person(told.owner),
        updated_at=told.changed,
    )


@cb.hookimpl
async def itsm_push_case(connector: Acme, projection: cb.CaseProjection) -> cb.PushResult:
    """Create a ticket; acme takes the correlation key as the ticket's ``key``."""
    ticket = {
        "key": projection.correlation_key,
        "title": shorten(" ".join(projection.title.split()), 200),
        "text": plain_text(describe(projection)),
        "urgent": projection.severity in {cb.Severity.CRITICAL, cb.Severity.HIGH},
    }
    told = await api(connector).request_as(Told, "POST", "/tickets", payload=ticket)
    return cb.PushResult(ticket=ticket_from(connector, told))


@cb.hookimpl
async def itsm_find_ticket(connector: Acme, correlation_key: str) -> tuple[cb.Ticket, ...]:
    """Search by ``key``."""
    params = {"key": correlation_key}
    found = await api(connector).request_as(list[Told], "GET", "/tickets", params=params)
    return tuple(ticket_from(connector, told) for told in found)


@cb.hookimpl
async def itsm_fetch_ticket(connector: Acme, ticket: cb.TicketRef) -> cb.Ticket:
    """Read a ticket."""
    return ticket_from(connector, await api(connector).request_as(Told, "GET", path(ticket)))


@cb.hookimpl
def itsm_map_outbound_status(status: CaseStatus) -> str | None:
    """Translate a case status."""
    return STATUSES.native_for(status)


@cb.hookimpl
async def itsm_push_status_change(
    connector: Acme, ticket: cb.TicketRef, change: cb.StatusChange
) -> cb.Ticket:
    """Set the status, unless it is that already, and read back what came of it."""
    now = await itsm_fetch_ticket(connector, ticket)
    if now.status.matches(change.native):
        return now
    await api(connector).request("PATCH", path(ticket), payload={"status": change.native})
    return await itsm_fetch_ticket(connector, ticket)


class Note(msgspec.Struct):
    """A comment as acme tells it."""

    id: int
    text: str
    author: str


@cb.hookimpl
async def itsm_push_comment(
    connector: Acme, ticket: cb.TicketRef, comment: cb.ProjectedComment
) -> cb.CommentRef:
    """Post a comment that ends in its key."""
    address, payload = f"{path(ticket)}/comments", {"text": marked(comment, 10_000)}
    note = await api(connector).request_as(Note, "POST", address, payload=payload)
    return cb.CommentRef(external_id=str(note.id))


@cb.hookimpl
async def itsm_find_comment(
    connector: Acme, ticket: cb.TicketRef, key: str
) -> tuple[cb.CommentRef, ...]:
    """Look through the ticket's comments."""
    notes = await api(connector).request_as(list[Note], "GET", f"{path(ticket)}/comments")
    return tuple(cb.CommentRef(external_id=str(n.id)) for n in notes if key_in(n.text) == key)


class Hook(msgspec.Struct):
    """A webhook of acme: what happened to a ticket, and who did it."""

    ticket: Told
    by: str
    at: Moment
    changes: tuple[str, ...] = ()
    comment: Note | None = None
    deleted: bool = False


def event_from(
    told: Told, at: datetime, news: tuple[str, ...] = ("status", "owner")
) -> cb.TicketEvent:
    """Put a ticket into the words of an event, which tells of what is news and of nothing else."""
    return cb.TicketEvent(
        vendor="acme",
        external_id=str(told.id),
        status=cb.NativeStatus(name=told.status) if "status" in news else None,
        assignee=person(told.owner) if "owner" in news else msgspec.UNSET,
        occurred_at=at,
    )


def comment_from(note: Note) -> cb.InboundComment:
    """Put acme's comment into the contract's words; comments cannot be edited there."""
    return cb.InboundComment(
        external_id=str(note.id),
        action=cb.CommentAction.CREATED,
        text=note.text,
        author=person(note.author),
        key=key_in(note.text),
    )


@cb.hookimpl
def itsm_detect_inbound(delivery: cb.Delivery) -> cb.TicketEvent | None:
    """Recognise acme's webhook by its one field."""
    try:
        hook = msgspec.convert(delivery.payload.get("acme"), Hook)
    except msgspec.ValidationError:
        return None
    notes = tuple(comment_from(note) for note in (hook.comment,) if note)
    more = {"actor": person(hook.by), "comments": notes, "deleted": hook.deleted}
    return msgspec.structs.replace(event_from(hook.ticket, hook.at, hook.changes), **more)


@cb.hookimpl
def itsm_map_inbound_status(status: cb.NativeStatus) -> tuple[CaseStatus, ...] | None:
    """Translate a native status."""
    return STATUSES.meanings_of(status)


@cb.hookimpl
async def itsm_identify_account(connector: Acme) -> cb.Person:
    """Ask acme who we are."""
    return await api(connector).request_as(cb.Person, "GET", "/me")


@cb.hookimpl
async def itsm_list_changes(connector: Acme, since: datetime) -> cb.ChangePage:
    """List what changed, all at once: acme has no pages."""
    params = {"changed_since": since.isoformat()}
    found = await api(connector).request_as(list[Told], "GET", "/tickets", params=params)
    return cb.ChangePage(events=tuple(event_from(told, told.changed) for told in found))


@cb.hookimpl
def itsm_setup_guide(connector: Acme, inbox: cb.InboxAddress) -> str:
    """Tell where the webhook's address goes."""
    return f"Add a webhook to `{inbox.url}` on {connector.config.base_url}/settings/webhooks."
