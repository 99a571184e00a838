"""Lists of cases: searched, filtered, and with what needs attention first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.tenants import Principal
from casebridge_core import CaseStatus, Severity

Ticket = tuple[RefRow, ConnectorRow]
_GRAVEST_FIRST = tuple(Severity)


class SyncState(StrEnum):
    """How a case stands with its tickets: the worst of them counts."""

    DEAD = "dead"
    FAILING = "failing"
    PENDING = "pending"
    LINKED = "linked"


class CaseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases; a field that is None leaves all in.

    ``search`` is looked for in titles, ids and ticket keys; ``assignee`` is the vendor's id, the
    display name or the e-mail address (in any letters) of whoever has one of the case's tickets;
    ``connector`` is a public id.
    """

    search: str | None = None
    status: CaseStatus | None = None
    severity: Severity | None = None
    assignee: str | None = None
    connector: str | None = None
    sync: SyncState | None = None

    @property
    def empty(self) -> bool:
        """True when it leaves all in."""
        return all(value is None for value in msgspec.structs.astuple(self))


class ListedCase(msgspec.Struct, frozen=True):
    """A case in a list, with its tickets."""

    case: CaseRow
    tickets: Sequence[Ticket]


class CaseLists:
    """The lists that people choose a case from."""

    def __init__(self, database: Database) -> None:
        """Bind the database."""
        self._database = database

    async def page(
        self, who: Principal, which: CaseFilter, *, limit: int, before: int | None = None
    ) -> list[ListedCase]:
        """Return cases with their tickets, newest first; ``before`` is the row id to go on from."""
        query = select(CaseRow).where(CaseRow.tenant_id == who.tenant_id, *_conditions(who, which))
        if before is not None:
            query = query.where(CaseRow.id < before)
        async with self._database.read() as session:
            return await _listed(session, query.order_by(CaseRow.id.desc()).limit(limit))

    async def needing_attention(self, who: Principal, *, limit: int) -> list[ListedCase]:
        """Return open cases with a ticket that nobody or nothing brings on, the gravest first."""
        stuck = select(RefRow.case_id).where(
            RefRow.tenant_id == who.tenant_id, RefRow.last_error.is_not(None)
        )
        gravity = case(
            {severity: rank for rank, severity in enumerate(_GRAVEST_FIRST)}, value=CaseRow.severity
        )
        query = (
            select(CaseRow)
            .where(CaseRow.id.in_(stuck), CaseRow.status != CaseStatus.CLOSED)
            .order_by(gravity, CaseRow.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return await _listed(session, query)

    async def counts(self, who: Principal) -> Mapping[str, int]:
        """Return how many cases the tenant has in each status."""
        query = (
            select(CaseRow.status, func.count())
            .where(CaseRow.tenant_id == who.tenant_id)
            .group_by(CaseRow.status)
        )
        async with self._database.read() as session:
            found = {status: count for status, count in await session.execute(query)}  # noqa: C416 - rows are not pairs to a type checker
        return {status: found.get(status, 0) for status in CaseStatus}


async def _listed(session: AsyncSession, query: Select[CaseRow]) -> list[ListedCase]:
    cases = (await session.scalars(query)).all()
    tickets: dict[int, list[Ticket]] = {row.id: [] for row in cases}
    found = await session.execute(
        select(RefRow, ConnectorRow)
        .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
        .where(RefRow.case_id.in_(tickets))
        .order_by(RefRow.id)
    )
    for ref, connector in found:
        tickets[ref.case_id].append((ref, connector))
    return [ListedCase(row, tickets[row.id]) for row in cases]


def _conditions(who: Principal, which: CaseFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    tickets = select(RefRow.case_id).where(RefRow.tenant_id == who.tenant_id)
    if which.search:
        found.append(_matches(tickets, _storable(which.search.strip())))
    if which.status is not None:
        found.append(CaseRow.status == which.status)
    if which.severity is not None:
        found.append(CaseRow.severity == which.severity)
    if which.assignee:
        found.append(CaseRow.id.in_(_assigned_to(tickets, _storable(which.assignee))))
    if which.connector:
        connector = select(ConnectorRow.id).where(
            ConnectorRow.tenant_id == who.tenant_id, ConnectorRow.public_id == which.connector
        )
        found.append(_has_ticket(RefRow.connector_id == connector.scalar_subquery()))
    if which.sync is not None:
        found.append(_in_sync_state(tickets, which.sync))
    return found


def _storable(text: str) -> str:
    """Return what is compared: no database takes a NUL, and what is stored holds none."""
    return text.replace("\0", "\ufffd")


def _matches(tickets: Select[int], text: str) -> ColumnElement[bool]:
    as_written = {text, text.upper(), text.lower()}  # what an index can find
    return or_(
        CaseRow.title.icontains(text, autoescape=True),
        CaseRow.public_id == text,
        CaseRow.id.in_(tickets.where(RefRow.external_key.in_(as_written))),
    )


def _assigned_to(tickets: Select[int], somebody: str) -> CompoundSelect[int]:
    """Select the cases of tickets that are there and that somebody has, by an index for each.

    What is compared without regard to letters is looked for among the addresses that there are.
    """
    there = tickets.where(RefRow.gone_at.is_(None))
    known_as = [RefRow.assignee_id == somebody, RefRow.assignee_name == somebody]
    if "@" in somebody:
        has_address = RefRow.assignee_email.is_not(None)
        known_as.append(
            and_(has_address, func.lower(RefRow.assignee_email) == func.lower(somebody))
        )
    return union(*(there.where(each) for each in known_as))


def _in_sync_state(tickets: Select[int], state: SyncState) -> ColumnElement[bool]:
    """Tell cases in a state: what is wrong is seldom and looked up, what is right is not."""
    dead = RefRow.dead_at.is_not(None)
    wrong = RefRow.last_error.is_not(None)
    match state:
        case SyncState.DEAD:
            return CaseRow.id.in_(tickets.where(wrong, dead))
        case SyncState.FAILING:
            return CaseRow.id.in_(tickets.where(wrong, ~dead))
        case SyncState.PENDING:
            return CaseRow.id.in_(tickets.where(RefRow.external_id.is_(None), ~wrong))
        case SyncState.LINKED:
            behind = or_(wrong, RefRow.external_id.is_(None))
            return and_(_has_ticket(RefRow.external_id.is_not(None)), ~_has_ticket(behind))


def _has_ticket(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(RefRow.case_id == CaseRow.id, which)
