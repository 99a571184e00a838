"""What concurrent edits need: a version of every connector."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    version = sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1"))
    op.add_column("connectors", version)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("connectors", "version")
