"""Creating, editing and reading cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.domain.identifiers import ACTION, new_id
from casebridge.persistence.cases import CaseRow, ContainmentActionRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import InboundEventRow
from casebridge.services import timeline
from casebridge.services.case_detail import CaseDetail, read_detail
from casebridge.services.clock import Clock
from casebridge.services.fanout import FanOut
from casebridge.services.faults import NotFound, Stale
from casebridge.services.idempotency import ONCE_MORE, Attempt
from casebridge.services.intake import Intake, Line, NewCase, Text, Title
from casebridge.services.lifecycle import lock_case, transition
from casebridge.services.tenants import Principal
from casebridge.services.versions import ANY_VERSION, Precondition
from casebridge_core import CaseStatus, Entity, Severity


class CaseEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What can be edited; a field that is left out stays as it is. Status has a way of its own."""

    title: Title | UnsetType = UNSET
    summary: Text | UnsetType = UNSET
    agent_summary: Text | UnsetType | None = UNSET
    severity: Severity | UnsetType = UNSET
    detection_rules: Annotated[tuple[Line, ...], Meta(max_length=500)] | UnsetType = UNSET
    raw_events: Annotated[tuple[Line, ...], Meta(max_length=10_000)] | UnsetType = UNSET
    entities: Annotated[tuple[Entity, ...], Meta(max_length=2000)] | UnsetType = UNSET
    expected_version: int | None = None


