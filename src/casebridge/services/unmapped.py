"""Unmapped statuses as a work list: seen, given a meaning, or said to have none.

What a status means, the connector's maps say and nothing else: mapping one here writes the same
overrides as an edit of the connector, and a status that is mapped there is mapped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.fanout import FanOut
from casebridge.services.faults import Conflict, Invalid, NotFound
from casebridge.services.remapping import Remapping, standing
from casebridge.services.tenants import Principal
from casebridge.services.vault import VaultError
from casebridge_core import (
    CasebridgeError,
    CaseStatus,
    NativeStatus,
    StatusCategory,
    StatusOverrides,
)

_MOST: Final = 500
_SUGGESTIONS: Final = {
    StatusCategory.NEW: CaseStatus.OPEN,
    StatusCategory.IN_PROGRESS: CaseStatus.TRIAGE,
    StatusCategory.DONE: CaseStatus.RESOLVED,
}


class UnmappedState(StrEnum):
    """Whether somebody still has to look at a status."""

    OPEN = "open"
    MAPPED = "mapped"
    DISMISSED = "dismissed"


class StatusMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a native status means for a case."""

    status: CaseStatus


class UnmappedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A status of the list. ``mapped_to`` is what the connector's maps make of it now.

    ``tickets`` stand there now; the cases of those ``waiting`` have not followed.
    """

    row: UnmappedStatusRow
    connector: ConnectorRow
    mapped_to: CaseStatus | None
    tickets: int
    waiting: int

    @property
    def state(self) -> UnmappedState:
        """Whether somebody still has to look at it."""
        if self.mapped_to is not None:
            return UnmappedState.MAPPED
        dismissed = self.row.dismissed_at is not None
        return UnmappedState.DISMISSED if dismissed else UnmappedState.OPEN

    @property
    def suggestion(self) -> CaseStatus | None:
        """What the vendor's category of the status makes likely, where there is one."""
        category = self.row.category
        return _SUGGESTIONS[StatusCategory(category)] if category is not None else None


class MappedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A status that was given a meaning, and what came of the tickets that stood there.

    ``moved`` cases followed; ``reasons`` counts why others did not.
    """

    status: UnmappedStatus
    moved: int
    reasons: dict[str, int]


class UnmappedStatuses:
    """A tenant's statuses without a meaning."""

    def __init__(
        self, database: Database, connections: Connections, fanout: FanOut, clock: Clock
    ) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._connections = connections
        self._remapping = Remapping(database, connections, fanout, clock)
        self._clock = clock

    async def list(
        self,
        who: Principal,
        *,
        connector_id: str | None = None,
        state: UnmappedState | None = None,
    ) -> Sequence[UnmappedStatus]:
        """Return the statuses of the connectors in use, last seen first, 500 at most.

        Raises:
            NotFound: the tenant has no such connector.
        """
        query = _select(who).order_by(UnmappedStatusRow.last_seen_at.desc()).limit(_MOST)
        async with self._database.read() as session:
            if connector_id is not None:
                known = _connectors(who).where(ConnectorRow.public_id == connector_id)
                if await session.scalar(known) is None:
                    raise NotFound(f"there is no connector {connector_id!r}", field="connector_id")
                query = query.where(ConnectorRow.public_id == connector_id)
            found = (await session.execute(query)).all()
            counts = await standing(session, [row for row, _ in found])
        described = [self._describe(who, *pair, counts) for pair in found]
        return [each for each in described if state in {None, each.state}]

    async def map(self, who: Principal, status_id: str, mapping: StatusMapping) -> MappedStatus:
        """Give a status its meaning, and let the cases follow whose tickets stand there.

        Doing the same again is harmless; it lets those follow that have not yet. No vendor is
        called.

        Raises:
            NotFound: the tenant has no such status, or its connector is removed.
            Conflict: it means something else already.
            Invalid: the connector's plugin is missing, or its configuration does not fit.
        """
        async with self._database.write() as session:
            row, connector = await _lock(session, who, status_id)
            try:
                self._connections.open(connector, who.tenant)
            except (CasebridgeError, VaultError) as error:
                raise Invalid(str(error), field="status_id") from error
            known = self._meaning(who, row, connector)
            if known is not None and known is not mapping.status:
                raise Conflict(
                    f"{row.name} means {known} already; for another meaning, change the statuses"
                    " of its connector",
                    field="status",
                )
            if known is None:
                now = self._clock()
                _override(connector, row.name, mapping.status)
                connector.updated_at = row.mapped_at = now
                connector.version += 1
                row.mapped_to = mapping.status
        outcomes = await self._remapping.follow(who, row, connector)
        async with self._database.read() as session:
            counts = await standing(session, [row])
        return MappedStatus(
            status=self._describe(who, row, connector, counts),
            moved=outcomes.pop(None, 0),
            reasons={reason: count for reason, count in outcomes.items() if reason is not None},
        )

    async def dismiss(self, who: Principal, status_id: str) -> UnmappedStatus:
        """Say that a status has no meaning for a case; it can be mapped all the same, later.

        Raises:
            NotFound: the tenant has no such status, or its connector is removed.
            Conflict: it has a meaning.
        """
        async with self._database.write() as session:
            row, connector = await _lock(session, who, status_id)
            known = self._meaning(who, row, connector)
            if known is not None:
                raise Conflict(f"{row.name} means {known} already", field="status_id")
            row.dismissed_at = row.dismissed_at or self._clock()
            return self._describe(who, row, connector, await standing(session, [row]))

    def _describe(
        self,
        who: Principal,
        row: UnmappedStatusRow,
        connector: ConnectorRow,
        counts: Mapping[int, tuple[int, int]],
    ) -> UnmappedStatus:
        tickets, waiting = counts.get(row.id, (0, 0))
        return UnmappedStatus(
            row=row,
            connector=connector,
            mapped_to=self._meaning(who, row, connector),
            tickets=tickets,
            waiting=waiting,
        )

    def _meaning(
        self, who: Principal, row: UnmappedStatusRow, connector: ConnectorRow
    ) -> CaseStatus | None:
        """Return what the maps say now; without a usable plugin, what the overrides say."""
        category = StatusCategory(row.category) if row.category is not None else None
        native = NativeStatus(name=row.name, id=row.native_id, category=category)
        try:
            opened = self._connections.open(connector, who.tenant)
            meanings = self._connections.hooks(connector.vendor).meanings_of(opened, native)
        except (CasebridgeError, VaultError):
            return msgspec.convert(connector.status_overrides, StatusOverrides).meaning_of(native)
        return meanings[0] if meanings else None


def _override(connector: ConnectorRow, native: str, status: CaseStatus) -> None:
    statuses = msgspec.convert(connector.status_overrides, StatusOverrides)
    inbound = {**statuses.inbound, native: status}
    connector.status_overrides = msgspec.to_builtins(
        msgspec.structs.replace(statuses, inbound=inbound)
    )


def _connectors(who: Principal) -> Select[ConnectorRow]:
    return select(ConnectorRow).where(
        ConnectorRow.tenant_id == who.tenant_id, ConnectorRow.removed_at.is_(None)
    )


def _select(who: Principal) -> Select[UnmappedStatusRow, ConnectorRow]:
    return (
        select(UnmappedStatusRow, ConnectorRow)
        .join(ConnectorRow, ConnectorRow.id == UnmappedStatusRow.connector_id)
        .where(
            UnmappedStatusRow.tenant_id == who.tenant_id,
            ConnectorRow.removed_at.is_(None),
        )
    )


async def _lock(
    session: AsyncSession, who: Principal, status_id: str
) -> tuple[UnmappedStatusRow, ConnectorRow]:
    """Load a status, with its connector locked as for an edit."""
    query = _select(who).where(UnmappedStatusRow.public_id == status_id)
    found = (await session.execute(query.with_for_update(of=ConnectorRow))).one_or_none()
    if found is None:
        raise NotFound(f"there is no unmapped status {status_id!r}", field="status_id")
    row, connector = found
    return row, connector
