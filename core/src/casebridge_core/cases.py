"""The case, and the part of it that leaves: frozen values, never a database row."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class CaseStatus(StrEnum):
    """The status ladder of a case, lowest first. Any status can move to any other."""

    OPEN = "open"
    TRIAGE = "triage"
    CONTAINED = "contained"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Severity(StrEnum):
    """The severity of a case, highest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"


class EntityKind(StrEnum):
    """What an involved entity is."""

    HOST = "host"
    USER = "user"
    IP = "ip"
    DOMAIN = "domain"
    HASH = "hash"
    FILE = "file"
    VULNERABILITY = "vulnerability"


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One entity that the case involves, such as the host ``web-01``."""

    kind: EntityKind
    value: str


class ContainmentAction(msgspec.Struct, frozen=True, kw_only=True):
    """One action that was issued to contain the case, and what came of it.

    ``id`` is stable and unique, ``at`` is timezone-aware UTC, ``outcome`` is the answer in words
    ("isolated", "refused: agent offline").
    """

    id: str
    action: str
    target: str
    outcome: str
    at: datetime


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A read-only snapshot of the canonical record, given to projection hooks only.

    A vendor never sees it: `CaseProjection` is what leaves. Times are timezone-aware UTC.
    """

    id: str
    tenant_id: str
    title: str
    summary: str
    severity_initial: Severity
    severity: Severity
    status: CaseStatus
    deep_link: str
    created_at: datetime
    agent_summary: str | None = None
    detection_rules: tuple[str, ...] = ()
    raw_events: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    containment_actions: tuple[ContainmentAction, ...] = ()


class CommentKind(StrEnum):
    """Why a comment is projected: the two kinds that the projection knows, and no others."""

    AGENT_SUMMARY = "agent_summary"
    CONTAINMENT = "containment"


class ProjectedComment(msgspec.Struct, frozen=True, kw_only=True):
    """One comment that the ticket shall carry exactly once.

    ``key`` identifies it for ever (at most 80 characters of ``[A-Za-z0-9._:-]``): a plugin writes
    it into the comment and finds it again by it. ``at`` is when it came to be, UTC.
    """

    key: str
    kind: CommentKind
    text: str
    at: datetime


class CaseProjection(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a case that a vendor may see, and nothing else.

    ``correlation_key`` (at most 100 characters of ``[A-Za-z0-9._:-]``, no white space) must end up
    searchable in the ticket: it is how a ticket is found again after an unclear outcome.
    ``severity`` is the initial one; later changes are never projected.
    """

    case_id: str
    correlation_key: str
    title: str
    summary: str
    severity: Severity
    status: CaseStatus
    deep_link: str
    opened_at: datetime
    detections: tuple[str, ...] = ()
    raw_event_count: int = 0
    entities: tuple[Entity, ...] = ()
    comments: tuple[ProjectedComment, ...] = ()
