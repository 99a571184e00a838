"""Minting an issue: the projection becomes fields, and the key is stamped as a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from casebridge_core import (
    CaseProjection,
    DestinationNotFound,
    InvalidRequest,
    NativeStatus,
    PushError,
    PushResult,
    Ticket,
)
from casebridge_core.documents import describe
from casebridge_jira import adf, wiki
from casebridge_jira.templates import fill
from casebridge_jira.tickets import PROPERTY, ticket_ref
from casebridge_jira.wording import one_line, summary_of

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient
    from casebridge_jira.config import JiraConfig

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


def issue_fields(config: JiraConfig, projection: CaseProjection) -> dict[str, Any]:
    """Return the ``fields`` of the create request.

    Source: Atlassian, Jira Cloud REST v3 and Jira Data Center REST v2, Create issue.
    """
    blocks = describe(projection)
    return {
        **{name: fill(value, projection) for name, value in config.fields.items()},
        "project": {"key": config.project},
        "issuetype": _by_name_or_id(config.issue_type),
        "summary": summary_of(projection.title, fallback=f"Case {projection.case_id}"),
        "description": adf.document(blocks) if config.is_cloud else wiki.document(blocks),
        "labels": list(dict.fromkeys((projection.correlation_key, *config.labels))),
        **_priority(config, projection),
    }


def correlation_property(projection: CaseProjection) -> dict[str, Any]:
    """Return the issue property that says which case this is, beside the label."""
    return {"key": PROPERTY, "value": {"correlation_key": projection.correlation_key}}


def remote_link(projection: CaseProjection) -> dict[str, Any]:
    """Return the link back to the case; the global id makes a repetition an update.

    Source: Atlassian, Jira Cloud REST v3, Issue remote links.
    """
    return {
        "globalId": projection.correlation_key,
        "application": {"name": "Casebridge"},
        "relationship": "security case",
        "object": {
            "url": projection.deep_link,
            "title": summary_of(projection.title, fallback=one_line(projection.case_id)),
        },
    }


async def _create(
    client: JiraClient, projection: CaseProjection, notes: list[str]
) -> tuple[str, str]:
    fields, properties = issue_fields(client.config, projection), [correlation_property(projection)]
    try:
        return await client.create(fields, properties)
    except InvalidRequest as refusal:
        if set(refusal.fields) == {"priority"}:
            notes.append("priority left out: Jira does not take it on this project's create screen")
            del fields["priority"]
            return await client.create(fields, properties)
        raise await _explained(client, refusal) from refusal


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


def _priority(config: JiraConfig, projection: CaseProjection) -> dict[str, Any]:
    chosen = config.priorities.get(projection.severity)
    return {"priority": _by_name_or_id(chosen)} if chosen else {}


def _by_name_or_id(text: str) -> dict[str, str]:
    return {"id": text.strip()} if text.strip().isdecimal() else {"name": text.strip()}
