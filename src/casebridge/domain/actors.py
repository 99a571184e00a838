"""Actor labels and row kinds of the timeline."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SYSTEM: Final = "casebridge"


class TimelineKind(StrEnum):
    """What a timeline row records."""

    CASE_CREATED = "case_created"
    CASE_EDITED = "case_edited"
    STATUS_CHANGED = "status_changed"
    CONTAINMENT = "containment_action"
    COMMENT = "comment"
    TICKET_MINTED = "ticket_minted"
    STATUS_PUSHED = "status_pushed"
    COMMENT_PUSHED = "comment_pushed"
    PUSH_FAILED = "push_failed"
    PUSH_SKIPPED = "push_skipped"
    INBOUND_ACTOR = "inbound_actor"
    INBOUND_PAYLOAD = "inbound_payload"
    INBOUND_IGNORED = "inbound_ignored"
    EVENT_REPLAYED = "event_replayed"
    STATUS_MAPPED = "status_mapped"
    ANNOTATION = "annotation"
    ASSIGNEE_CHANGED = "assignee_changed"
    TICKET_DELETED = "ticket_deleted"
    TICKET_RESTORED = "ticket_restored"
    TICKET_MOVED = "ticket_moved"
    TICKET_MISSING = "ticket_missing"
    RESYNC = "resync"
    FORCE_SYNC = "force_sync"
    BACKFILL = "backfill"


def cross_system(vendor: str) -> str:
    """Return the label of every row about a vendor, such as ``itsm-webhook (jira)``."""
    return f"itsm-webhook ({vendor})"


def reconciler(vendor: str) -> str:
    """Return the label of what no webhook told, such as ``itsm-reconciler (jira)``."""
    return f"itsm-reconciler ({vendor})"


def api_actor(key_name: str) -> str:
    """Return the label of what somebody did through the API with the named key."""
    return f"api ({key_name})"
