"""What is known of a connector's tickets, before anybody reads them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.reconciling import KnownComment, KnownTicket, tells_news
from casebridge.persistence.cases import AnnotationRow, CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.lifecycle import UNCLOSED
from casebridge.services.snapshots import ticket_status
from casebridge_core import TicketEvent, TicketNotFound

MISSING: Final = TicketNotFound.__name__
_PARAMETERS: Final = 1000


def is_missing(ref: RefRow) -> bool:
    """Tell whether the ticket was not there when it was last looked for."""
    return ref.dead_at is not None and ref.last_error_kind == MISSING


async def news_among(
    session: AsyncSession, connector_id: int, account: str | None, events: Sequence[TicketEvent]
) -> list[tuple[int, TicketEvent]]:
    """Return the readings that say something new of a ticket of ours, each with its ref's id.

    ``account`` is the bridge's own at the vendor. Other people's tickets are passed over.
    """
    refs: dict[str | None, RefRow] = {}
    ids = sorted({event.external_id for event in events})
    for start in range(0, len(ids), _PARAMETERS):
        query = select(RefRow).where(
            RefRow.connector_id == connector_id,
            RefRow.external_id.in_(ids[start : start + _PARAMETERS]),
        )
        refs.update({ref.external_id: ref for ref in await session.scalars(query)})
    ours = [
        (ref, event)
        for event in events
        if (ref := refs.get(event.external_id)) is not None
        and (ref.gone_at is None or _is_later(event, ref))
    ]
    comments = await _comments(session, {ref.id for ref, event in ours if event.comments})
    return [
        (ref.id, event)
        for ref, event in ours
        if ref.gone_at is not None or tells_news(event, _known(ref, comments[ref.id]), account)
    ]


def _is_later(event: TicketEvent, ref: RefRow) -> bool:
    """Tell whether a ticket changed after it was deleted: then it was restored."""
    at, gone = event.occurred_at, ref.gone_seen_at
    return at is not None and gone is not None and at > gone


async def has_tickets(session: AsyncSession, connector_id: int) -> bool:
    """Tell whether any ticket of the connector is there to be read."""
    query = select(RefRow.id).where(
        RefRow.connector_id == connector_id,
        RefRow.external_id.is_not(None),
        RefRow.gone_at.is_(None),
    )
    return await session.scalar(query.limit(1)) is not None


async def longest_unread(
    session: AsyncSession, connector_id: int, *, before: datetime, limit: int
) -> Sequence[RefRow]:
    """Return tickets of open cases that were last read before a moment, the oldest first."""
    last = func.coalesce(RefRow.verified_at, RefRow.minted_at)
    query = (
        select(RefRow)
        .join(CaseRow, CaseRow.id == RefRow.case_id)
        .where(_is_open(connector_id), last <= before)
        .order_by(last, RefRow.id)
    )
    return (await session.scalars(query.limit(limit))).all()


async def oldest_open(session: AsyncSession, connector_id: int) -> datetime | None:
    """Return since when the tickets of open cases have been there, None without any.

    It is the earlier of our time and the vendor's, which may differ.
    """
    query = (
        select(func.min(RefRow.minted_at), func.min(RefRow.status_seen_at))
        .join(CaseRow, CaseRow.id == RefRow.case_id)
        .where(_is_open(connector_id))
    )
    moments = (await session.execute(query)).one()
    return min((at for at in moments if at is not None), default=None)


def _is_open(connector_id: int) -> ColumnElement[bool]:
    tenant = select(ConnectorRow.tenant_id).where(ConnectorRow.id == connector_id)
    return and_(
        RefRow.connector_id == connector_id,
        CaseRow.tenant_id == tenant.scalar_subquery(),
        RefRow.external_id.is_not(None),
        RefRow.gone_at.is_(None),
        CaseRow.status.in_(UNCLOSED),  # by an index, where "not closed" would look at every case
    )


async def _comments(
    session: AsyncSession, refs: Iterable[int]
) -> defaultdict[int, dict[str, KnownComment]]:
    """Return the comments that are known of refs, by ref and by the vendor's id."""
    found: defaultdict[int, dict[str, KnownComment]] = defaultdict(dict)
    ids = sorted(refs)
    for start in range(0, len(ids), _PARAMETERS):
        query = select(
            AnnotationRow.ref_id,
            AnnotationRow.external_id,
            AnnotationRow.text,
            AnnotationRow.deleted_at,
        ).where(AnnotationRow.ref_id.in_(ids[start : start + _PARAMETERS]))
        for ref_id, external_id, text, deleted_at in await session.execute(query):
            found[ref_id][external_id] = KnownComment(text, deleted_at is not None)
    return found


def _known(ref: RefRow, comments: dict[str, KnownComment]) -> KnownTicket:
    return KnownTicket(
        status=ticket_status(ref),
        key=ref.external_key,
        assignee_id=ref.assignee_id,
        missing=is_missing(ref),
        comments=comments,
    )
