"""Reserving refs and scheduling their convergence, in the transaction that made it necessary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import REF, correlation_key, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.schema import insert_all
from casebridge_core import Capability, ConnectorCatalog

NEW_WORK: Final = 0
BACKFILL: Final = 1
_PARAMETERS: Final = 10_000
"""Ids in one statement: both databases refuse more than some 32,000 parameters."""


class WakeUps(Protocol):
    """The engine's side of scheduling: the truth is ``due_at`` on the ref, this is speed."""

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        """Note, inside the caller's transaction, that these refs are due at a moment."""


class FanOut:
    """Which tickets a case has, and when they are due to be looked at."""

    def __init__(self, catalog: ConnectorCatalog, wakeups: WakeUps) -> None:
        """Bind the catalog (for capabilities) and the engine."""
        self._catalog = catalog
        self._wakeups = wakeups

    async def reserve(
        self,
        session: AsyncSession,
        cases: Sequence[CaseRow],
        now: datetime,
        *,
        only: int | None = None,
        backfill: int | None = None,
    ) -> dict[int, list[tuple[RefRow, ConnectorRow]]]:
        """Reserve a ref for every connector that mints tickets and has none yet for a case.

        A connector whose plugin is missing counts: its ref waits until the plugin is back.
        ``only`` names the one connector to reserve for, ``backfill`` the backfill that asks: its
        refs wait for new work.
        Returns the new refs, to read and no more, by the id of the case, each with its connector.
        """
        connectors = await session.scalars(
            select(ConnectorRow)
            .where(
                ConnectorRow.tenant_id.in_({case.tenant_id for case in cases}),
                ConnectorRow.enabled,
                ConnectorRow.held_by.is_(None),
                ConnectorRow.removed_at.is_(None),
                true() if only is None else ConnectorRow.id == only,
            )
            .order_by(ConnectorRow.id)
        )
        minting = [row for row in connectors if self._mints(row.vendor)]
        taken = await session.execute(
            select(RefRow.case_id, RefRow.connector_id).where(
                RefRow.case_id.in_([case.id for case in cases])
            )
        )
        there = {(case_id, connector_id) for case_id, connector_id in taken}
        reserved = {
            case.id: [
                (_new_ref(case, row, now, backfill=backfill), row)
                for row in minting
                if row.tenant_id == case.tenant_id and (case.id, row.id) not in there
            ]
            for case in cases
        }
        refs = [ref for pairs in reserved.values() for ref, _ in pairs]
        await insert_all(session, refs)
        await self._wakeups.wake(session, [ref.id for ref in refs], now)
        return reserved

    async def schedule(
        self, session: AsyncSession, case: CaseRow, now: datetime, *, but: Iterable[int] = ()
    ) -> None:
        """Make every ref of a case due now, with its retries forgotten, except the refs ``but``.

        That is new work, also where a backfill reserved the ref.
        """
        await self.schedule_all(session, [case.id], now, but=but)

    async def schedule_all(
        self, session: AsyncSession, cases: Sequence[int], now: datetime, *, but: Iterable[int] = ()
    ) -> None:
        """Do what `schedule` does for many cases, by their row ids."""
        due = await session.scalars(
            update(RefRow)
            .where(
                RefRow.case_id.in_(cases),
                RefRow.id.not_in(tuple(but)),
                RefRow.gone_at.is_(None),
            )
            .values(
                priority=NEW_WORK,
                due_at=now,
                attempts=0,
                first_failed_at=None,
                dead_at=None,
                updated_at=now,
            )
            .returning(RefRow.id)
            .execution_options(synchronize_session=False)
        )
        await self._wakeups.wake(session, list(due), now)

    async def schedule_refs(
        self, session: AsyncSession, refs: Sequence[int], now: datetime, *, bulk: bool = False
    ) -> None:
        """Make certain refs due now, with their retries forgotten.

        What somebody asked for goes before backfill; in ``bulk``, each ref keeps its place.
        """
        for start in range(0, len(refs), _PARAMETERS):
            await session.execute(
                update(RefRow)
                .where(RefRow.id.in_(refs[start : start + _PARAMETERS]), RefRow.gone_at.is_(None))
                .values(
                    priority=RefRow.priority if bulk else NEW_WORK,
                    due_at=now,
                    attempts=0,
                    first_failed_at=None,
                    dead_at=None,
                    updated_at=now,
                )
                .execution_options(synchronize_session=False)
            )
        await self._wakeups.wake(session, refs, now)

    def _mints(self, vendor: str) -> bool:
        return vendor not in self._catalog or self._catalog[vendor].can(Capability.PUSH_CASE)


def _new_ref(
    case: CaseRow, connector: ConnectorRow, now: datetime, *, backfill: int | None
) -> RefRow:
    public_id = new_id(REF)
    return RefRow(
        public_id=public_id,
        tenant_id=case.tenant_id,
        case_id=case.id,
        connector_id=connector.id,
        vendor=connector.vendor,
        correlation_key=correlation_key(public_id),
        verify_asked=False,
        priority=NEW_WORK if backfill is None else BACKFILL,
        backfill_id=backfill,
        attempts=0,
        due_at=now,
        created_at=now,
        updated_at=now,
    )
