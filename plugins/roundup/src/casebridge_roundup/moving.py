"""Bringing an issue to a status: one change, which the tracker's auditors may refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    InvalidRequest,
    PermissionDenied,
    PushError,
    StatusChange,
    Ticket,
    TicketRef,
    TransitionRejected,
    VendorUnavailable,
)
from casebridge_roundup.tickets import TICKET_FIELDS, read_text, read_ticket

if TYPE_CHECKING:
    from casebridge_roundup.client import RoundupClient

_ATTEMPTS: Final = 3


async def move_ticket(client: RoundupClient, ref: TicketRef, change: StatusChange) -> Ticket:
    """Move the issue and read it back; one that is there already is left alone.

    A workflow is Python code in the tracker, so that no other way can be looked for: a refusal is
    final, forced or not.

    Raises:
        TransitionRejected: an auditor refuses the change or makes another one of it, or the
            tracker has no such status.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        item = await client.issue(ref.external_id, TICKET_FIELDS)
        ticket = read_ticket(client.config, {**item.attributes, "id": item.id})
        if ticket.status.matches(change.native):
            return ticket
        try:
            await client.change(item, {"status": change.native})
        except VendorUnavailable:
            if attempt == _ATTEMPTS:
                raise
        except PermissionDenied:
            raise
        except InvalidRequest as refusal:
            raise await _explained(client, change, refusal) from refusal
        else:
            break
    moved = await client.ticket(ref.external_id)
    if not moved.status.matches(change.native):
        raise TransitionRejected(
            f"{ref.key} was moved to {change.native} and is {moved.status.name}: an auditor of the"
            " tracker changed it"
        )
    return moved


async def _explained(
    client: RoundupClient, change: StatusChange, refusal: InvalidRequest
) -> TransitionRejected:
    """Return what a refused change means; for an unknown status, with those that there are."""
    known: list[str] = []
    if "is not a" in str(refusal):
        try:
            rows = await client.names("status")
        except PushError:
            rows = []
        known = [name for row in rows if (name := read_text(row.get("name")))]
    return TransitionRejected(
        f"the tracker refuses {change.native}: {refusal}", allowed=tuple(known)
    )
