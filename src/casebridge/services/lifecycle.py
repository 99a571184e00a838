"""The only writer of a case's status."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.services import timeline
from casebridge.services.fanout import FanOut
from casebridge.services.faults import NotFound
from casebridge.services.timeline import Cause
from casebridge_core import CaseStatus

UNCLOSED: Final = tuple(status for status in CaseStatus if status is not CaseStatus.CLOSED)


async def lock_case(session: AsyncSession, tenant_id: int, public_id: str) -> CaseRow:
    """Load a case for writing; no other writer sees it until the transaction ends.

    Raises:
        NotFound: the tenant has no such case.
    """
    case = await session.scalar(
        select(CaseRow)
        .where(CaseRow.tenant_id == tenant_id, CaseRow.public_id == public_id)
        .with_for_update(key_share=True)
    )
    if case is None:
        raise NotFound(f"there is no case {public_id!r}", field="case_id")
    return case


async def transition(
    session: AsyncSession,
    fanout: FanOut,
    case: CaseRow,
    to: CaseStatus,
    cause: Cause,
    *,
    reason: str = "",
) -> bool:
    """Move a locked case to a status, with its timeline row and fan-out, in one transaction.

    Returns False, and changes nothing, when the case is there already.
    """
    line = change_status(case, to, cause, reason=reason)
    if line is None:
        return False
    session.add(TimelineRow(**line))
    await fanout.schedule(session, case, cause.at)
    return True


def change_status(
    case: CaseRow, to: CaseStatus, cause: Cause, *, reason: str = ""
) -> timeline.Line | None:
    """Move a locked case to a status; the caller stores the line, and has the fan-out scheduled.

    Returns None, and changes nothing, when the case is there already.
    """
    before = CaseStatus(case.status)
    if before is to:
        return None
    case.status = to
    case.status_trail = [to, *(held for held in case.status_trail if held != to)]
    case.status_changed_at = case.updated_at = cause.at
    case.version += 1
    reopened = before is CaseStatus.CLOSED
    text = f"{before} → {to}" + (" (reopened)" if reopened else "")
    if reason:
        text += f": {reason}"
    detail = {"before": before, "after": to, "reopened": reopened}
    return timeline.columns(case, cause, TimelineKind.STATUS_CHANGED, text, detail)
