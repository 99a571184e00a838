"""Stored events: listed and read as they came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from casebridge.domain.decision import Reason
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.schema import PublicRow
from casebridge.services.clock import in_utc
from casebridge.services.faults import NotFound
from casebridge.services.tenants import Principal


class EventFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events; what is None does not matter.

    ``ticket_id`` is the id of a case's ticket, ``external_id`` the vendor's id of any ticket;
    ``since`` and ``until`` are moments of receipt, the second one excluded.
    """

    connector_id: Annotated[str | None, Meta(examples=["con_xq3kd5zj5fhv2m7c4bva"])] = None
    vendor: str | None = None
    applied: bool | None = None
    reason: Annotated[Reason | None, Meta(examples=["unlinked_ticket"])] = None
    case_id: str | None = None
    token_id: str | None = None
    ticket_id: str | None = None
    external_id: str | None = None
    since: Annotated[datetime | None, Meta(examples=["2026-03-01T08:00:00Z"])] = None
    until: datetime | None = None


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event with the public ids of what it is about."""

    row: InboundEventRow
    token_id: str
    connector_id: str | None
    case_id: str | None
    ticket_id: str | None


class EventDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its payload's row, which is another one for a replay, and with its replays."""

    event: StoredEvent
    payload: InboundEventRow
    replays: tuple[str, ...]


class Events:
    """A tenant's stored events."""

    def __init__(self, database: Database) -> None:
        """Bind the database."""
        self._database = database

    async def list(
        self, who: Principal, which: EventFilter, *, limit: int, before: int | None = None
    ) -> Sequence[StoredEvent]:
        """Return events without their payload, newest first; ``before`` is the row to go on from.

        Raises:
            NotFound: the filter names something that the tenant does not have.
        """
        async with self._database.read() as session:
            query = _select(who).options(
                defer(InboundEventRow.body), defer(InboundEventRow.headers)
            )
            query = query.where(*await conditions(session, who, which))
            if before is not None:
                query = query.where(InboundEventRow.id < before)
            found = await session.execute(query.order_by(InboundEventRow.id.desc()).limit(limit))
            return [_stored(*values) for values in found]

    async def get(self, who: Principal, event_id: str) -> EventDetail:
        """Read one event.

        Raises:
            NotFound: the tenant has no such event.
        """
        async with self._database.read() as session:
            query = _select(who).where(InboundEventRow.public_id == event_id)
            found = (await session.execute(query)).one_or_none()
            if found is None:
                raise no_event(event_id)
            row = found[0]
            replays = select(InboundEventRow.public_id).where(
                InboundEventRow.replay_of == row.public_id
            )
            return EventDetail(
                event=_stored(*found),
                payload=await original_of(session, row),
                replays=tuple(await session.scalars(replays.order_by(InboundEventRow.id))),
            )


def no_event(event_id: str) -> NotFound:
    """Return what is raised for an event that the tenant does not have."""
    return NotFound(f"there is no event {event_id!r}", field="event_id")


async def original_of(session: AsyncSession, row: InboundEventRow) -> InboundEventRow:
    """Return the delivery that an event replays, or the event itself when it is one."""
    if row.replay_of is None:
        return row
    query = select(InboundEventRow).where(InboundEventRow.public_id == row.replay_of)
    return (await session.scalars(query)).one()


async def conditions(
    session: AsyncSession, who: Principal, which: EventFilter
) -> list[ColumnElement[bool]]:
    """Return a filter as conditions on the tenant's events.

    Raises:
        NotFound: it names something that the tenant does not have.
        Invalid: a moment has no time zone, or is beyond the calendar.
    """
    event = InboundEventRow
    found: list[ColumnElement[bool]] = [event.tenant_id == who.tenant_id]
    if which.ticket_id is not None:
        ref = await _named(session, who, RefRow, which.ticket_id, "ticket_id")
        found += [event.connector_id == ref.connector_id, event.external_id == ref.external_id]
    for kind, column, field in (
        (ConnectorRow, event.connector_id, "connector_id"),
        (CaseRow, event.case_id, "case_id"),
        (InboxTokenRow, event.token_id, "token_id"),
    ):
        named = getattr(which, field)
        if named is not None:
            found.append(column == (await _named(session, who, kind, named, field)).id)
    exact = {
        event.vendor: which.vendor,
        event.applied: which.applied,
        event.reason: which.reason,
        event.external_id: which.external_id,
    }
    found += [column == value for column, value in exact.items() if value is not None]
    if which.since is not None:
        found.append(event.received_at >= in_utc(which.since, field="since"))
    if which.until is not None:
        found.append(event.received_at < in_utc(which.until, field="until"))
    return found


async def _named(
    session: AsyncSession, who: Principal, kind: type[PublicRow], public_id: str, field: str
) -> Any:  # noqa: ANN401 - a row of the kind
    table: Any = kind
    query = select(kind).where(table.tenant_id == who.tenant_id, kind.public_id == public_id)
    row = await session.scalar(query)
    if row is None:
        raise NotFound(f"there is no {field.removesuffix('_id')} {public_id!r}", field=field)
    return row


def _select(who: Principal) -> Select[InboundEventRow, str, str, str, str]:
    ref = aliased(RefRow)
    return (
        select(
            InboundEventRow,
            InboxTokenRow.public_id,
            ConnectorRow.public_id,
            CaseRow.public_id,
            ref.public_id,
        )
        .join(InboxTokenRow, InboxTokenRow.id == InboundEventRow.token_id)
        .outerjoin(ConnectorRow, ConnectorRow.id == InboundEventRow.connector_id)
        .outerjoin(CaseRow, CaseRow.id == InboundEventRow.case_id)
        .outerjoin(
            ref,
            (ref.case_id == InboundEventRow.case_id)
            & (ref.connector_id == InboundEventRow.connector_id),
        )
        .where(InboundEventRow.tenant_id == who.tenant_id)
    )


def _stored(
    row: InboundEventRow,
    token_id: str,
    connector_id: str | None,
    case_id: str | None,
    ticket_id: str | None,
) -> StoredEvent:
    return StoredEvent(
        row=row,
        token_id=token_id,
        connector_id=connector_id,
        case_id=case_id,
        ticket_id=ticket_id,
    )
