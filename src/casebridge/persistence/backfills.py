"""Backfills, and the feature flags that let a tenant run them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from casebridge.persistence.schema import PublicRow, Row


class FeatureFlagRow(Row):
    """A feature that a tenant has switched on or off; without a row it is off."""

    __tablename__ = "feature_flags"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(64))
    enabled: Mapped[bool]
    changed_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "name"),)


class BackfillRow(PublicRow):
    """Tickets for the open cases that a connector does not know yet.

    ``ramp_first`` and ``ramp_most`` bound how many tickets are under way at a time; ``total`` is
    how many cases waited when it was made, ``last_case_id`` the last case that was reserved.
    ``resumed_at`` is when it was last set going, ``dead_limit`` the number of dead letters at which
    it pauses by itself, ``note`` why it stands where it stands. ``actor`` asked for it.
    """

    __tablename__ = "backfills"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    connector_id: Mapped[int] = mapped_column(ForeignKey("connectors.id"))
    state: Mapped[str] = mapped_column(String(16))
    ramp_first: Mapped[int]
    ramp_most: Mapped[int]
    tolerance: Mapped[int]
    dead_limit: Mapped[int]
    total: Mapped[int]
    last_case_id: Mapped[int]
    note: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    resumed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_backfills_tenant_id_id", "tenant_id", "id"),
        Index("ix_backfills_connector_id_state", "connector_id", "state"),
        Index("ix_backfills_state", "state"),
    )
