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
NEW_INDEXES = {
    "ix_inbound_events_case_id": "case_id",
    "ix_inbound_events_received_at": "received_at",
}


def upgrade() -> None:
    """Add the columns, and name the unmapped statuses that are there."""
    for table, columns in _new_columns().items():
        for column in columns:
            op.add_column(table, column)
    for name, column in NEW_INDEXES.items():
        op.create_index(name, "inbound_events", [column])
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
    for name in NEW_INDEXES:
        op.drop_index(name, "inbound_events")
    for table, columns in _new_columns().items():
        for column in columns:
            op.drop_column(table, column.name)


def _new_id() -> str:
    return f"uns_{base64.b32encode(secrets.token_bytes(12)).decode().rstrip('=').lower()}"


def _new_columns() -> dict[str, list[sa.Column[Any]]]:
    off = sa.false()
    return {
        "annotations": [sa.Column("seen_at", MOMENT)],
        "connectors": [
            sa.Column("changes_cursor", MOMENT),
            sa.Column("reconciled_at", MOMENT),
            sa.Column("reconcile_due_at", MOMENT),
            sa.Column("reconcile_error", sa.Text()),
            sa.Column("reconcile_token", sa.String(40)),
            sa.Column("reconcile_until", MOMENT),
        ],
        "inbound_events": [
            sa.Column("scheme", sa.String(64)),
            sa.Column("external_id", sa.String(200)),
            sa.Column("native_status", sa.String(200)),
            sa.Column("replay_of", sa.String(40)),
        ],
        "inbox_tokens": [
            sa.Column("scheme", sa.String(32), server_default="signature", nullable=False),
            sa.Column("timestamp_required", sa.Boolean(), server_default=off, nullable=False),
            sa.Column("expires_at", MOMENT),
        ],
        "unmapped_statuses": [
            sa.Column("mapped_to", sa.String(16)),
            sa.Column("mapped_at", MOMENT),
            sa.Column("public_id", sa.String(40)),
        ],
    }
