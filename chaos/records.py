"""Reading the database."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import AnnotationRow, CaseRow, ContainmentActionRow, TimelineRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.database import Database
from chaos.evidence import Case, Note, Ref, Row


def look(database: str, query: str, **values: object) -> Any:  # noqa: ANN401 - of the query
    """Return the one value that a query gives."""

    async def ask() -> Any:  # noqa: ANN401 - as above
        async with reading(database) as session:
            return await session.scalar(text(query), values)

    return asyncio.run(ask())


def snapshot(database: str) -> dict[int, str]:
    """Return a digest of every row of every timeline; nothing while the database cannot be read."""

    async def read() -> dict[int, str]:
        async with reading(database) as session:
            return await digests(session)

    with suppress(SQLAlchemyError, OSError):
        return asyncio.run(read())
    return {}


async def cases(session: AsyncSession, names: dict[int, str]) -> list[Case]:
    """Read every case with what hangs on it."""
    refs = _by_case(await session.scalars(select(RefRow).order_by(RefRow.id)))
    rows = _by_case(await session.scalars(select(TimelineRow).order_by(TimelineRow.id)))
    actions = _by_case(await session.scalars(select(ContainmentActionRow)))
    notes = _by_case(await session.scalars(select(AnnotationRow)))
    vendors = {ref.id: ref.vendor for some in refs.values() for ref in some}
    return [
        Case(
            id=case.public_id,
            title=case.title,
            status=case.status,
            refs=tuple(_ref(ref) for ref in refs.get(case.id, ())),
            rows=tuple(_row(row, names) for row in rows.get(case.id, ())),
            actions=tuple(action.action for action in actions.get(case.id, ())),
            notes=tuple(
                Note(
                    vendor=vendors[note.ref_id],
                    text=note.text,
                    deleted=note.deleted_at is not None,
                )
                for note in notes.get(case.id, ())
            ),
        )
        for case in await session.scalars(select(CaseRow).order_by(CaseRow.id))
    ]


def _by_case(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return found


def _ref(ref: RefRow) -> Ref:
    return Ref(
        vendor=ref.vendor,
        key=ref.correlation_key,
        ticket=ref.external_id,
        name=ref.external_key,
        assignee=ref.assignee_name,
        due=ref.due_at is not None or (ref.verify_asked and ref.gone_at is None),
        leased=ref.lease_token is not None,
        dead=ref.dead_at is not None,
        gone=ref.gone_at is not None,
        error=ref.last_error,
    )


def _row(row: TimelineRow, names: dict[int, str]) -> Row:
    return Row(
        number=row.id,
        at=row.at,
        kind=row.kind,
        actor=row.actor_label,
        text=row.text,
        vendor=names.get(row.connector_id) if row.connector_id is not None else None,
        event=row.event_id,
        detail=row.detail,
    )


async def digests(session: AsyncSession) -> dict[int, str]:
    """Return a digest of every row of every timeline."""
    rows = await session.execute(text("SELECT id, timeline::text FROM timeline"))
    return {number: hashlib.sha256(row.encode()).hexdigest() for number, row in rows}


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[AsyncSession]:
    """Open a session of this moment's own: the storm ends them."""
    database = Database(url)
    try:
        async with database.read() as session:
            yield session
    finally:
        with suppress(SQLAlchemyError, OSError):
            await database.close()
