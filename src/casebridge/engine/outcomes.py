"""Writing down what a step came to: success, or a failure in words with its next try.

All of it happens in the transaction of the step, under the locks on case and ref.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.actors import TimelineKind, cross_system
from casebridge.domain.convergence import Settle
from casebridge.domain.retry import PATIENCE, next_attempt
from casebridge.engine.situation import Situation
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services import timeline
from casebridge.services.snapshots import settle, ticket_status
from casebridge.services.timeline import Cause
from casebridge_core import CasebridgeError, PushError, RateLimited

_SUCCESS_NOTED_EVERY: Final = timedelta(seconds=10)
_QUIET_WITHOUT_A_WORD: Final = timedelta(seconds=30)


async def note_success(
    session: AsyncSession, ref: RefRow, now: datetime, *, noted: datetime | None
) -> None:
    """Forget the ref's failures, and let the connector's card show that it works.

    The connector's row is shared by all of its tickets, so it is written now and then only (it was
    ``noted`` last when we looked), and not waited for: whoever changes the connector locks it
    before its refs, and here it is after.
    """
    ref.attempts = 0
    ref.first_failed_at = ref.last_error = ref.last_error_kind = ref.last_error_at = None
    ref.dead_at = None
    if noted is not None and noted > now - _SUCCESS_NOTED_EVERY:
        return
    last = ConnectorRow.last_success_at
    connector = await session.scalar(
        select(ConnectorRow)
        .where(
            ConnectorRow.id == ref.connector_id,
            or_(last.is_(None), last <= now - _SUCCESS_NOTED_EVERY),
        )
        .with_for_update(skip_locked=True, key_share=True)
    )
    if connector is not None:
        connector.last_success_at = now


def conclude(
    ref: RefRow, case: CaseRow, seen: Situation, now: datetime, *, posted: str | None = None
) -> bool:
    """Give the claim back with the outcome, where nothing is missing any more.

    What was ``seen`` before the step still holds: whatever changes a case makes its refs due, and
    what the ticket itself moved shows in the case's status. Where that is not so, and where a call
    is missing, False is returned, and a new look tells. ``posted`` is the key of a comment that the
    step posted.
    """
    is_asked = ref.due_at is not None or ref.force_reason is not None
    if is_asked or ref.gone_at is not None or case.status != seen.projection.status:
        return False
    missing = seen.missing_of(ref, now, posted=posted)
    if isinstance(missing, Settle):
        settle(ref, seen.projection.status, ticket_status(ref))
        missing = seen.missing_of(ref, now, posted=posted)
    if missing is not None:
        return False
    ref.lease_token = ref.lease_until = None
    return True


async def note_failure(
    session: AsyncSession, ref: RefRow, case: CaseRow, error: CasebridgeError, now: datetime
) -> None:
    """Write a failure to the ref, the connector and (when it is news) the timeline.

    A wake-up that came meanwhile (``due_at`` is set again) is not pushed back.
    """
    connector = await session.get_one(ConnectorRow, ref.connector_id)
    kind = type(error).__name__
    is_news = kind != ref.last_error_kind
    ref.attempts += 1
    ref.first_failed_at = ref.first_failed_at or now
    ref.last_error, ref.last_error_kind, ref.last_error_at = str(error), kind, now
    connector.last_failure, connector.last_failure_at = str(error), now
    verdict = _judge(ref, connector, error, now)
    if is_news or ref.dead_at is not None:
        what = ref.external_key or "the ticket"
        timeline.record(
            session,
            case,
            traffic(ref, now),
            TimelineKind.PUSH_FAILED,
            f"pushing to {what} failed: {error} ({verdict})",
            error=kind,
            attempts=ref.attempts,
        )


def trip_breaker(connector: ConnectorRow, error: PushError, now: datetime) -> None:
    """Pause a connector of which every call would fail in the same way."""
    connector.paused_reason, connector.paused_at = str(error), now


def keep_quiet(connector: ConnectorRow, error: RateLimited, now: datetime) -> datetime:
    """Call the vendor no more until the moment it asked for; return that moment."""
    quiet = _QUIET_WITHOUT_A_WORD
    if error.retry_after is not None:
        quiet = timedelta(seconds=error.retry_after)
    connector.quiet_until = max(connector.quiet_until or now, now + quiet)
    return connector.quiet_until


def traffic(ref: RefRow, at: datetime) -> Cause:
    """Return the cause of what passes between a case and the ref's ticket."""
    return Cause(actor=cross_system(ref.vendor), at=at, connector_id=ref.connector_id)


def _judge(ref: RefRow, connector: ConnectorRow, error: CasebridgeError, now: datetime) -> str:
    """Decide what comes next, and return it in words."""
    if isinstance(error, PushError) and error.pauses_connector:
        trip_breaker(connector, error, now)
        ref.due_at = ref.due_at or now
        return f"connector {connector.name} is paused until its connection check succeeds"
    lasts = now - (ref.first_failed_at or now)
    if isinstance(error, RateLimited) and lasts < PATIENCE:
        quiet_until = keep_quiet(connector, error, now)
        ref.due_at = ref.due_at or quiet_until
        return f"the vendor asks to wait until {quiet_until:%H:%M:%S} UTC"
    if isinstance(error, PushError) and error.retryable:
        again = next_attempt(
            now,
            attempts=ref.attempts,
            first_failed_at=ref.first_failed_at or now,
            retry_after=error.retry_after,
        )
        if again is not None:
            ref.due_at = ref.due_at or again
            return f"next try at {again:%H:%M:%S} UTC"
    if ref.due_at is not None:
        return "tried again now, since somebody asked meanwhile"
    ref.dead_at = now
    ref.status_attempted_at = None
    return "not tried again until the case changes or somebody asks for a resync"
