"""Taking in new cases: those that come at once share a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from casebridge.domain.actors import TimelineKind
from casebridge.domain.identifiers import CASE, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.database import Database
from casebridge.persistence.schema import insert_all
from casebridge.persistence.together import Together
from casebridge.services import timeline
from casebridge.services.case_detail import CaseDetail
from casebridge.services.clock import Clock
from casebridge.services.fanout import FanOut
from casebridge.services.idempotency import ONCE_MORE, Attempt, begin_all
from casebridge.services.tenants import Principal
from casebridge_core import CaseStatus, Entity, Severity

Title = Annotated[str, Meta(min_length=1, max_length=1000)]
Text = Annotated[str, Meta(max_length=100_000)]
Line = Annotated[str, Meta(min_length=1, max_length=2000)]


class NewCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a case is created from. ``deep_link`` defaults to the case's page in this service."""

    title: Title
    summary: Text = ""
    agent_summary: Text | None = None
    severity: Severity = Severity.MEDIUM
    status: CaseStatus = CaseStatus.OPEN
    detection_rules: Annotated[tuple[Line, ...], Meta(max_length=500)] = ()
    raw_events: Annotated[tuple[Line, ...], Meta(max_length=10_000)] = ()
    entities: Annotated[tuple[Entity, ...], Meta(max_length=2000)] = ()
    deep_link: Annotated[str, Meta(pattern=r"^https?://\S+$", max_length=2000)] | None = None


_Wanted = tuple[Principal, NewCase, Attempt[CaseDetail]]


class Intake:
    """Creates cases and reserves their tickets, in one transaction for all that come at once."""

    def __init__(self, database: Database, fanout: FanOut, clock: Clock, public_url: str) -> None:
        """``public_url`` begins the deep link of a case that brings none."""
        self._database = database
        self._fanout = fanout
        self._clock = clock
        self._public_url = public_url.rstrip("/")
        self._together = Together(self._create)

    async def create(
        self, who: Principal, new: NewCase, attempt: Attempt[CaseDetail] = ONCE_MORE
    ) -> CaseDetail:
        """Create a case, durable when this returns; no vendor is called.

        Raises:
            Repeated: the key of the attempt is taken.
        """
        return await self._together.do((who, new, attempt))

    async def _create(self, news: Sequence[_Wanted]) -> list[CaseDetail]:
        now = self._clock()
        cases = [self._case(who, new, now) for who, new, _ in news]
        async with self._database.write() as session:
            await begin_all(session, [attempt for _, _, attempt in news])
            await insert_all(session, cases)
            lines = [
                timeline.line(case, who.cause(now), TimelineKind.CASE_CREATED, _created(new))
                for (who, new, _), case in zip(news, cases, strict=True)
            ]
            await insert_all(session, lines)
            reserved = await self._fanout.reserve(session, cases, now)
            details = [CaseDetail(case, (), reserved[case.id], ()) for case in cases]
            for (_, _, attempt), detail in zip(news, details, strict=True):
                await attempt.finish(session, detail)
        return details

    def _case(self, who: Principal, new: NewCase, now: datetime) -> CaseRow:
        public_id = new_id(CASE)
        return CaseRow(
            public_id=public_id,
            tenant_id=who.tenant_id,
            title=new.title,
            summary=new.summary,
            agent_summary=new.agent_summary,
            severity_initial=new.severity,
            severity=new.severity,
            status=new.status,
            status_trail=[new.status],
            status_changed_at=now,
            version=1,
            deep_link=new.deep_link or f"{self._public_url}/cases/{public_id}",
            detection_rules=list(new.detection_rules),
            raw_events=list(new.raw_events),
            entities=msgspec.to_builtins(new.entities),
            created_at=now,
            updated_at=now,
        )


def _created(new: NewCase) -> str:
    return f"case created with severity {new.severity}"
