"""The outbound decision: the next missing step between a case and one of its tickets."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from casebridge_core import CaseProjection, CaseStatus, NativeStatus, ProjectedComment


class Mint(msgspec.Struct, frozen=True):
    """Create the ticket."""


class FindTicket(msgspec.Struct, frozen=True):
    """Look for the ticket that an earlier, unclear attempt may have created.

    ``last_chance`` is true when the vendor's index has had the time it needs: if nothing is found
    now, nothing was created.
    """

    last_chance: bool


class Verify(msgspec.Struct, frozen=True):
    """Read the ticket, and take over what it says."""


class Settle(msgspec.Struct, frozen=True):
    """Note that both sides agree, without calling the vendor."""


class PushStatus(msgspec.Struct, frozen=True):
    """Bring the ticket to the native status ``native``, past the workflow when ``forced``."""

    native: str
    forced: bool = False


class PostComment(msgspec.Struct, frozen=True):
    """Put a comment on the ticket; ``search_first`` after an unclear attempt."""

    comment: ProjectedComment
    search_first: bool


Step = Mint | FindTicket | Verify | Settle | PushStatus | PostComment


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a ref has come.

    ``status_refused`` says that the vendor's workflow does not take the case's status, and that
    nobody asked to try again. ``create_attempted_at`` is set while an attempt to create may have
    succeeded unseen.
    ``comments_posted`` and ``comments_attempted`` are comment keys.
    """

    linked: bool
    verify_asked: bool = False
    forced: bool = False
    settled_status: CaseStatus | None = None
    status_refused: bool = False
    ticket_status: NativeStatus | None = None
    create_attempted_at: datetime | None = None
    comments_posted: Collection[str] = ()
    comments_attempted: Collection[str] = ()


def next_step(
    progress: Progress,
    projection: CaseProjection,
    *,
    native: str | None,
    can_comment: bool,
    now: datetime,
    index_lag: timedelta,
) -> Step | None:
    """Return the next missing step, or None when the ticket says what the case says.

    ``native`` is the vendor's status for the case's status, None when it is not projected.
    """
    if not progress.linked:
        if progress.create_attempted_at is None:
            return Mint()
        return FindTicket(last_chance=now >= progress.create_attempted_at + index_lag)
    if progress.verify_asked:
        return Verify()
    if progress.settled_status is not projection.status and not progress.status_refused:
        known = progress.ticket_status
        if native is None or (known is not None and known.matches(native)):
            return Settle()
        return PushStatus(native, progress.forced)
    if can_comment:
        for comment in projection.comments:
            if comment.key not in progress.comments_posted:
                return PostComment(comment, comment.key in progress.comments_attempted)
    return None
