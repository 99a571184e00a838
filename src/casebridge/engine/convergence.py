"""The convergence of one ref: read case and ref as they are now, do the next missing step, repeat.

Every step is: note the attempt where its outcome can be unclear, call the vendor, write the
result down; each note and each result is a commit of its own, fenced by the claim.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.domain.convergence import (
    FindTicket,
    Mint,
    PostComment,
    Progress,
    PushStatus,
    Settle,
    Step,
    next_step,
)
from casebridge.engine.claims import Claim, Claims, LeaseLost
from casebridge.engine.outcomes import note_failure, note_success, traffic
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, PostedCommentRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.snapshots import (
    case_snapshot,
    containment_actions,
    note_ticket_status,
    settle,
    ticket_ref,
    ticket_status,
)
from casebridge_core import (
    Capability,
    CasebridgeError,
    CaseProjection,
    CaseStatus,
    CommentRef,
    Connector,
    InvalidConfig,
    OutcomeUnknown,
    PushError,
    PushResult,
    StatusChange,
    Ticket,
    TransitionRejected,
    VendorHooks,
)

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Case and ref as they are now, and what is needed to bring them together."""

    ref: RefRow
    account_known: bool
    hooks: VendorHooks
    connector: Connector[Any]
    projection: CaseProjection
    step: Step | None


class _ConfigBroken(PushError):
    """The stored configuration does not fit the plugin: every call would fail the same way."""

    pauses_connector = True


