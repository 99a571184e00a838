"""The canonical record, its connectors, refs, inbox and timeline."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = {
    "sqlite": (
        (
            "CREATE TRIGGER timeline_no_update BEFORE UPDATE ON timeline"
            " BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END"
        ),
        (
            "CREATE TRIGGER timeline_no_delete BEFORE DELETE ON timeline"
            " BEGIN SELECT RAISE(ABORT, 'the timeline is append-only'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION timeline_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the timeline is append-only'; END $$"
        ),
        (
            "CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline"
            " FOR EACH ROW EXECUTE FUNCTION timeline_append_only()"
        ),
    ),
}


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "tenants",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("name", name="uq_tenants_name"),
        sa.UniqueConstraint("public_id", name="uq_tenants_public_id"),
    )
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_api_keys_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
        sa.UniqueConstraint("public_id", name="uq_api_keys_public_id"),
    )
    op.create_index("ix_api_keys_tenant_id", "api_keys", ["tenant_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("agent_summary", sa.Text(), nullable=True),
        sa.Column("severity_initial", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_trail", sa.JSON(), nullable=False),
        sa.Column("status_changed_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deep_link", sa.Text(), nullable=False),
        sa.Column("detection_rules", sa.JSON(), nullable=False),
        sa.Column("raw_events", sa.JSON(), nullable=False),
        sa.Column("entities", sa.JSON(), nullable=False),
        sa.Column("assignee_id", sa.String(length=200), nullable=True),
        sa.Column("assignee_name", sa.String(length=200), nullable=True),
        sa.Column("assignee_email", sa.String(length=320), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_cases_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("public_id", name="uq_cases_public_id"),
    )
    op.create_index(
        "ix_cases_tenant_id_assignee_id_id",
        "cases",
        ["tenant_id", "assignee_id", "id"],
        unique=False,
    )
    op.create_index("ix_cases_tenant_id_id", "cases", ["tenant_id", "id"], unique=False)
    op.create_index(
        "ix_cases_tenant_id_status_id", "cases", ["tenant_id", "status", "id"], unique=False
    )
    op.create_table(
        "connectors",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("config_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("status_overrides", sa.JSON(), nullable=False),
        sa.Column("site", sa.String(length=300), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=True),
        sa.Column("account_name", sa.String(length=200), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("paused_at", MOMENT, nullable=True),
        sa.Column("paused_by_hand", sa.Boolean(), nullable=False),
        sa.Column("quiet_until", MOMENT, nullable=True),
        sa.Column("calls_per_minute", sa.Integer(), nullable=True),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("tokens_at", MOMENT, nullable=True),
        sa.Column("last_success_at", MOMENT, nullable=True),
        sa.Column("last_failure_at", MOMENT, nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_connectors_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_connectors"),
        sa.UniqueConstraint("public_id", name="uq_connectors_public_id"),
    )
    op.create_index("ix_connectors_tenant_id", "connectors", ["tenant_id"], unique=False)
    op.create_table(
        "feature_flags",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_feature_flags_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_feature_flags"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_feature_flags_tenant_id_name"),
    )
    op.create_table(
        "backfills",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ramp_first", sa.Integer(), nullable=False),
        sa.Column("ramp_most", sa.Integer(), nullable=False),
        sa.Column("tolerance", sa.Integer(), nullable=False),
        sa.Column("dead_limit", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("last_case_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("resumed_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_backfills_connector_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_backfills_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_backfills"),
        sa.UniqueConstraint("public_id", name="uq_backfills_public_id"),
    )
    op.create_index(
        "ix_backfills_connector_id_state", "backfills", ["connector_id", "state"], unique=False
    )
    op.create_index("ix_backfills_state", "backfills", ["state"], unique=False)
    op.create_index("ix_backfills_tenant_id_id", "backfills", ["tenant_id", "id"], unique=False)
    op.create_table(
        "containment_actions",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_containment_actions_case_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_containment_actions_tenant_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_containment_actions"),
        sa.UniqueConstraint("public_id", name="uq_containment_actions_public_id"),
    )
    op.create_index(
        "ix_containment_actions_case_id", "containment_actions", ["case_id"], unique=False
    )
    op.create_table(
        "inbox_tokens",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=True),
        sa.Column("template", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("rotated_at", MOMENT, nullable=True),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_inbox_tokens_connector_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_inbox_tokens_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_tokens"),
        sa.UniqueConstraint("public_id", name="uq_inbox_tokens_public_id"),
    )
    op.create_index("ix_inbox_tokens_tenant_id", "inbox_tokens", ["tenant_id"], unique=False)
    op.create_table(
        "unmapped_statuses",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("native_id", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=16), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_unmapped_statuses_connector_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_unmapped_statuses_tenant_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_unmapped_statuses"),
        sa.UniqueConstraint("connector_id", "name", name="uq_unmapped_statuses_connector_id_name"),
    )
    op.create_index(
        "ix_unmapped_statuses_tenant_id", "unmapped_statuses", ["tenant_id"], unique=False
    )
    op.create_table(
        "case_external_refs",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("correlation_key", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("external_key", sa.String(length=200), nullable=True),
        sa.Column("external_url", sa.Text(), nullable=True),
        sa.Column("minted_at", MOMENT, nullable=True),
        sa.Column("gone_at", MOMENT, nullable=True),
        sa.Column("last_pushed_status", sa.String(length=16), nullable=True),
        sa.Column("last_inbound_status", sa.String(length=16), nullable=True),
        sa.Column("settled_status", sa.String(length=16), nullable=True),
        sa.Column("settled_native", sa.String(length=200), nullable=True),
        sa.Column("settled_native_id", sa.String(length=200), nullable=True),
        sa.Column("ticket_status", sa.String(length=200), nullable=True),
        sa.Column("ticket_status_id", sa.String(length=200), nullable=True),
        sa.Column("ticket_category", sa.String(length=16), nullable=True),
        sa.Column("status_seen_at", MOMENT, nullable=True),
        sa.Column("assignee_id", sa.String(length=200), nullable=True),
        sa.Column("assignee_seen_at", MOMENT, nullable=True),
        sa.Column("last_pushed_at", MOMENT, nullable=True),
        sa.Column("last_inbound_at", MOMENT, nullable=True),
        sa.Column("create_attempted_at", MOMENT, nullable=True),
        sa.Column("status_attempted_at", MOMENT, nullable=True),
        sa.Column("status_unclear_at", MOMENT, nullable=True),
        sa.Column("verify_asked", sa.Boolean(), nullable=False),
        sa.Column("force_reason", sa.Text(), nullable=True),
        sa.Column("force_actor", sa.String(length=200), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("backfill_id", sa.Integer(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_kind", sa.String(length=64), nullable=True),
        sa.Column("last_error_at", MOMENT, nullable=True),
        sa.Column("dead_at", MOMENT, nullable=True),
        sa.Column("lease_token", sa.String(length=40), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["backfill_id"], ["backfills.id"], name="fk_case_external_refs_backfill_id"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_external_refs_case_id"),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_case_external_refs_connector_id"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name="fk_case_external_refs_tenant_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_external_refs"),
        sa.UniqueConstraint(
            "case_id", "connector_id", name="uq_case_external_refs_case_id_connector_id"
        ),
        sa.UniqueConstraint(
            "connector_id",
            "vendor",
            "external_id",
            name="uq_case_external_refs_connector_id_vendor_external_id",
        ),
        sa.UniqueConstraint("correlation_key", name="uq_case_external_refs_correlation_key"),
        sa.UniqueConstraint("public_id", name="uq_case_external_refs_public_id"),
    )
    op.create_index(
        "ix_case_external_refs_backfill_id", "case_external_refs", ["backfill_id"], unique=False
    )
    op.create_index(
        "ix_case_external_refs_case_id", "case_external_refs", ["case_id"], unique=False
    )
    op.create_index(
        "ix_case_external_refs_connector_id_priority_due_at",
        "case_external_refs",
        ["connector_id", "priority", "due_at"],
        unique=False,
    )
    op.create_index(
        "ix_case_external_refs_due_at_connector_id",
        "case_external_refs",
        ["due_at", "connector_id"],
        unique=False,
    )
    op.create_index(
        "ix_case_external_refs_lease_until", "case_external_refs", ["lease_until"], unique=False
    )
    op.create_index(
        "ix_case_external_refs_tenant_id_vendor_external_id",
        "case_external_refs",
        ["tenant_id", "vendor", "external_id"],
        unique=False,
    )
    op.create_table(
        "inbound_events",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("token_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("vendor", sa.String(length=32), nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("delivery_id", sa.String(length=200), nullable=True),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_inbound_events_case_id"),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_inbound_events_connector_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_inbound_events_tenant_id"),
        sa.ForeignKeyConstraint(
            ["token_id"], ["inbox_tokens.id"], name="fk_inbound_events_token_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_events"),
        sa.UniqueConstraint("public_id", name="uq_inbound_events_public_id"),
    )
    op.create_index(
        "ix_inbound_events_tenant_id_id", "inbound_events", ["tenant_id", "id"], unique=False
    )
    op.create_index(
        "ix_inbound_events_token_id_body_digest",
        "inbound_events",
        ["token_id", "body_digest"],
        unique=False,
    )
    op.create_index(
        "ix_inbound_events_token_id_delivery_id",
        "inbound_events",
        ["token_id", "delivery_id"],
        unique=False,
    )
    op.create_table(
        "annotations",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("ref_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("author_id", sa.String(length=200), nullable=True),
        sa.Column("author_name", sa.String(length=200), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=True),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("edited_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_annotations_case_id"),
        sa.ForeignKeyConstraint(
            ["ref_id"], ["case_external_refs.id"], name="fk_annotations_ref_id"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_annotations_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
        sa.UniqueConstraint("public_id", name="uq_annotations_public_id"),
        sa.UniqueConstraint("ref_id", "external_id", name="uq_annotations_ref_id_external_id"),
    )
    op.create_index("ix_annotations_case_id", "annotations", ["case_id"], unique=False)
    op.create_table(
        "posted_comments",
        sa.Column("ref_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("attempted_at", MOMENT, nullable=True),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ref_id"], ["case_external_refs.id"], name="fk_posted_comments_ref_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_posted_comments"),
        sa.UniqueConstraint("ref_id", "key", name="uq_posted_comments_ref_id_key"),
    )
    op.create_table(
        "timeline",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("actor_label", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_timeline_case_id"),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name="fk_timeline_connector_id"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["inbound_events.id"], name="fk_timeline_event_id"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_timeline_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_timeline"),
    )
    op.create_index("ix_timeline_case_id_id", "timeline", ["case_id", "id"], unique=False)
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "timeline",
        "posted_comments",
        "annotations",
        "inbound_events",
        "case_external_refs",
        "unmapped_statuses",
        "inbox_tokens",
        "containment_actions",
        "backfills",
        "feature_flags",
        "connectors",
        "cases",
        "api_keys",
        "tenants",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION timeline_append_only()")
