"""What feature flags need: which of them holds a connector."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("connectors", sa.Column("held_by", sa.String(64), nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("connectors", "held_by")
