"""Indexes of what is asked for often: partial ones, that hold what is due, failing or assigned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

REFS = "case_external_refs"
NEW = {
    "due": ("due_at IS NOT NULL", ("connector_id", "priority", "due_at")),
    "leased": ("lease_until IS NOT NULL", ("connector_id", "lease_until")),
    "failing": ("last_error IS NOT NULL", ("connector_id", "last_error_at")),
    "stuck": ("last_error IS NOT NULL", ("tenant_id", "case_id")),
    "assignee_id": ("assignee_id IS NOT NULL", ("tenant_id", "assignee_id")),
    "assignee_name": ("assignee_name IS NOT NULL", ("tenant_id", "assignee_name")),
    "assignee_email": ("assignee_email IS NOT NULL", ("tenant_id", "assignee_email")),
    "external_key": ("external_key IS NOT NULL", ("tenant_id", "external_key")),
    "ticket_status": ("ticket_status IS NOT NULL", ("connector_id", "ticket_status")),
    "backfill": ("backfill_id IS NOT NULL", ("backfill_id", "priority")),
    "unminted": ("external_id IS NULL", ("tenant_id", "case_id")),
}
OLD = (
    ("due_at", "connector_id"),
    ("connector_id", "priority", "due_at"),
    ("lease_until",),
    ("case_id",),  # a unique constraint begins with it
    ("backfill_id",),
)


def upgrade() -> None:
    """Replace the full indexes of what is mostly NULL, and add those that were missing."""
    for former in OLD:
        op.drop_index(_old_name(former), REFS)
    for name, (condition, columns) in NEW.items():
        where = sa.text(condition)
        op.create_index(
            _new_name(name), REFS, list(columns), sqlite_where=where, postgresql_where=where
        )
    op.create_index("ix_cases_tenant_id_severity_id", "cases", ["tenant_id", "severity", "id"])
    op.create_index("ix_inbound_events_connector_id_id", "inbound_events", ["connector_id", "id"])


def downgrade() -> None:
    """Put the former indexes back."""
    op.drop_index("ix_inbound_events_connector_id_id", "inbound_events")
    op.drop_index("ix_cases_tenant_id_severity_id", "cases")
    for name in NEW:
        op.drop_index(_new_name(name), REFS)
    for former in OLD:
        op.create_index(_old_name(former), REFS, list(former))


def _new_name(name: str) -> str:
    return f"ix_{REFS}_{name}"


def _old_name(columns: tuple[str, ...]) -> str:
    return f"ix_{REFS}_{'_'.join(columns)}"
