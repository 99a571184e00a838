"""Reconciling as operators handle it: how it stands with a connector, and a run for now."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Select, select

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.faults import Conflict, NotFound
from casebridge.services.tenants import Principal
from casebridge_core import Capability, ConnectorCatalog

_LOOK_EVERY: Final = timedelta(milliseconds=50)


class ReconcileState(StrEnum):
    """What the reconciler does with a connector at this moment."""

    WAITING = "waiting"
    DUE = "due"
    RUNNING = "running"


class ReconcileView(msgspec.Struct, frozen=True, kw_only=True):
    """How far the reconciler has come with a connector.

    What changed at the vendor before ``reconciled_at`` (our time), ``lag_seconds`` ago, is known
    here; ``cursor`` is the vendor's time of the newest change that was listed. ``next_at`` is when
    it looks again, and ``error`` what went wrong the last time.
    """

    state: ReconcileState
    reconciled_at: datetime | None
    lag_seconds: float | None
    cursor: datetime | None
    next_at: datetime | None
    error: str | None


class Reconciliation:
    """What people see and ask of the reconciler; the engine does the work."""

    def __init__(self, database: Database, catalog: ConnectorCatalog, clock: Clock) -> None:
        """Bind the connectors' rows, and the catalog for what vendors can tell."""
        self._database = database
        self._catalog = catalog
        self._clock = clock

    def view(self, row: ConnectorRow) -> ReconcileView | None:
        """Show how it stands with a connector; None when its plugin lists no changes."""
        if row.vendor not in self._catalog:
            return None
        if not self._catalog[row.vendor].can(Capability.LIST_CHANGES):
            return None
        now = self._clock()
        known = row.reconciled_at
        return ReconcileView(
            state=_state(row, now),
            reconciled_at=known,
            lag_seconds=max(0.0, (now - known).total_seconds()) if known is not None else None,
            cursor=row.changes_cursor,
            next_at=row.reconcile_due_at,
            error=row.reconcile_error,
        )

    async def ask(self, who: Principal, connector_id: str, wait_seconds: float) -> ConnectorRow:
        """Ask for a run now; wait for its end at most so long.

        Raises:
            NotFound: the tenant has no such connector.
            Conflict: it is disabled or paused, or its plugin cannot list changes.
        """
        now = self._clock()
        async with self._database.write() as session:
            row = await session.scalar(
                _connector(who, connector_id).with_for_update(key_share=True)
            )
            if row is None:
                raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
            self._refuse_the_unable(row)
            row.reconcile_due_at = now
        looks = int(wait_seconds / _LOOK_EVERY.total_seconds())
        while looks > 0 and not _is_over(row, now):
            await asyncio.sleep(_LOOK_EVERY.total_seconds())
            async with self._database.read() as session:
                row = (await session.scalars(_connector(who, connector_id))).one()
            looks -= 1
        return row

    def _refuse_the_unable(self, row: ConnectorRow) -> None:
        if self.view(row) is None:
            raise Conflict(f"the plugin for {row.vendor} is missing, or cannot list changes")
        if not row.enabled:
            raise Conflict(f"connector {row.name} is disabled; enable it first")
        if row.held_by is not None:
            raise Conflict(f"the feature flag {row.held_by} is off; switch it on first")
        if row.paused_at is not None:
            raise Conflict(f"connector {row.name} is paused: {row.paused_reason}; resume it first")


def _state(row: ConnectorRow, now: datetime) -> ReconcileState:
    if row.reconcile_until is not None and row.reconcile_until >= now:
        return ReconcileState.RUNNING
    if row.reconcile_due_at is not None and row.reconcile_due_at <= now:
        return ReconcileState.DUE
    return ReconcileState.WAITING


def _is_over(row: ConnectorRow, asked_at: datetime) -> bool:
    """Tell whether a run that began after the asking has ended."""
    free, due_at = row.reconcile_token is None, row.reconcile_due_at
    return row.paused_at is not None or (free and (due_at is None or due_at > asked_at))


def _connector(who: Principal, connector_id: str) -> Select[ConnectorRow]:
    return select(ConnectorRow).where(
        ConnectorRow.tenant_id == who.tenant_id,
        ConnectorRow.public_id == connector_id,
        ConnectorRow.removed_at.is_(None),
    )
