"""The steps of a convergence: each notes its attempt, calls the vendor, and notes the result.

Every note is a commit of its own, fenced by the claim. An attempt whose outcome can stay unclear
is noted before the call, so that whoever comes after a crash looks before it tries again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind
from casebridge.domain.convergence import PostComment, PushStatus
from casebridge.domain.watermarks import Source
from casebridge.engine.claims import Claim, Claims
from casebridge.engine.identity import identify
from casebridge.engine.minting import Minting, outcome_of
from casebridge.engine.outcomes import conclude, note_success, traffic
from casebridge.engine.situation import Situation
from casebridge.persistence.connectors import PostedCommentRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services import timeline
from casebridge.services.clock import Clock
from casebridge.services.fanout import FanOut
from casebridge.services.reflection import Reflection
from casebridge.services.snapshots import (
    is_unclear,
    note_ticket_status,
    settle,
    ticket_ref,
    ticket_status,
)
from casebridge.telemetry.metrics import PROJECTED
from casebridge_core import (
    Capability,
    CommentRef,
    PushError,
    StatusChange,
    Ticket,
    TicketEvent,
    TransitionRejected,
)


class Steps:
    """What a convergence can do. Each raises `PushError`, or `LeaseLost` from its commits."""

    def __init__(
        self,
        database: Database,
        claims: Claims,
        fanout: FanOut,
        minting: Minting,
        clock: Clock,
    ) -> None:
        """Bind what the steps need; ``minting`` are the steps by which a ref gets its ticket."""
        self.minting = minting
        self._database = database
        self._claims = claims
        self._fanout = fanout
        self._clock = clock

    async def identify(self, now: Situation) -> None:
        """Learn which account is ours, so that its webhooks are recognised."""
        await identify(self._database, now.hooks, now.connector, now.ref.connector_id)

    async def verify(self, claim: Claim, now: Situation) -> bool:
        """Read the ticket and reflect it in the case; False when it is to be read again later."""
        event: TicketEvent | None = None
        started = self._clock()
        if now.hooks.can(Capability.FETCH_TICKET):
            ticket = await now.hooks.fetch_ticket(now.connector, ticket_ref(now.ref))
            event = TicketEvent(
                vendor=now.ref.vendor,
                external_id=ticket.ref.external_id,
                key=ticket.ref.key,
                status=ticket.status,
                assignee=ticket.assignee,
                occurred_at=ticket.updated_at,
            )
        async with self._claims.commit(claim) as (session, ref, case):
            ref.verify_asked = ref.due_at != now.ref.due_at  # somebody asked while it was read
            unclear = is_unclear(ref)
            owed = unclear or ref.settled_status != case.status
            if event is not None and event.status is not None and owed:
                # A push is owed: the case's status counts, and not how far an earlier one came.
                if not unclear:
                    note_ticket_status(ref, event.status, self._clock())
                event = msgspec.structs.replace(event, status=None)
            if event is not None:
                await session.flush()
                reflection = Reflection(
                    session=session,
                    fanout=self._fanout,
                    hooks=now.hooks,
                    connector=now.connector,
                    account=now.account,
                    event_row=None,
                    event_id=None,
                    now=self._clock(),
                    source=Source.LISTED if _was_heard_of(ref, since=started) else Source.READ,
                )
                await reflection.apply(ref, event)
            return not ref.verify_asked

    async def settle(self, claim: Claim, now: Situation) -> None:
        """Note that the ticket stands for the case's status already: nothing is pushed."""
        async with self._claims.commit(claim) as (session, ref, _):
            settle(ref, now.projection.status, ticket_status(ref))
            ref.force_reason = ref.force_actor = None
            await note_success(session, ref, self._clock(), noted=now.success_at)

    async def push_status(self, claim: Claim, now: Situation, step: PushStatus) -> bool:
        """Bring the ticket to a native status, and believe only what is read back.

        Returns True when nothing is missing then, and the claim is given back.
        """
        status, native = now.projection.status, step.native
        await self._claims.note(claim, status_attempted_at=self._clock())
        change = StatusChange(
            status=status,
            native=native,
            reason=now.ref.force_reason or "",
            forced=step.forced,
            case_id=now.projection.case_id,
            deep_link=now.projection.deep_link,
        )
        try:
            ticket = await outcome_of(
                now.hooks.push_status_change(now.connector, ticket_ref(now.ref), change)
            )
            if not _arrived(now, step, ticket):
                raise TransitionRejected(
                    f"{ticket.ref.key} is {ticket.status.name} and not {native},"
                    " although the vendor reported success",
                )
        except PushError as error:
            async with self._claims.commit(claim) as (_, ref, _):
                ref.force_reason = ref.force_actor = None
                ref.status_unclear_at = self._clock()  # a refused one may have come half the way
                if not error.uncertain:  # else what nobody signs may still be our own hop
                    ref.status_attempted_at = None
            raise
        return await self._note_status(claim, now, ticket)

    async def post_comment(self, claim: Claim, now: Situation, step: PostComment) -> bool:
        """Put a comment on the ticket, once; True as for a status."""
        ticket, comment = ticket_ref(now.ref), step.comment
        posted: CommentRef | None = None
        if step.search_first:
            found = await now.hooks.find_comment(now.connector, ticket, comment.key)
            posted = found[0] if found else None
        if posted is None:
            await self._note_comment(claim, comment.key, attempted=True)
            try:
                posted = await outcome_of(now.hooks.push_comment(now.connector, ticket, comment))
            except PushError as error:
                if not error.uncertain:
                    await self._note_comment(claim, comment.key, attempted=False)
                raise
        return await self._note_posted(claim, now, step, posted)

    async def _note_status(self, claim: Claim, now: Situation, ticket: Ticket) -> bool:
        """Settle on what was read back, even when news settled something else meanwhile.

        Which of the two is later at the vendor cannot be told for certain. The news moved the case
        on, so the next look pushes once more, and a ticket that is there already stays there.
        """
        at = self._clock()
        status = now.projection.status
        async with self._claims.commit(claim) as (session, ref, case):
            by = f" (forced by {ref.force_actor})" if ref.force_actor else ""
            ref.status_attempted_at = ref.status_unclear_at = None
            ref.force_reason = ref.force_actor = None
            ref.last_pushed_status = status
            ref.last_pushed_at = at
            settle(ref, status, ticket.status)
            note_ticket_status(ref, ticket.status, at)
            ref.status_seen_at = _later(ref.status_seen_at, ticket.updated_at)
            await note_success(session, ref, at, noted=now.success_at)
            text = f"pushed {status} to {ticket.ref.key}: {ticket.status.name}{by}"
            detail = {"status": status, "native": ticket.status.name}
            kind = TimelineKind.STATUS_PUSHED
            timeline.record(session, case, traffic(ref, at), kind, text, **detail)
            changed_at = case.status_changed_at
            concluded = conclude(ref, case, now, at)
        PROJECTED.labels(now.ref.vendor).observe(max((at - changed_at).total_seconds(), 0))
        return concluded

    async def _note_comment(self, claim: Claim, key: str, *, attempted: bool) -> None:
        async with self._claims.commit(claim) as (session, ref, _):
            row = await _comment_row(session, ref, key)
            row.attempted_at = self._clock() if attempted else None

    async def _note_posted(
        self, claim: Claim, now: Situation, step: PostComment, posted: CommentRef
    ) -> bool:
        at = self._clock()
        async with self._claims.commit(claim) as (session, ref, case):
            row = await _comment_row(session, ref, step.comment.key)
            row.posted_at, row.external_id = at, posted.external_id
            ref.last_pushed_at = at
            if ref.dead_at is None:
                await note_success(session, ref, at, noted=now.success_at)
            text = f"commented on {ref.external_key}: {step.comment.kind.replace('_', ' ')}"
            kind = TimelineKind.COMMENT_PUSHED
            timeline.record(session, case, traffic(ref, at), kind, text, comment=step.comment.key)
            return conclude(ref, case, now, at, posted=step.comment.key)


def _was_heard_of(ref: RefRow, *, since: datetime) -> bool:
    """Tell whether news of the ticket came in since a moment, which may be later than a reading."""
    return ref.last_inbound_at is not None and ref.last_inbound_at > since


def _later(known: datetime | None, told: datetime | None) -> datetime | None:
    return max((moment for moment in (known, told) if moment is not None), default=None)


def _arrived(now: Situation, step: PushStatus, ticket: Ticket) -> bool:
    """Tell whether the ticket, as read back, stands for the case's status.

    It may have gone on by itself to another status of the same meaning (an incident that the
    vendor closes after it was resolved).
    """
    meanings = now.hooks.meanings_of(now.connector, ticket.status)
    return ticket.status.matches(step.native) or now.projection.status in meanings


async def _comment_row(session: AsyncSession, ref: RefRow, key: str) -> PostedCommentRow:
    query = select(PostedCommentRow).where(
        PostedCommentRow.ref_id == ref.id, PostedCommentRow.key == key
    )
    row = await session.scalar(query)
    if row is None:
        row = PostedCommentRow(ref_id=ref.id, key=key)
        session.add(row)
    return row