class StatusMove(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A status change: with ``expected_version``, a case that moved meanwhile is a conflict."""

    status: CaseStatus
    reason: Annotated[str, Meta(max_length=2000)] = ""
    expected_version: int | None = None


class NewContainmentAction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A containment action with its outcome; ``at`` defaults to now."""

    action: Line
    target: Line
    outcome: Line
    at: Annotated[datetime, Meta(tz=True)] | None = None


class Cases:
    """The canonical record's verbs, each scoped to the caller's tenant."""

    def __init__(self, database: Database, fanout: FanOut, clock: Clock, public_url: str) -> None:
        """Bind what the verbs need."""
        self._database = database
        self._fanout = fanout
        self._clock = clock
        self._intake = Intake(database, fanout, clock, public_url)

    async def create(
        self, who: Principal, new: NewCase, *, attempt: Attempt[CaseDetail] = ONCE_MORE
    ) -> CaseDetail:
        """Create a case and reserve its tickets; no vendor is called.

        Raises:
            Repeated: the key of the attempt is taken.
        """
        return await self._intake.create(who, new, attempt)

    async def edit(
        self,
        who: Principal,
        case_id: str,
        edit: CaseEdit,
        *,
        only_if: Precondition = ANY_VERSION,
    ) -> CaseDetail:
        """Change fields of the record. Only a new agent summary reaches the tickets.

        Raises:
            NotFound: the tenant has no such case.
            Stale: the edit is meant for another version than the case has.
        """
        now = self._clock()
        changes = {
            name: value
            for name, value in msgspec.structs.asdict(edit).items()
            if value is not UNSET and name != "expected_version"
        }
        async with self._database.write() as session:
            case = await lock_case(session, who.tenant_id, case_id)
            await _check_version(session, case, only_if, edit.expected_version)
            for name, value in changes.items():
                setattr(
                    case,
                    name,
                    msgspec.to_builtins(list(value) if isinstance(value, tuple) else value),
                )
            if changes:
                case.version += 1
                case.updated_at = now
                text = f"edited: {', '.join(sorted(changes))}"
                timeline.record(session, case, who.cause(now), TimelineKind.CASE_EDITED, text)
            if changes.get("agent_summary"):
                await self._fanout.schedule(session, case, now)
            return await read_detail(session, case)

    async def move(
        self,
        who: Principal,
        case_id: str,
        move: StatusMove,
        *,
        only_if: Precondition = ANY_VERSION,
    ) -> CaseDetail:
        """Change the status; the tickets follow.

        Raises:
            NotFound: the tenant has no such case.
            Stale: the move is meant for another version than the case has.
        """
        async with self._database.write() as session:
            case = await lock_case(session, who.tenant_id, case_id)
            await _check_version(session, case, only_if, move.expected_version)
            await transition(
                session,
                self._fanout,
                case,
                move.status,
                who.cause(self._clock()),
                reason=move.reason,
            )
            return await read_detail(session, case)

    async def contain(
        self,
        who: Principal,
        case_id: str,
        new: NewContainmentAction,
        *,
        attempt: Attempt[ContainmentActionRow] = ONCE_MORE,
    ) -> ContainmentActionRow:
        """Record a containment action; each ticket gets one comment about it.

        Raises:
            NotFound: the tenant has no such case.
            Repeated: the key of the attempt is taken.
        """
        now = self._clock()
        async with self._database.write() as session:
            await attempt.begin(session)
            case = await lock_case(session, who.tenant_id, case_id)
            action = ContainmentActionRow(
                public_id=new_id(ACTION),
                tenant_id=case.tenant_id,
                case_id=case.id,
                action=new.action,
                target=new.target,
                outcome=new.outcome,
                at=(new.at or now).astimezone(UTC),
            )
            session.add(action)
            text = f"{new.action} on {new.target}: {new.outcome}"
            timeline.record(session, case, who.cause(now), TimelineKind.CONTAINMENT, text)
            await self._fanout.schedule(session, case, now)
            await session.flush()
            await attempt.finish(session, action)
            return action

    async def comment(
        self, who: Principal, case_id: str, text: str, *, attempt: Attempt[None] = ONCE_MORE
    ) -> None:
        """Add a comment to the case's timeline; it is never projected.

        Raises:
            NotFound: the tenant has no such case.
            Repeated: the key of the attempt is taken.
        """
        async with self._database.write() as session:
            await attempt.begin(session)
            case = await lock_case(session, who.tenant_id, case_id)
            timeline.record(session, case, who.cause(self._clock()), TimelineKind.COMMENT, text)
            await attempt.finish(session, None)

    async def resync(self, who: Principal, case_id: str) -> CaseDetail:
        """Look at every ticket of the case again now, and reserve those that are missing.

        Raises:
            NotFound: the tenant has no such case.
        """
        now = self._clock()
        async with self._database.write() as session:
            case = await lock_case(session, who.tenant_id, case_id)
            text = "resync asked for"
            timeline.record(session, case, who.cause(now), TimelineKind.RESYNC, text)
            await self._fanout.reserve(session, [case], now)
            await session.execute(
                update(RefRow).where(RefRow.case_id == case.id).values(verify_asked=True)
            )
            await self._fanout.schedule(session, case, now)
            return await read_detail(session, case)

    async def get(self, who: Principal, case_id: str) -> CaseDetail:
        """Read a case.

        Raises:
            NotFound: the tenant has no such case.
        """
        async with self._database.read() as session:
            return await read_detail(session, await _find(session, who, case_id))

    async def timeline(
        self,
        who: Principal,
        case_id: str,
        *,
        limit: int,
        after: int = 0,
        before: int | None = None,
        actor_label: str | None = None,
        connector_id: str | None = None,
        newest: bool = False,
    ) -> Sequence[tuple[TimelineRow, str | None]]:
        """Return timeline rows, oldest first, each with the id of the event that it refers to.

        ``after`` is the row id to go on from; with ``newest``, the last ``limit`` rows are
        returned instead of the first, and ``before`` is the row id to go on from.
        ``actor_label`` and ``connector_id`` (a public id) leave in what that actor did, and what
        that connector was involved in.

        Raises:
            NotFound: the tenant has no such case.
        """
        async with self._database.read() as session:
            case = await _find(session, who, case_id)
            query = (
                select(TimelineRow, InboundEventRow.public_id)
                .outerjoin(InboundEventRow, InboundEventRow.id == TimelineRow.event_id)
                .where(TimelineRow.case_id == case.id, TimelineRow.id > after)
            )
            if before is not None:
                query = query.where(TimelineRow.id < before)
            if actor_label is not None:
                query = query.where(TimelineRow.actor_label == actor_label)
            if connector_id is not None:
                involved = select(ConnectorRow.id).where(
                    ConnectorRow.tenant_id == who.tenant_id, ConnectorRow.public_id == connector_id
                )
                query = query.where(TimelineRow.connector_id.in_(involved))
            order = TimelineRow.id.desc() if newest else TimelineRow.id.asc()
            found = await session.execute(query.order_by(order).limit(limit))
            rows = [(row, event_id) for row, event_id in found]
        return rows[::-1] if newest else rows


async def _find(session: AsyncSession, who: Principal, case_id: str) -> CaseRow:
    case = await session.scalar(
        select(CaseRow).where(CaseRow.tenant_id == who.tenant_id, CaseRow.public_id == case_id)
    )
    if case is None:
        raise NotFound(f"there is no case {case_id!r}", field="case_id")
    return case


async def _check_version(
    session: AsyncSession, case: CaseRow, only_if: Precondition, expected: int | None
) -> None:
    asked = msgspec.structs.replace(only_if, expected=expected)
    broken = asked.broken_by(case.version)
    if broken is not None:
        current = await read_detail(session, case)
        session.expunge_all()  # the rollback would empty what is to be shown
        raise Stale(
            f"the case is at version {case.version} with status {case.status};"
            " read it again and decide anew",
            field=broken,
            current=current,
        )
