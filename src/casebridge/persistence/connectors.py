"""Connector instances, and the refs that bind a case to a ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from casebridge.persistence.schema import PublicRow, Row, String, Text


class ConnectorRow(PublicRow):
    """One configured instance of a vendor. ``config_sealed`` is the whole configuration, encrypted.

    ``held_by`` is the tenant's feature flag that is off and holds it, NULL when none does.
    ``paused_reason`` is why nothing is pushed, ``paused_by_hand`` whether a person said so;
    ``quiet_until`` is when the vendor takes calls again; ``removed_at`` marks a removed instance,
    whose refs stay. ``calls_per_minute`` (NULL: no limit) and ``in_flight`` are its limits, shared
    by all workers; ``tokens`` and ``tokens_at`` are the state of its bucket. ``changes_cursor`` is
    the vendor's time up to which the reconciler has listed changes, ``changes_listing`` where the
    list that is not at its end goes on (a `Listing` in JSON), ``reconcile_due_at`` when it
    looks again, ``reconcile_token`` and ``reconcile_until`` the lease of the one that is at it.
    ``renewing_until`` is the lease of the one that is renewing the credential. ``version`` counts
    what people changed: name, configuration, status maps, limits, whether it is enabled.
    """

    __tablename__ = "connectors"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    vendor: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    enabled: Mapped[bool]
    held_by: Mapped[str | None] = mapped_column(String(64))
    removed_at: Mapped[datetime | None]
    config_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    status_overrides: Mapped[dict[str, Any]]
    site: Mapped[str] = mapped_column(String(300))
    account_id: Mapped[str | None] = mapped_column(String(200))
    account_name: Mapped[str | None] = mapped_column(String(200))
    paused_reason: Mapped[str | None] = mapped_column(Text)
    paused_at: Mapped[datetime | None]
    paused_by_hand: Mapped[bool]
    quiet_until: Mapped[datetime | None]
    calls_per_minute: Mapped[int | None]
    in_flight: Mapped[int]
    tokens: Mapped[float]
    tokens_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_failure: Mapped[str | None] = mapped_column(Text)
    changes_cursor: Mapped[datetime | None]
    changes_listing: Mapped[str | None] = mapped_column(Text)
    reconciled_at: Mapped[datetime | None]
    reconcile_due_at: Mapped[datetime | None]
    reconcile_error: Mapped[str | None] = mapped_column(Text)
    reconcile_token: Mapped[str | None] = mapped_column(String(40))
    reconcile_until: Mapped[datetime | None]
    renewing_until: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def _partial(name: str, present: str, *columns: str) -> Index:
    """Return an index of the refs in which a column is not NULL."""
    where = text(f"{present} IS NOT NULL")
    name = f"ix_case_external_refs_{name}"
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


class RefRow(PublicRow):
    """A case's ticket at one connector, and how far the convergence of the two has come.

    ``last_pushed_status`` and ``last_inbound_status`` are the specification's; ``settled_status``
    is the case status on which both sides last agreed, whoever moved last, and ``settled_*`` the
    native status that stood for it. ``ticket_status`` is the newest native status known, and
    ``status_noted_at`` when (our time) news of it came in. ``verified_at`` is when the reconciler
    last read the ticket to see that it is there and agrees.
    ``create_attempted_at`` is set while a create may have succeeded unseen, ``status_attempted_at``
    while a status push is under way, ``status_unclear_at`` while one that failed may have moved the
    ticket unseen. ``verify_asked`` has the ticket read before anything else;
    ``force_reason`` has the status pushed past the transition graph, once, in the name of
    ``force_actor``. ``priority`` 0 goes before 1 (backfill); ``backfill_id`` is the backfill that
    reserved it. ``due_at`` is when to look at the ref
    (NULL: nothing to do); a claim takes it, so that a wake-up during the work is not lost, and
    ``lease_*`` say which worker is at it. Times whose name ends in ``seen_at`` are the vendor's:
    watermarks, each for one field; ``assigned_at`` is that of the news that named the assignee.
    """

    __tablename__ = "case_external_refs"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    connector_id: Mapped[int] = mapped_column(ForeignKey("connectors.id"))
    vendor: Mapped[str] = mapped_column(String(32))
    correlation_key: Mapped[str] = mapped_column(String(100), unique=True)
    external_id: Mapped[str | None] = mapped_column(String(200))
    external_key: Mapped[str | None] = mapped_column(String(200))
    external_url: Mapped[str | None] = mapped_column(Text)
    minted_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    key_seen_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    gone_seen_at: Mapped[datetime | None]

    last_pushed_status: Mapped[str | None] = mapped_column(String(16))
    last_inbound_status: Mapped[str | None] = mapped_column(String(16))
    settled_status: Mapped[str | None] = mapped_column(String(16))
    settled_native: Mapped[str | None] = mapped_column(String(200))
    settled_native_id: Mapped[str | None] = mapped_column(String(200))
    ticket_status: Mapped[str | None] = mapped_column(String(200))
    ticket_status_id: Mapped[str | None] = mapped_column(String(200))
    ticket_category: Mapped[str | None] = mapped_column(String(16))
    status_noted_at: Mapped[datetime | None]
    status_seen_at: Mapped[datetime | None]
    assignee_id: Mapped[str | None] = mapped_column(String(200))
    assignee_name: Mapped[str | None] = mapped_column(String(200))
    assignee_email: Mapped[str | None] = mapped_column(String(320))
    assigned_at: Mapped[datetime | None]
    assignee_seen_at: Mapped[datetime | None]
    last_pushed_at: Mapped[datetime | None]
    last_inbound_at: Mapped[datetime | None]

    create_attempted_at: Mapped[datetime | None]
    status_attempted_at: Mapped[datetime | None]
    status_unclear_at: Mapped[datetime | None]
    verify_asked: Mapped[bool]
    force_reason: Mapped[str | None] = mapped_column(Text)
    force_actor: Mapped[str | None] = mapped_column(String(200))
    priority: Mapped[int]
    backfill_id: Mapped[int | None] = mapped_column(ForeignKey("backfills.id"))
    due_at: Mapped[datetime | None]
    attempts: Mapped[int]
    first_failed_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    last_error_kind: Mapped[str | None] = mapped_column(String(64))
    last_error_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("case_id", "connector_id"),
        UniqueConstraint("connector_id", "vendor", "external_id"),
        Index(
            "ix_case_external_refs_tenant_id_vendor_external_id",
            "tenant_id",
            "vendor",
            "external_id",
        ),
        # of the following, most refs are in none: they cost what little is due, failing, assigned
        _partial("due", "due_at", "connector_id", "priority", "due_at"),
        _partial("leased", "lease_until", "connector_id", "lease_until"),
        _partial("failing", "last_error", "connector_id", "last_error_at"),
        _partial("stuck", "last_error", "tenant_id", "case_id"),
        _partial("assignee_id", "assignee_id", "tenant_id", "assignee_id"),
        _partial("assignee_name", "assignee_name", "tenant_id", "assignee_name"),
        _partial("assignee_email", "assignee_email", "tenant_id", "assignee_email"),
        _partial("external_key", "external_key", "tenant_id", "external_key"),
        _partial("ticket_status", "ticket_status", "connector_id", "ticket_status"),
        _partial("backfill", "backfill_id", "backfill_id", "priority"),
        Index(
            "ix_case_external_refs_unminted",
            "tenant_id",
            "case_id",
            sqlite_where=text("external_id IS NULL"),
            postgresql_where=text("external_id IS NULL"),
        ),
    )


class PostedCommentRow(Row):
    """A projected comment on its way to a ticket: attempted, and then posted."""

    __tablename__ = "posted_comments"

    ref_id: Mapped[int] = mapped_column(ForeignKey("case_external_refs.id"))
    key: Mapped[str] = mapped_column(String(80))
    attempted_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (UniqueConstraint("ref_id", "key"),)
