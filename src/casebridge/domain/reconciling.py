"""The reconciler's arithmetic: from when to list, how far it came, and what a reading is worth."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum, auto
from typing import Final

import msgspec
from msgspec import UNSET

from casebridge.domain.decision import is_same
from casebridge_core import ChangePage, InboundComment, NativeStatus, TicketEvent

MARGIN: Final = timedelta(seconds=60)
"""Room for what a vendor dates earlier than it shows it, beside the lag of its index."""
GRACE: Final = timedelta(seconds=15)
"""How long a change is left to its webhook, which knows who made it."""
RETRY: Final = timedelta(seconds=60)
_JITTER: Final = 0.2


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list of changes, and where to go on in it.

    ``since`` is from when (the vendor's time) it lists, ``began_at`` when (ours) it was begun,
    ``page`` the vendor's name of the next page (None: the first), ``pages`` how many were read and
    ``largest`` how many changes the largest of them had.
    """

    since: datetime
    began_at: datetime
    page: str | None = None
    pages: int = 0
    largest: int = 0

    def after(self, changes: ChangePage, asked_at: datetime) -> Listing | None:
        """Return the listing after one more page, None after the last.

        A vendor where something changes all the time may never give a last page. One that is
        shorter than another and up to date is as good: the next list begins before it.
        """
        newest = moved_cursor(None, (event.occurred_at for event in changes.events), asked_at)
        is_short = len(changes.events) < self.largest
        caught_up = newest is not None and is_short and newest >= asked_at - MARGIN
        if changes.next_page is None or caught_up:
            return None
        return msgspec.structs.replace(
            self,
            page=changes.next_page,
            pages=self.pages + 1,
            largest=max(self.largest, len(changes.events)),
        )


def new_listing(
    cursor: datetime, listed_at: datetime | None, now: datetime, *, index_lag: timedelta
) -> Listing:
    """Begin a list of what changed since the last one, with an overlap.

    ``listed_at`` is when (our time) the last one was begun: what changed while it was being read
    may have come too late for its first pages.
    """
    known = cursor if listed_at is None else min(cursor, listed_at)
    return Listing(since=known - MARGIN - index_lag, began_at=now)


def moved_cursor(
    cursor: datetime | None, seen: Iterable[datetime | None], asked_at: datetime
) -> datetime | None:
    """Return the cursor after a page whose changes have the times ``seen``.

    It never goes back, and never past ``asked_at`` (our time): a ticket that is dated in the
    future must not hide what comes before.
    """
    newest = max((min(at, asked_at) for at in seen if at is not None), default=None)
    if newest is None or cursor is None:
        return newest or cursor
    return max(cursor, newest)


def graced_until(event: TicketEvent, asked_at: datetime) -> datetime | None:
    """Return until when a change is left to its webhook, None when it has had its time.

    A vendor whose clock is ahead gets no grace, since its changes would never come of age.
    """
    at = event.occurred_at
    return at + GRACE if at is not None and asked_at - GRACE < at <= asked_at else None


def comments_alone(event: TicketEvent) -> TicketEvent | None:
    """Return what of a change is not left to its webhook: its comments, which name their authors.

    Where a ticket stands is told by every list. A comment is told by those only that begin before
    it, and a ticket that goes on changing would be left to its webhooks until it is too late.
    """
    if not event.comments:
        return None
    return msgspec.structs.replace(event, key=None, status=None, assignee=UNSET)


def next_run(now: datetime, period: timedelta, *, spread: float | None = None) -> datetime:
    """Return when to look again: within a period, and not all connectors at one moment.

    ``spread`` in [0, 1) fixes the jitter, which takes up to a fifth of the period away.
    """
    share = random.random() if spread is None else spread  # noqa: S311 - no secret
    return now + period * (1 - _JITTER * share)


def retry_run(now: datetime, period: timedelta, retry_after: float | None) -> datetime:
    """Return when to look again after a failure; the vendor's own word is never undercut."""
    delay = min(RETRY, period) if period else RETRY
    return now + max(delay, timedelta(seconds=retry_after or 0))


class KnownComment(msgspec.Struct, frozen=True):
    """A comment that the case has as an annotation."""

    text: str
    deleted: bool


class KnownTicket(msgspec.Struct, frozen=True, kw_only=True):
    """What the bridge knows of a ticket; ``missing`` while it believes that it is not there."""

    status: NativeStatus | None
    key: str | None
    assignee_id: str | None
    missing: bool
    comments: Mapping[str, KnownComment]


def tells_news(event: TicketEvent, known: KnownTicket, account: str | None) -> bool:
    """Tell whether a reading says anything that is not known; most of a repeated page does not.

    ``account`` is the bridge's own at the vendor: its comments are no news.
    """
    return (
        known.missing
        or event.deleted
        or (event.status is not None and not is_same(event.status, known.status))
        or event.key not in {None, known.key}
        or (event.assignee is not UNSET and _id_of(event) != known.assignee_id)
        or any(_is_news(each, known, account) for each in event.comments)
    )


def _id_of(event: TicketEvent) -> str | None:
    return event.assignee.id if event.assignee else None


def _is_news(comment: InboundComment, known: KnownTicket, account: str | None) -> bool:
    if comment.key is not None or (comment.author is not None and comment.author.id == account):
        return False
    have = known.comments.get(comment.external_id)
    return have is None or not (have.deleted or have.text == comment.text)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ref is when a reading of its ticket is to be reflected.

    ``status_seen_at`` is the vendor's time of the newest status known, ``touched_at`` ours of the
    last push or news. ``owed`` says that the case's status is still to be pushed, or pushed again;
    ``pushing`` that a push is under way or broke off.
    """

    status: NativeStatus | None
    status_seen_at: datetime | None
    touched_at: datetime | None
    owed: bool
    pushing: bool


class Worth(StrEnum):
    """What becomes of the status in a reading."""

    DECIDE = auto()
    """It goes through the decision, as a webhook's would."""
    READ_AGAIN = auto()
    """It may be older than what is known: the ticket itself is asked."""
    NOTE = auto()
    """The case wins: the ticket's status is remembered, and its push is still to come."""
    DROP = auto()
    """Something of ours is behind it, and will be seen otherwise."""


def weigh(
    event: TicketEvent,
    standing: Standing,
    *,
    fits_case: bool,
    asked_at: datetime,
    index_lag: timedelta | None,
) -> Worth:
    """Tell what the status in a reading, asked for at ``asked_at`` (our time), is worth.

    A reading names no actor, and its time is that of the ticket's last change of any kind. One
    from a list may be older than it was asked for by ``index_lag``; None means that the ticket
    itself was read, which shows it as it is. So a reading decides only where no push of ours can
    be behind it. ``fits_case`` says whether its status can stand for the case's own.
    """
    if event.status is None or is_same(event.status, standing.status):
        return Worth.DECIDE
    if standing.pushing:
        return Worth.DROP
    touched = standing.touched_at
    if touched is not None and touched > asked_at:
        return Worth.READ_AGAIN
    if index_lag is not None and _may_be_old(event, standing):
        catching_up = touched is not None and touched > asked_at - index_lag - MARGIN
        certainly_old = event.occurred_at != standing.status_seen_at
        return Worth.DROP if catching_up and certainly_old else Worth.READ_AGAIN
    if standing.owed and not fits_case:
        return Worth.NOTE
    return Worth.DECIDE


def _may_be_old(event: TicketEvent, standing: Standing) -> bool:
    """Tell whether the status known may be the newer one; vendors' clocks can be coarse."""
    if event.occurred_at is None or standing.status_seen_at is None:
        return False
    return event.occurred_at <= standing.status_seen_at
