"""A case with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import AnnotationRow, CaseRow, ContainmentActionRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.snapshots import containment_actions


class CaseDetail(msgspec.Struct, frozen=True):
    """A case with everything that hangs on it, as rows."""

    case: CaseRow
    actions: Sequence[ContainmentActionRow]
    refs: Sequence[tuple[RefRow, ConnectorRow]]
    annotations: Sequence[AnnotationRow]


async def read_detail(session: AsyncSession, case: CaseRow) -> CaseDetail:
    """Read what hangs on a case."""
    await session.flush()
    refs = await session.execute(
        select(RefRow, ConnectorRow)
        .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
        .where(RefRow.case_id == case.id)
        .order_by(RefRow.id)
        .execution_options(populate_existing=True)
    )
    annotations = await session.scalars(
        select(AnnotationRow).where(AnnotationRow.case_id == case.id).order_by(AnnotationRow.id)
    )
    return CaseDetail(
        case,
        await containment_actions(session, case),
        [(ref, connector) for ref, connector in refs],
        annotations.all(),
    )
