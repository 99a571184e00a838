"""Adding to a case's timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.persistence.cases import CaseRow, TimelineRow


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Who or what made something happen, and when.

    ``actor`` is the label that the timeline is filtered by; ``connector_id`` and ``event_id`` are
    the rows of the connector and of the stored webhook that were involved.
    """

    actor: str
    at: datetime
    connector_id: int | None = None
    event_id: int | None = None


Line = dict[str, Any]
"""The columns of a timeline row that is still to be stored."""


def columns(
    case: CaseRow,
    cause: Cause,
    kind: TimelineKind,
    text: str,
    detail: Mapping[str, object],
) -> Line:
    """Return the columns of one line of the case's timeline; ``detail`` is JSON."""
    return {
        "tenant_id": case.tenant_id,
        "case_id": case.id,
        "at": cause.at,
        "kind": kind,
        "actor_label": cause.actor,
        "text": text,
        "connector_id": cause.connector_id,
        "event_id": cause.event_id,
        "detail": detail,
    }


def line(
    case: CaseRow,
    cause: Cause,
    kind: TimelineKind,
    text: str,
    **detail: Any,  # noqa: ANN401 - stored as JSON
) -> TimelineRow:
    """Return one line of the case's timeline; ``detail`` is JSON."""
    return TimelineRow(**columns(case, cause, kind, text, detail))


def record(
    session: AsyncSession,
    case: CaseRow,
    cause: Cause,
    kind: TimelineKind,
    text: str,
    **detail: Any,  # noqa: ANN401 - as above
) -> None:
    """Add one line to the case's timeline, in the caller's transaction."""
    session.add(line(case, cause, kind, text, **detail))
