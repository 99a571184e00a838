"""The canonical record: cases, their timeline, containment actions and annotations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casebridge.persistence.schema import PublicRow, Row, String, Text


class CaseRow(PublicRow):
    """A security case. ``status_trail`` are the statuses held, most recent first, each once."""

    __tablename__ = "cases"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    agent_summary: Mapped[str | None] = mapped_column(Text)
    severity_initial: Mapped[str] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    status_trail: Mapped[list[str]]
    status_changed_at: Mapped[datetime]
    version: Mapped[int]
    deep_link: Mapped[str] = mapped_column(Text)
    detection_rules: Mapped[list[str]]
    raw_events: Mapped[list[str]]
    entities: Mapped[list[dict[str, str]]]
    assignee_id: Mapped[str | None] = mapped_column(String(200))
    assignee_name: Mapped[str | None] = mapped_column(String(200))
    assignee_email: Mapped[str | None] = mapped_column(String(320))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_cases_tenant_id_status_id", "tenant_id", "status", "id"),
        Index("ix_cases_tenant_id_severity_id", "tenant_id", "severity", "id"),
        Index("ix_cases_tenant_id_assignee_id_id", "tenant_id", "assignee_id", "id"),
        Index("ix_cases_tenant_id_id", "tenant_id", "id"),
    )


class TimelineRow(Row):
    """One line of a case's audit trail; rows are only ever added (a trigger enforces it)."""

    __tablename__ = "timeline"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    actor_label: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    connector_id: Mapped[int | None] = mapped_column(ForeignKey("connectors.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("inbound_events.id"))
    detail: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_timeline_case_id_id", "case_id", "id"),
        Index("ix_timeline_connector_id_at_kind", "connector_id", "at", "kind"),
    )


class ContainmentActionRow(PublicRow):
    """An action issued to contain the case, with its outcome in words."""

    __tablename__ = "containment_actions"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    action: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class AnnotationRow(PublicRow):
    """A human's comment in an ITSM, kept with the case; a deleted one keeps its row.

    ``seen_at`` is the vendor's time of the newest that is known of it.
    """

    __tablename__ = "annotations"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    ref_id: Mapped[int] = mapped_column(ForeignKey("case_external_refs.id"))
    external_id: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[str | None] = mapped_column(String(200))
    author_name: Mapped[str | None] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    internal: Mapped[bool | None]
    written_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("ref_id", "external_id"),)
