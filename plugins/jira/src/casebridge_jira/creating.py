"""Minting an issue: the projection becomes fields, and the key is stamped as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casebridge_core import (
    CaseProjection,
    DestinationNotFound,
    InvalidRequest,
    NativeStatus,
    PushError,
    PushResult,
    Ticket,
)
from casebridge_jira.fields import correlation_property, issue_fields, remote_link
from casebridge_jira.tickets import ticket_ref

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient

_DESTINATION: Final = frozenset({"project", "issuetype"})
_UNREAD: Final = NativeStatus(name="not read yet")


async def create_ticket(client: JiraClient, projection: CaseProjection) -> PushResult:
    """Create the issue, link it back to the case, and read it.

    Nothing that fails after the issue is there fails the push: it becomes a note.

    Raises:
        PushError: the issue was not created, or, with OutcomeUnknown, may have been.
    """
    notes: list[str] = []
    external_id, key = await _create(client, projection, notes)
    try:
        await client.link(external_id, remote_link(projection))
    except PushError as error:
        notes.append(f"link back to the case left out: {error}")
    try:
        ticket = await client.ticket(external_id)
    except PushError as error:
        notes.append(f"created, but not read back: {error}")
        ref = ticket_ref(external_id, key, client.config.base_url)
        ticket = Ticket(ref=ref, status=_UNREAD, correlation_key=projection.correlation_key)
    return PushResult(ticket=ticket, notes=tuple(notes))


async def _create(
    client: JiraClient, projection: CaseProjection, notes: list[str]
) -> tuple[str, str]:
    fields, properties = issue_fields(client.config, projection), [correlation_property(projection)]
    if "priority" in fields:
        fields["priority"] = await _live_priority(client, fields["priority"])
    try:
        return await client.create(fields, properties)
    except InvalidRequest as refusal:
        if set(refusal.fields) == {"priority"}:
            notes.append("priority left out: Jira does not take it on this project's create screen")
            del fields["priority"]
            return await client.create(fields, properties)
        raise await _explained(client, refusal) from refusal


async def _live_priority(client: JiraClient, chosen: dict[str, str]) -> dict[str, str]:
    """Return a priority by its id: names are translated for the account, ids are not.

    One that the live list lacks stays as it is, and Jira's answer decides.
    """
    if "id" in chosen:
        return chosen
    try:
        listed = await client.priorities()
    except PushError:
        return chosen
    wanted = chosen["name"].casefold()
    found = next((number for number, name in listed if name.casefold() == wanted), None)
    return {"id": found} if found is not None else chosen


async def _explained(client: JiraClient, refusal: InvalidRequest) -> PushError:
    """Return what a refused create means; an anonymous caller is told that the project is wrong."""
    if _DESTINATION & set(refusal.fields):
        await client.account()
        return DestinationNotFound(
            f"{refusal}; check the project {client.config.project} and its issue type"
            f" {client.config.issue_type}"
        )
    if "labels" in refusal.fields:
        return InvalidRequest(
            f"{refusal}; add the field Labels to the create screen: tickets are found by it",
            fields=refusal.fields,
        )
    return refusal
