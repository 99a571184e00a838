"""Inbox tokens, the events that came in by them, and the statuses that nobody has mapped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from casebridge.persistence.schema import PublicRow, String, Text


class InboxTokenRow(PublicRow):
    """The right to deliver to a tenant's inbox. The public id is no secret; the secrets are sealed.

    ``previous_sealed`` is the secret before the last rotation, good until ``previous_until``.
    ``scheme`` is how a delivery proves the secret: by a signature, or, for a vendor that cannot
    sign, by carrying the secret itself. ``expires_at`` (NULL: never) is when the token ends.
    """

    __tablename__ = "inbox_tokens"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    connector_id: Mapped[int | None] = mapped_column(ForeignKey("connectors.id"))
    template: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(200))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    previous_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None]
    scheme: Mapped[str] = mapped_column(String(32), server_default="signature")
    timestamp_required: Mapped[bool] = mapped_column(server_default=false())
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class InboundEventRow(PublicRow):
    """One authentic delivery as it came, and what became of it.

    ``scheme`` is how it proved to be authentic; ``external_id`` and ``native_status`` are the
    ticket and the status that it named. ``replay_of`` is the public id of the event that this one
    decides again, and whose payload it has. ``purged_at`` is when headers and body went, at the end
    of their retention; the rest stays, and with it the recognition of duplicates.
    """

    __tablename__ = "inbound_events"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    token_id: Mapped[int] = mapped_column(ForeignKey("inbox_tokens.id"))
    connector_id: Mapped[int | None] = mapped_column(ForeignKey("connectors.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    vendor: Mapped[str | None] = mapped_column(String(32))
    scheme: Mapped[str | None] = mapped_column(String(64))
    external_id: Mapped[str | None] = mapped_column(String(200))
    native_status: Mapped[str | None] = mapped_column(String(200))
    replay_of: Mapped[str | None] = mapped_column(String(40))
    received_at: Mapped[datetime]
    purged_at: Mapped[datetime | None]
    delivery_id: Mapped[str | None] = mapped_column(String(200))
    body_digest: Mapped[str] = mapped_column(String(64))
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    applied: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_inbound_events_token_id_body_digest", "token_id", "body_digest"),
        Index("ix_inbound_events_token_id_delivery_id", "token_id", "delivery_id"),
        Index("ix_inbound_events_tenant_id_id", "tenant_id", "id"),
        Index("ix_inbound_events_case_id", "case_id"),
        Index("ix_inbound_events_connector_id_id", "connector_id", "id"),
        Index("ix_inbound_events_purged_at_received_at", "purged_at", "received_at"),
        Index("ix_inbound_events_replay_of", "replay_of"),
        Index("ix_inbound_events_tenant_id_external_id", "tenant_id", "external_id"),
        Index("ix_inbound_events_tenant_id_reason_id", "tenant_id", "reason", "id"),
    )


class UnmappedStatusRow(PublicRow):
    """A native status that came in without a meaning for a case.

    ``mapped_to`` is the case status that somebody gave it since, at ``mapped_at``; what it means
    now, the connector's maps say. ``dismissed_at`` is when somebody said that it has no meaning.
    """

    __tablename__ = "unmapped_statuses"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    connector_id: Mapped[int] = mapped_column(ForeignKey("connectors.id"))
    name: Mapped[str] = mapped_column(String(200))
    native_id: Mapped[str | None] = mapped_column(String(200))
    category: Mapped[str | None] = mapped_column(String(16))
    seen: Mapped[int]
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    mapped_to: Mapped[str | None] = mapped_column(String(16))
    mapped_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("connector_id", "name"),)