class Convergence:
    """Brings tickets to where their cases are."""

    def __init__(
        self, database: Database, claims: Claims, connections: Connections, clock: Clock
    ) -> None:
        """Bind what a convergence needs."""
        self._database = database
        self._claims = claims
        self._connections = connections
        self._clock = clock

    async def run(self, claim: Claim) -> None:
        """Converge the claimed ref as far as it goes, then give the claim back.

        Nothing is raised for what a vendor or a plugin does: it ends up on the ref, in words.
        """
        async with self._heartbeat(claim):
            with suppress(LeaseLost):
                try:
                    while await self._advance(claim):
                        pass
                except CasebridgeError as error:
                    await self._fail(claim, error)
            await self._claims.release(claim)

    async def _advance(self, claim: Claim) -> bool:
        """Do one step; False when there is none left."""
        view = await self._view(claim)
        if view is None or view.step is None:
            await self._finish(claim)
            return False
        if not view.account_known and view.hooks.has("itsm_identify_account"):
            await self._identify(view)
        match view.step:
            case Mint():
                await self._mint(claim, view)
            case FindTicket(last_chance):
                return await self._find_ticket(claim, view, last_chance=last_chance)
            case Settle():
                await self._settle(claim, view)
            case PushStatus(native):
                await self._push_status(claim, view, native)
            case PostComment():
                await self._post_comment(claim, view, view.step)
        return True

    async def _view(self, claim: Claim) -> _View | None:
        async with self._database.read() as session:
            query = (
                select(RefRow, CaseRow, ConnectorRow, TenantRow)
                .join(CaseRow, CaseRow.id == RefRow.case_id)
                .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
                .join(TenantRow, TenantRow.id == RefRow.tenant_id)
                .where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
            )
            found = (await session.execute(query)).one_or_none()
            if found is None:
                raise LeaseLost
            ref, case, row, tenant = found
            if ref.gone_at is not None or row.removed_at is not None or not row.enabled:
                return None
            actions = await containment_actions(session, case)
            comments = (
                await session.scalars(
                    select(PostedCommentRow).where(PostedCommentRow.ref_id == ref.id)
                )
            ).all()
        try:
            connector = self._connections.open(row, tenant.public_id)
        except InvalidConfig as error:
            raise _ConfigBroken(str(error)) from error
        hooks = self._connections.hooks(row.vendor)
        snapshot = case_snapshot(case, actions, tenant=tenant.public_id)
        projection = hooks.project_case(connector, snapshot, ref.correlation_key)
        step = next_step(
            Progress(
                linked=ref.external_id is not None,
                settled_status=CaseStatus(ref.settled_status) if ref.settled_status else None,
                ticket_status=ticket_status(ref),
                create_attempted_at=ref.create_attempted_at,
                comments_posted={row.key for row in comments if row.posted_at is not None},
                comments_attempted={row.key for row in comments if row.attempted_at is not None},
            ),
            projection,
            native=hooks.native_status(connector, projection.status),
            can_comment=hooks.can(Capability.PUSH_COMMENT),
            now=self._clock(),
            index_lag=timedelta(seconds=hooks.manifest.index_lag),
        )
        return _View(
            ref=ref,
            account_known=row.account_id is not None,
            hooks=hooks,
            connector=connector,
            projection=projection,
            step=step,
        )

    async def _identify(self, view: _View) -> None:
        """Learn which account is ours, so that its webhooks are recognised."""
        account = await view.hooks.identify_account(view.connector)
        async with self._database.write() as session:
            row = await session.get_one(ConnectorRow, view.ref.connector_id)
            row.account_id, row.account_name = account.id, account.name

    async def _mint(self, claim: Claim, view: _View) -> None:
        async with self._claims.commit(claim) as (_, ref, _):
            ref.create_attempted_at = self._clock()
        try:
            result = await _unclear(view.hooks.push_case(view.connector, view.projection))
        except PushError as error:
            if not error.uncertain:
                async with self._claims.commit(claim) as (_, ref, _):
                    ref.create_attempted_at = None
            raise
        await self._link(claim, result)

    async def _find_ticket(self, claim: Claim, view: _View, *, last_chance: bool) -> bool:
        """Look for what an unclear attempt left behind; False when it is too early to tell."""
        if not view.hooks.can(Capability.FIND_TICKET):
            async with self._claims.commit(claim) as (session, ref, case):
                error = CasebridgeError(
                    "an attempt to create the ticket had no clear outcome, and this vendor cannot"
                    " be searched: look there, then resync"
                )
                await note_failure(session, ref, case, error, self._clock())
            return False
        found = await view.hooks.find_ticket(view.connector, view.ref.correlation_key)
        if found:
            notes: tuple[str, ...] = ("found after an unclear attempt",)
            if len(found) > 1:
                others = ", ".join(ticket.ref.key for ticket in found[1:])
                notes = (*notes, f"the same key stands in {others}: close them by hand")
            await self._link(claim, PushResult(ticket=found[0], created=False, notes=notes))
            return True
        async with self._claims.commit(claim) as (_, ref, _):
            if last_chance:
                ref.create_attempted_at = None
            else:
                ref.attempts += 1
                delay = timedelta(seconds=min(2.0**ref.attempts, view.hooks.manifest.index_lag))
                ref.due_at = ref.due_at or self._clock() + delay
        return last_chance

    async def _link(self, claim: Claim, result: PushResult) -> None:
        now = self._clock()
        ticket = result.ticket
        async with self._claims.commit(claim) as (session, ref, case):
            ref.external_id = ticket.ref.external_id
            ref.external_key = ticket.ref.key
            ref.external_url = ticket.ref.url
            ref.create_attempted_at = None
            ref.minted_at = ref.last_pushed_at = now
            note_ticket_status(ref, ticket.status)
            ref.status_seen_at = ticket.updated_at
            await note_success(session, ref, now)
            verb = "minted" if result.created else "adopted"
            text = f"{verb} {ticket.ref.key}"
            if result.notes:
                text += f" ({'; '.join(result.notes)})"
            timeline.record(
                session,
                case,
                traffic(ref, now),
                TimelineKind.TICKET_MINTED,
                text,
                key=ticket.ref.key,
                url=ticket.ref.url,
            )

    async def _settle(self, claim: Claim, view: _View) -> None:
        """Note that the ticket stands for the case's status already: nothing is pushed."""
        async with self._claims.commit(claim) as (session, ref, _):
            settle(ref, view.projection.status, ticket_status(ref))
            await note_success(session, ref, self._clock())

    async def _push_status(self, claim: Claim, view: _View, native: str) -> None:
        status = view.projection.status
        async with self._claims.commit(claim) as (_, ref, _):
            ref.status_attempted_at = self._clock()
        change = StatusChange(status=status, native=native)
        try:
            ticket = await _unclear(
                view.hooks.push_status_change(view.connector, ticket_ref(view.ref), change)
            )
            if not ticket.status.matches(native):
                raise TransitionRejected(
                    f"{ticket.ref.key} is {ticket.status.name} and not {native},"
                    " although the vendor reported success",
                )
        except PushError:
            async with self._claims.commit(claim) as (_, ref, _):
                ref.status_attempted_at = None
            raise
        await self._note_status(claim, status, ticket)

    async def _note_status(self, claim: Claim, status: CaseStatus, ticket: Ticket) -> None:
        now = self._clock()
        async with self._claims.commit(claim) as (session, ref, case):
            ref.status_attempted_at = None
            ref.last_pushed_status = status
            ref.last_pushed_at = now
            seen, updated = ref.status_seen_at, ticket.updated_at
            if seen is None or updated is None or updated >= seen:
                settle(ref, status, ticket.status)
                note_ticket_status(ref, ticket.status)
                ref.status_seen_at = updated or seen
            await note_success(session, ref, now)
            timeline.record(
                session,
                case,
                traffic(ref, now),
                TimelineKind.STATUS_PUSHED,
                f"pushed {status} to {ticket.ref.key}: {ticket.status.name}",
                status=status,
                native=ticket.status.name,
            )

    async def _post_comment(self, claim: Claim, view: _View, step: PostComment) -> None:
        ticket, comment = ticket_ref(view.ref), step.comment
        posted: CommentRef | None = None
        if step.search_first:
            found = await view.hooks.find_comment(view.connector, ticket, comment.key)
            posted = found[0] if found else None
        if posted is None:
            await self._note_comment(claim, comment.key, attempted=True)
            try:
                posted = await _unclear(view.hooks.push_comment(view.connector, ticket, comment))
            except PushError as error:
                if not error.uncertain:
                    await self._note_comment(claim, comment.key, attempted=False)
                raise
        await self._note_posted(claim, step, posted)

    async def _note_comment(self, claim: Claim, key: str, *, attempted: bool) -> None:
        async with self._claims.commit(claim) as (session, ref, _):
            row = await _comment_row(session, ref, key)
            row.attempted_at = self._clock() if attempted else None

    async def _note_posted(self, claim: Claim, step: PostComment, posted: CommentRef) -> None:
        now = self._clock()
        async with self._claims.commit(claim) as (session, ref, case):
            row = await _comment_row(session, ref, step.comment.key)
            row.posted_at, row.external_id = now, posted.external_id
            ref.last_pushed_at = now
            await note_success(session, ref, now)
            timeline.record(
                session,
                case,
                traffic(ref, now),
                TimelineKind.COMMENT_PUSHED,
                f"commented on {ref.external_key}: {step.comment.kind.replace('_', ' ')}",
                comment=step.comment.key,
            )

    async def _finish(self, claim: Claim) -> None:
        """Nothing is missing: whatever failed before is over."""
        async with self._claims.commit(claim) as (session, ref, _):
            if ref.last_error is not None and ref.gone_at is None:
                await note_success(session, ref, self._clock())

    async def _fail(self, claim: Claim, error: CasebridgeError) -> None:
        log.info("convergence of ref %s: %s: %s", claim.ref_id, type(error).__name__, error)
        async with self._claims.commit(claim) as (session, ref, case):
            await note_failure(session, ref, case, error, self._clock())

    @asynccontextmanager
    async def _heartbeat(self, claim: Claim) -> AsyncIterator[None]:
        """Renew the lease while the work goes on; a lost one is noticed by the fenced writes."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self._claims.lease.total_seconds() / 3)
                if not await self._claims.renew(claim):
                    return

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _comment_row(session: AsyncSession, ref: RefRow, key: str) -> PostedCommentRow:
    query = select(PostedCommentRow).where(
        PostedCommentRow.ref_id == ref.id, PostedCommentRow.key == key
    )
    row = await session.scalar(query)
    if row is None:
        row = PostedCommentRow(ref_id=ref.id, key=key)
        session.add(row)
    return row


async def _unclear(call: Awaitable[ResultT]) -> ResultT:
    """Await a write; a plugin that breaks in the middle of one leaves its outcome unknown."""
    try:
        return await call
    except PushError:
        raise
    except CasebridgeError as error:
        raise OutcomeUnknown(str(error)) from error
