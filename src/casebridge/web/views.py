"""What the API shows: frozen structs made from rows. Public ids only, times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from casebridge.persistence.cases import AnnotationRow, CaseRow, ContainmentActionRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.case_detail import CaseDetail
from casebridge_core import CaseStatus, Entity, Severity


class AssigneeView(msgspec.Struct, frozen=True, kw_only=True):
    """Who works on the ticket, as the vendor tells; Casebridge only remembers it."""

    id: str
    name: str | None = None
    email: str | None = None


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """A containment action."""

    id: str
    action: str
    target: str
    outcome: str
    at: datetime

    @classmethod
    def of(cls, row: ContainmentActionRow) -> ActionView:
        """Show a row."""
        return cls(
            id=row.public_id, action=row.action, target=row.target, outcome=row.outcome, at=row.at
        )


class FailureView(msgspec.Struct, frozen=True, kw_only=True):
    """Why the last attempt failed; ``next_try_at`` is None when nobody tries again by itself."""

    kind: str
    reason: str
    at: datetime | None
    attempts: int
    next_try_at: datetime | None
    dead: bool


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A case's ticket at one connector. ``key`` and ``url`` are None until it is minted.

    ``state`` is one of pending (not minted yet), syncing (work is under way or due), linked (the
    ticket says what the case says), failing, dead (nobody tries again by itself), paused, gone
    (deleted at the vendor, at ``gone_at``). ``assignee`` is who has this very ticket.
    """

    id: str
    connector_id: str
    connector_name: str
    vendor: str
    state: str
    key: str | None
    external_id: str | None
    url: str | None
    status: str | None
    last_pushed_status: str | None
    last_inbound_status: str | None
    last_pushed_at: datetime | None
    last_inbound_at: datetime | None
    assignee: AssigneeView | None
    gone_at: datetime | None
    failure: FailureView | None

    @classmethod
    def of(cls, ref: RefRow, connector: ConnectorRow) -> TicketView:
        """Show a ref."""
        return cls(
            id=ref.public_id,
            connector_id=connector.public_id,
            connector_name=connector.name,
            vendor=ref.vendor,
            state=_state(ref, connector),
            key=ref.external_key,
            external_id=ref.external_id,
            url=ref.external_url,
            status=ref.ticket_status,
            last_pushed_status=ref.last_pushed_status,
            last_inbound_status=ref.last_inbound_status,
            last_pushed_at=ref.last_pushed_at,
            last_inbound_at=ref.last_inbound_at,
            assignee=_assignee(ref.assignee_id, ref.assignee_name, ref.assignee_email),
            gone_at=ref.gone_at,
            failure=failure_of(ref, paused=connector.paused_at is not None),
        )


class AnnotationView(msgspec.Struct, frozen=True, kw_only=True):
    """A human's comment at the vendor.

    ``internal`` is None where the vendor does not tell whether the ticket's customer sees it. A
    comment that was deleted before its text was heard of has an empty one.
    """

    id: str
    author: str | None
    text: str
    internal: bool | None
    written_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None

    @classmethod
    def of(cls, row: AnnotationRow) -> AnnotationView:
        """Show a row."""
        return cls(
            id=row.public_id,
            author=row.author_name or row.author_id,
            text=row.text,
            internal=row.internal,
            written_at=row.written_at,
            edited_at=row.edited_at,
            deleted_at=row.deleted_at,
        )


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case without what hangs on it."""

    id: str
    title: str
    summary: str
    agent_summary: str | None
    severity: Severity
    severity_initial: Severity
    status: CaseStatus
    version: int
    deep_link: str
    detection_rules: list[str]
    raw_events: list[str]
    entities: list[Entity]
    assignee: AssigneeView | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def fields_of(cls, row: CaseRow) -> dict[str, Any]:
        """Return the fields that a row fills."""
        return {
            "id": row.public_id,
            "title": row.title,
            "summary": row.summary,
            "agent_summary": row.agent_summary,
            "severity": Severity(row.severity),
            "severity_initial": Severity(row.severity_initial),
            "status": CaseStatus(row.status),
            "version": row.version,
            "deep_link": row.deep_link,
            "detection_rules": list(row.detection_rules),
            "raw_events": list(row.raw_events),
            "entities": msgspec.convert(row.entities, list[Entity]),
            "assignee": _assignee(row.assignee_id, row.assignee_name, row.assignee_email),
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }

    @classmethod
    def of(cls, row: CaseRow) -> CaseView:
        """Show a row."""
        return cls(**cls.fields_of(row))


class CaseDetailView(CaseView, frozen=True, kw_only=True):
    """A case with its tickets, containment actions and annotations."""

    tickets: list[TicketView]
    containment_actions: list[ActionView]
    annotations: list[AnnotationView]

    @classmethod
    def of_detail(cls, detail: CaseDetail) -> CaseDetailView:
        """Show a case in full."""
        return cls(
            **cls.fields_of(detail.case),
            tickets=[TicketView.of(ref, connector) for ref, connector in detail.refs],
            containment_actions=[ActionView.of(row) for row in detail.actions],
            annotations=[AnnotationView.of(row) for row in detail.annotations],
        )


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline; ``event_id`` is the stored webhook that it comes from."""

    at: datetime
    kind: str
    actor_label: str
    text: str
    event_id: str | None
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: TimelineRow, event_id: str | None) -> TimelineView:
        """Show a row."""
        return cls(
            at=row.at,
            kind=row.kind,
            actor_label=row.actor_label,
            text=row.text,
            event_id=event_id,
            detail=row.detail,
        )


def failure_of(ref: RefRow, *, paused: bool = False) -> FailureView | None:
    """Return the failure that a ref stands at, if it does; nobody tries while it is paused."""
    if ref.last_error is None:
        return None
    return FailureView(
        kind=ref.last_error_kind or "",
        reason=ref.last_error,
        at=ref.last_error_at,
        attempts=ref.attempts,
        next_try_at=None if paused else ref.due_at,
        dead=ref.dead_at is not None,
    )


def _assignee(id: str | None, name: str | None, email: str | None) -> AssigneeView | None:  # noqa: A002 - the view's word
    return AssigneeView(id=id, name=name, email=email) if id is not None else None


def _state(ref: RefRow, connector: ConnectorRow) -> str:
    if ref.gone_at is not None:
        return "gone"
    if ref.dead_at is not None:
        return "dead"
    if connector.paused_at is not None:
        return "paused"
    if ref.last_error is not None:
        return "failing"
    if ref.external_id is None:
        return "pending"
    return "linked" if ref.due_at is None and ref.lease_token is None else "syncing"
