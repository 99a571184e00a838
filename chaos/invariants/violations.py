"""What can be wrong."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The promises, by how they are broken."""

    TICKET_MISSING = "ticket missing"
    TICKET_DOUBLED = "ticket doubled"
    TICKET_MIXED_UP = "ticket mixed up"
    DISAGREEMENT = "disagreement"
    DELETION_UNNOTICED = "deletion unnoticed"
    ASSIGNEE_DIFFERS = "assignee differs"
    COMMENT_LOST = "comment lost"
    COMMENT_DOUBLED = "comment doubled"
    COMMENT_LEAKED = "comment leaked"
    ANNOTATION_LOST = "annotation lost"
    ANNOTATION_DOUBLED = "annotation doubled"
    ECHO_ANNOTATED = "echo annotated"
    EVENT_LOST = "event lost"
    ORDER_LOST = "order lost"
    ORDER_DOUBLED = "order doubled"
    TIMELINE_BROKEN = "timeline broken"
    ROW_CHANGED = "row changed"
    UNASKED_MOVE = "unasked move"
    UNASKED_REOPEN = "unasked reopen"
    PING_PONG = "ping-pong"
    LEFT_DUE = "left due"
    LEFT_LEASED = "left leased"


LOSSES = frozenset(
    {
        Kind.TICKET_MISSING,
        Kind.COMMENT_LOST,
        Kind.ANNOTATION_LOST,
        Kind.EVENT_LOST,
        Kind.ORDER_LOST,
        Kind.ROW_CHANGED,
    }
)
DUPLICATES = frozenset(
    {Kind.TICKET_DOUBLED, Kind.COMMENT_DOUBLED, Kind.ANNOTATION_DOUBLED, Kind.ORDER_DOUBLED}
)


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A broken promise: about which case (empty: none), and in words."""

    kind: Kind
    case: str
    words: str
