"""Minting an issue: a first message that carries the key, and the issue that holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CaseProjection,
    InvalidRequest,
    PermissionDenied,
    PushError,
    PushResult,
    Ticket,
)
from casebridge_core.templates import fill
from casebridge_roundup.message_ids import ticket_message_id
from casebridge_roundup.statuses import NO_STATUS
from casebridge_roundup.tickets import read_ticket, ticket_ref
from casebridge_roundup.wording import text_of, title_of

if TYPE_CHECKING:
    from casebridge_roundup.client import RoundupClient

_PRIORITY: Final = "priority"


async def create_ticket(client: RoundupClient, projection: CaseProjection) -> PushResult:
    """Create the issue and read it.

    A message that is stored and whose issue is not stays out of sight: it is no ticket.

    Raises:
        PushError: the issue was not created, or, with OutcomeUnknown, may have been.
    """
    notes: list[str] = []
    message = await client.create_message(
        ticket_message_id(projection.correlation_key), text_of(projection)
    )
    issue_id = await _create(client, projection, message, notes)
    try:
        ticket = await client.ticket(issue_id)
    except PushError as error:
        notes.append(f"created, but not read back: {error}")
        ticket = Ticket(ref=ticket_ref(client.config, issue_id), status=NO_STATUS)
    return PushResult(ticket=ticket, notes=tuple(notes))


async def find_tickets(client: RoundupClient, correlation_key: str) -> tuple[Ticket, ...]:
    """Return the issues whose first message carries the key, oldest first."""
    messages = await client.message_ids(ticket_message_id(correlation_key))
    if not messages:
        return ()
    rows = await client.issues({"messages": ",".join(messages)})
    tickets = (read_ticket(client.config, row, correlation_key) for row in rows)
    return tuple(sorted(tickets, key=lambda ticket: int(ticket.ref.external_id)))


async def _create(
    client: RoundupClient, projection: CaseProjection, message: str, notes: list[str]
) -> str:
    config = client.config
    extra = {name: fill(text, projection) for name, text in config.extra_fields.items()}
    issue: dict[str, object] = {**extra, "title": title_of(projection), "messages": [message]}
    priority = config.priority_of(projection.severity)
    if not priority:
        return await client.create_issue(issue)
    try:
        return await client.create_issue({**issue, _PRIORITY: priority})
    except PermissionDenied:
        raise
    except InvalidRequest as refusal:
        if _PRIORITY not in str(refusal).casefold():
            raise
        notes.append(f"priority left out: this tracker has no priority {priority}")
        return await client.create_issue(issue)
