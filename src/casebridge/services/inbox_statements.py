"""What the inbox asks of the database for a whole group of deliveries, in statements made once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import insert, or_, select, update

from casebridge.domain.decision import FINAL
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.inbox import InboundEventRow, InboxTokenRow
from casebridge.persistence.loaded import Table, among, listed
from casebridge.persistence.tenants import TenantRow
from casebridge.services.known_tokens import TERMS

CASE: Final = Table(
    CaseRow,
    (
        "tenant_id",
        "status",
        "status_trail",
        "status_changed_at",
        "version",
        "assignee_id",
        "assignee_name",
        "assignee_email",
        "updated_at",
    ),
)
REF: Final = Table(
    RefRow,
    (
        "tenant_id",
        "case_id",
        "connector_id",
        "vendor",
        "external_id",
        "external_key",
        "external_url",
        "key_seen_at",
        "gone_at",
        "gone_seen_at",
        "last_inbound_status",
        "settled_status",
        "settled_native",
        "settled_native_id",
        "ticket_status",
        "ticket_status_id",
        "ticket_category",
        "status_noted_at",
        "status_seen_at",
        "assignee_id",
        "assignee_name",
        "assignee_email",
        "assigned_at",
        "assignee_seen_at",
        "last_inbound_at",
        "status_attempted_at",
        "status_unclear_at",
        "verify_asked",
        "due_at",
        "last_error",
        "dead_at",
        "updated_at",
    ),
)
CONNECTOR: Final = Table(
    ConnectorRow,
    (
        "public_id",
        "tenant_id",
        "vendor",
        "enabled",
        "held_by",
        "removed_at",
        "config_sealed",
        "status_overrides",
        "site",
        "account_id",
        "updated_at",
    ),
)


class Statements:
    """The statements for one kind of database; lists are given to them as `lists` makes them."""

    def __init__(self, *, is_sqlite: bool) -> None:
        """Make them."""
        self._is_sqlite = is_sqlite
        event, token = InboundEventRow, InboxTokenRow
        is_named = sa.and_(
            self._among(RefRow.connector_id, "connectors"),
            self._among(RefRow.vendor, "vendors"),
            self._among(RefRow.external_id, "tickets"),
        )
        dealt_with = or_(event.applied, event.reason.in_(FINAL))
        of_tokens = self._among(event.token_id, "tokens")
        self.tokens = select(token.id, *TERMS).where(self._among(token.id, "tokens"))
        self.tenants = select(TenantRow.id, TenantRow.public_id).where(
            self._among(TenantRow.id, "tenants")
        )
        self.connectors = (
            select(*CONNECTOR.columns)
            .where(self._among(ConnectorRow.tenant_id, "tenants"))
            .order_by(ConnectorRow.id)
        )
        self.lock_cases = (
            select(CaseRow.id)
            .where(CaseRow.id.in_(select(RefRow.case_id).where(is_named)))
            .order_by(CaseRow.id)
            .with_for_update(key_share=True)
        )
        self.refs = (
            select(*REF.columns, *CASE.columns)
            .join(CaseRow, CaseRow.id == RefRow.case_id)
            .where(is_named)
        )
        self.same_bodies = select(event.token_id, event.body_digest).where(
            of_tokens, self._among(event.body_digest, "digests"), dealt_with
        )
        self.same_ids = select(event.token_id, event.vendor, event.delivery_id).where(
            of_tokens, self._among(event.delivery_id, "deliveries"), dealt_with
        )
        self.refs_of_cases = select(*REF.columns).where(self._among(RefRow.case_id, "cases"))
        self.add_events = insert(cast("sa.Table", event.__table__)).returning(
            event.id, event.public_id
        )
        self.add_lines = insert(cast("sa.Table", TimelineRow.__table__))
        self.note_use = (
            update(token)
            .where(self._among(token.id, "tokens"))
            .values(last_used_at=sa.bindparam("now", type_=token.last_used_at.type))
        )

    def lists(self, **values: Iterable[Any]) -> dict[str, Any]:
        """Return lists as the statements take them."""
        return {
            name: listed(dict.fromkeys(each), is_sqlite=self._is_sqlite)
            for name, each in values.items()
        }

    def _among(self, column: Any, name: str) -> sa.ColumnElement[bool]:  # noqa: ANN401 - any column
        return among(column, name, is_sqlite=self._is_sqlite)


def as_stored(kind: Any, value: Any) -> Any:  # noqa: ANN401 - any type of texts
    """Return a text as a column of this type holds it, to be compared with what is read."""
    return kind.process_bind_param(value, None)
