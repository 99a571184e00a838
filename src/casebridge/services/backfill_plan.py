"""The plan of a backfill: how many tickets, how long, what would fail, and what stands in its way.

Nothing is written and no vendor is called.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import select

from casebridge.domain.backfill import (
    CALLS_TO_COMMENT,
    CALLS_TO_MINT,
    CALLS_TO_MOVE,
    SECONDS_PER_CALL,
    Pace,
    Ramp,
    calls_for,
    duration,
)
from casebridge.persistence.cases import CaseRow, ContainmentActionRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.backfill_tally import awaits_ticket
from casebridge.services.connections import Connections
from casebridge.services.snapshots import case_snapshot
from casebridge.services.tenants import Principal
from casebridge.services.vault import VaultError
from casebridge_core import (
    Capability,
    CasebridgeError,
    CaseStatus,
    Connector,
    InvalidConfig,
    VendorHooks,
)

_PAGE: Final = 200
_MOST_SHOWN: Final = 100
_SAMPLE_KEY: Final = "aisoc-ref_aaaaaaaaaaaaaaaaaaaa"


class FailingCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case whose ticket could not be minted, and why."""

    case_id: str
    title: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill would do.

    ``tickets`` would be minted, of which ``failing`` could not: the first hundred of those are in
    ``would_fail``. ``obstacles`` keep it from starting at all. ``calls`` and ``seconds`` are
    estimates, and ``basis`` says from what.
    """

    connector_id: str
    connector_name: str
    tickets: int
    failing: int
    would_fail: list[FailingCase]
    obstacles: list[str]
    calls: int
    seconds: float
    basis: str
    ramp: Ramp


class Planner:
    """Looks at every case that waits for a ticket."""

    def __init__(self, database: Database, connections: Connections) -> None:
        """Bind the cases and the plugins that project them."""
        self._database = database
        self._connections = connections

    async def plan(self, who: Principal, row: ConnectorRow, ramp: Ramp) -> Plan:
        """Project every waiting case, and estimate."""
        obstacles = list(self.obstacles(row, who.tenant))
        opened = self._open(row, who.tenant)
        tickets = failing = calls = 0
        would_fail: list[FailingCase] = []
        async for cases, actions in self._pages(row):
            for case in cases:
                tickets += 1
                if opened is None:
                    calls += calls_for(comments=0, moves=False)
                    continue
                snapshot = case_snapshot(case, actions.get(case.id, ()), tenant=who.tenant)
                hooks, connector = opened
                try:
                    projection = hooks.project_case(connector, snapshot, _SAMPLE_KEY)
                    native = hooks.native_status(connector, projection.status)
                except CasebridgeError as error:
                    failing += 1
                    if len(would_fail) < _MOST_SHOWN:
                        found = FailingCase(
                            case_id=case.public_id, title=case.title, reason=str(error)
                        )
                        would_fail.append(found)
                    continue
                can_comment = hooks.can(Capability.PUSH_COMMENT)
                calls += calls_for(
                    comments=len(projection.comments) if can_comment else 0,
                    moves=native is not None and projection.status is not CaseStatus.OPEN,
                )
        pace = pace_of(row)
        minted = tickets - failing
        return Plan(
            connector_id=row.public_id,
            connector_name=row.name,
            tickets=tickets,
            failing=failing,
            would_fail=would_fail,
            obstacles=obstacles,
            calls=calls,
            seconds=duration(tickets=minted, calls=calls, pace=pace, ramp=ramp).total_seconds(),
            basis=_basis(pace),
            ramp=ramp,
        )

    def obstacles(self, row: ConnectorRow, tenant: str) -> Iterator[str]:
        """Yield, in sentences, what keeps every ticket of a connector from being minted."""
        if row.removed_at is not None:
            yield f"connector {row.name} is removed; restore it"
        if not row.enabled:
            yield f"connector {row.name} is disabled; enable it"
        if row.held_by is not None:
            yield f"the feature flag {row.held_by} is off; switch it on"
        if row.paused_at is not None:
            yield f"connector {row.name} is paused: {row.paused_reason}"
        if row.vendor not in self._connections.catalog:
            yield f"no enabled plugin serves the vendor {row.vendor}; install it and restart"
            return
        if not self._connections.hooks(row.vendor).can(Capability.PUSH_CASE):
            yield f"the plugin for {row.vendor} mints no tickets"
        try:
            self._connections.open(row, tenant)
        except (CasebridgeError, VaultError) as error:
            yield f"the configuration of connector {row.name} cannot be used: {error}"

    def _open(self, row: ConnectorRow, tenant: str) -> tuple[VendorHooks, Connector[Any]] | None:
        if row.vendor not in self._connections.catalog:
            return None
        try:
            connector = self._connections.open(row, tenant)
        except (InvalidConfig, VaultError):
            return None
        return self._connections.hooks(row.vendor), connector

    async def _pages(
        self, row: ConnectorRow
    ) -> AsyncIterator[tuple[Sequence[CaseRow], dict[int, list[ContainmentActionRow]]]]:
        """Yield the waiting cases, oldest first, with their containment actions."""
        last = 0
        while True:
            query = select(CaseRow).where(awaits_ticket(row.tenant_id, row.id), CaseRow.id > last)
            async with self._database.read() as session:
                cases = (await session.scalars(query.order_by(CaseRow.id).limit(_PAGE))).all()
                found = await session.scalars(
                    select(ContainmentActionRow)
                    .where(ContainmentActionRow.case_id.in_([case.id for case in cases]))
                    .order_by(ContainmentActionRow.id)
                )
                actions: dict[int, list[ContainmentActionRow]] = {}
                for action in found:
                    actions.setdefault(action.case_id, []).append(action)
            if not cases:
                return
            yield cases, actions
            last = cases[-1].id


def pace_of(row: ConnectorRow) -> Pace:
    """Return a connector's limits."""
    return Pace(calls_per_minute=row.calls_per_minute, in_flight=row.in_flight)


def _basis(pace: Pace) -> str:
    limit = "no limit on calls a minute"
    if pace.calls_per_minute is not None:
        limit = f"{pace.calls_per_minute} calls a minute"
    return (
        f"{CALLS_TO_MINT} calls to create a ticket, {CALLS_TO_MOVE} to move it to another status,"
        f" {CALLS_TO_COMMENT} for each comment, {SECONDS_PER_CALL:g} s a call;"
        f" {limit}, {pace.in_flight} tickets at a time"
    )
