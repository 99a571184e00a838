"""A human's comment, followed through whatever the vendor tells of it, in whatever order.

What is known of a comment is a fold over what was told: the newest text, the earliest time at which
it was written, and whether it was ever deleted. Each part is a maximum or a minimum, so that
creation, edits and deletion end the same in any order and however often they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from casebridge.domain.watermarks import Arrival, Source
from casebridge_core import CommentAction, InboundComment, Person


class KnownComment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a comment. A deleted one keeps its text; one only known as deleted has none.

    ``seen_at`` is the vendor's time of its newest text (the watermark).
    """

    text: str
    written_at: datetime
    author: Person | None = None
    internal: bool | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    seen_at: datetime | None = None


class OurComments(msgspec.Struct, frozen=True, kw_only=True):
    """How the bridge's own comments are recognised.

    ``posted`` gives, for the key of each comment that was sent, its id at the vendor, None where
    that is not known.
    """

    account: str | None = None
    posted: Mapping[str, str | None] = {}


def is_ours(comment: InboundComment, ours: OurComments) -> bool:
    """Tell whether a comment is one that the bridge posted.

    One that carries our key in somebody else's name is a quotation, if we know which is ours.
    """
    author = comment.author.id if comment.author is not None else None
    if author is not None and author == ours.account:
        return True
    if comment.external_id in ours.posted.values():
        return True
    if comment.key is None:
        return False
    quoted = ours.posted.get(comment.key) is not None
    return not (quoted and author is not None and ours.account is not None)


def follow(known: KnownComment | None, told: InboundComment, arrival: Arrival) -> KnownComment:
    """Return what is known of a comment after one more event about it."""
    at = told.at or (arrival.at if arrival.source is Source.TOLD else None)
    start = known or KnownComment(text="", written_at=at or arrival.received_at)
    newer = told.text != "" and _is_newer(start, told, at)
    return KnownComment(
        text=told.text if newer else start.text,
        written_at=min(start.written_at, at or start.written_at),
        author=start.author or told.author,
        internal=told.internal if newer and told.internal is not None else start.internal,
        edited_at=_edited_at(start, told, at, arrival),
        deleted_at=_deleted_at(start, told, at, arrival),
        seen_at=(at or start.seen_at) if newer else start.seen_at,
    )


def _is_newer(known: KnownComment, told: InboundComment, at: datetime | None) -> bool:
    """Tell whether a text is newer than the known one.

    At the same time an edit comes after the creation, and of two edits the greater text counts:
    that is no better than the other, but the same in every order. Without times, the edit that
    came last counts.
    """
    if known.text == "":
        return True
    if at is None or known.seen_at is None:
        return at is not None or told.action is CommentAction.EDITED
    was_edited = known.edited_at is not None and known.edited_at >= known.seen_at
    is_edit = told.action is CommentAction.EDITED
    return (at, is_edit, told.text) > (known.seen_at, was_edited, known.text)


def _edited_at(
    known: KnownComment, told: InboundComment, at: datetime | None, arrival: Arrival
) -> datetime | None:
    if told.action is not CommentAction.EDITED or (at is None and told.text == known.text):
        return known.edited_at
    moment = at or arrival.received_at
    return max(moment, known.edited_at or moment)


def _deleted_at(
    known: KnownComment, told: InboundComment, at: datetime | None, arrival: Arrival
) -> datetime | None:
    if told.action is not CommentAction.DELETED:
        return known.deleted_at
    moment = at or known.deleted_at or arrival.received_at
    return min(moment, known.deleted_at or moment)
