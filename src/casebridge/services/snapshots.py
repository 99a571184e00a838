"""From rows to the contract's values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import CaseRow, ContainmentActionRow
from casebridge.persistence.connectors import RefRow
from casebridge_core import (
    Case,
    CaseStatus,
    ContainmentAction,
    Entity,
    EntityKind,
    NativeStatus,
    Severity,
    StatusCategory,
    TicketRef,
)


async def containment_actions(
    session: AsyncSession, case: CaseRow
) -> Sequence[ContainmentActionRow]:
    """Return a case's containment actions, oldest first."""
    rows = await session.scalars(
        select(ContainmentActionRow)
        .where(ContainmentActionRow.case_id == case.id)
        .order_by(ContainmentActionRow.id)
    )
    return rows.all()


def case_snapshot(case: CaseRow, actions: Sequence[ContainmentActionRow], *, tenant: str) -> Case:
    """Return the read-only snapshot of a case; ``tenant`` is the tenant's public id."""
    return Case(
        id=case.public_id,
        tenant_id=tenant,
        title=case.title,
        summary=case.summary,
        severity_initial=Severity(case.severity_initial),
        severity=Severity(case.severity),
        status=CaseStatus(case.status),
        deep_link=case.deep_link,
        created_at=case.created_at,
        agent_summary=case.agent_summary,
        detection_rules=tuple(case.detection_rules),
        raw_events=tuple(case.raw_events),
        entities=tuple(
            Entity(kind=EntityKind(entity["kind"]), value=entity["value"])
            for entity in case.entities
        ),
        containment_actions=tuple(
            ContainmentAction(
                id=row.public_id,
                action=row.action,
                target=row.target,
                outcome=row.outcome,
                at=row.at,
            )
            for row in actions
        ),
    )


def ticket_ref(ref: RefRow) -> TicketRef:
    """Return the ticket that a linked ref names."""
    return TicketRef(
        external_id=ref.external_id or "", key=ref.external_key or "", url=ref.external_url or ""
    )


def ticket_status(ref: RefRow) -> NativeStatus | None:
    """Return the newest native status known of the ref's ticket."""
    if ref.ticket_status is None:
        return None
    category = StatusCategory(ref.ticket_category) if ref.ticket_category else None
    return NativeStatus(name=ref.ticket_status, id=ref.ticket_status_id, category=category)


def is_unclear(ref: RefRow) -> bool:
    """Tell whether a push that broke off may have moved the linked ticket without being seen.

    To be asked by whoever holds the claim: for anybody else, a push may just be under way.
    """
    return ref.status_attempted_at is not None or ref.status_unclear_at is not None


def settled_native(ref: RefRow) -> NativeStatus | None:
    """Return the native status on which case and ticket last agreed."""
    if ref.settled_native is None:
        return None
    return NativeStatus(name=ref.settled_native, id=ref.settled_native_id)


def note_ticket_status(ref: RefRow, status: NativeStatus, at: datetime) -> None:
    """Remember the newest native status of the ref's ticket; one that is news makes it clear.

    ``at`` is when, by our clock, the news came in.
    """
    if status.name != ref.ticket_status:
        ref.status_unclear_at = None
    ref.ticket_status = status.name
    ref.ticket_status_id = status.id
    ref.ticket_category = status.category
    ref.status_noted_at = at


def settle(ref: RefRow, case_status: CaseStatus, native: NativeStatus | None) -> None:
    """Note that both sides agree on a case status, and what stands for it at the vendor."""
    ref.settled_status = case_status
    if native is not None:
        ref.settled_native = native.name
        ref.settled_native_id = native.id
