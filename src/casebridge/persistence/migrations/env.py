"""Alembic's entry point: it runs on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from casebridge.persistence import backfills, cases, connectors, idempotency, inbox, tenants
from casebridge.persistence.schema import Row

TABLES = (backfills, cases, connectors, idempotency, inbox, tenants)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
