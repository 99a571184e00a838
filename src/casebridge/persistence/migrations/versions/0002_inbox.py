"""What the inbox needs: schemes and ends of tokens, replays, mapped statuses, a reconciler."""

from __future__ import annotations

import base64
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
NEW_INDEXES = (
    ("case_id",),
    ("purged_at", "received_at"),
    ("replay_of",),
    ("tenant_id", "external_id"),
    ("tenant_id", "reason", "id"),
)
OF_THE_TIMELINE = "ix_timeline_connector_id_at_kind"
WHAT_IS_KNOWN = (
    "UPDATE annotations SET seen_at = coalesce(edited_at, written_at)",
    """
    UPDATE case_external_refs SET
        key_seen_at = status_seen_at,
        assigned_at = CASE WHEN assignee_id IS NOT NULL
            THEN coalesce(assignee_seen_at, updated_at) END,
        assignee_name = (SELECT cases.assignee_name FROM cases
            WHERE cases.id = case_id AND cases.assignee_id = case_external_refs.assignee_id),
        assignee_email = (SELECT cases.assignee_email FROM cases
            WHERE cases.id = case_id AND cases.assignee_id = case_external_refs.assignee_id)
    """,
)


def upgrade() -> None:
    """Add the columns with what is known, and name the unmapped statuses that are there."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)
    for indexed in NEW_INDEXES:
        op.create_index(_index_name(indexed), "inbound_events", list(indexed))
    op.create_index(OF_THE_TIMELINE, "timeline", ["connector_id", "at", "kind"])
    for statement in WHAT_IS_KNOWN:
        op.execute(statement)
    connection = op.get_bind()
    rows = sa.table("unmapped_statuses", sa.column("id"), sa.column("public_id"))
    for (row_id,) in connection.execute(sa.select(rows.c.id)).all():
        connection.execute(rows.update().where(rows.c.id == row_id).values(public_id=_new_id()))
    with op.batch_alter_table("unmapped_statuses") as batch:
        batch.alter_column("public_id", existing_type=sa.String(40), nullable=False)
        batch.create_unique_constraint("uq_unmapped_statuses_public_id", ["public_id"])


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("unmapped_statuses") as batch:
        batch.drop_constraint("uq_unmapped_statuses_public_id", type_="unique")
    op.drop_index(OF_THE_TIMELINE, "timeline")
    for indexed in NEW_INDEXES:
        op.drop_index(_index_name(indexed), "inbound_events")
    for table, columns in _new_columns().items():
        for column in columns:
            op.drop_column(table, column.name)


def _index_name(columns: tuple[str, ...]) -> str:
    return f"ix_inbound_events_{'_'.join(columns)}"


def _new_id() -> str:
    return f"uns_{base64.b32encode(secrets.token_bytes(12)).decode().rstrip('=').lower()}"


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    off = sa.false()
    return {
        "annotations": [sa.Column("seen_at", MOMENT)],
        "case_external_refs": [
            sa.Column("status_noted_at", MOMENT),
            sa.Column("verified_at", MOMENT),
            sa.Column("key_seen_at", MOMENT),
            sa.Column("gone_seen_at", MOMENT),
            sa.Column("assignee_name", sa.String(200)),
            sa.Column("assignee_email", sa.String(320)),
            sa.Column("assigned_at", MOMENT),
        ],
        "connectors": [
            sa.Column("changes_cursor", MOMENT),
            sa.Column("changes_listing", sa.Text()),
            sa.Column("reconciled_at", MOMENT),
            sa.Column("reconcile_due_at", MOMENT),
            sa.Column("reconcile_error", sa.Text()),
            sa.Column("reconcile_token", sa.String(40)),
            sa.Column("reconcile_until", MOMENT),
            sa.Column("renewing_until", MOMENT),
        ],
        "inbound_events": [
            sa.Column("scheme", sa.String(64)),
            sa.Column("external_id", sa.String(200)),
            sa.Column("native_status", sa.String(200)),
            sa.Column("replay_of", sa.String(40)),
            sa.Column("purged_at", MOMENT),
        ],
        "inbox_tokens": [
            sa.Column("scheme", sa.String(32), server_default="signature", nullable=False),
            sa.Column("timestamp_required", sa.Boolean(), server_default=off, nullable=False),
            sa.Column("expires_at", MOMENT),
        ],
        "unmapped_statuses": [
            sa.Column("mapped_to", sa.String(16)),
            sa.Column("mapped_at", MOMENT),
            sa.Column("dismissed_at", MOMENT),
            sa.Column("public_id", sa.String(40)),
        ],
    }
