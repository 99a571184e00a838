"""What the API shows of connectors."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.connector_terms import Limits
from casebridge.services.reconciliation import ReconcileView
from casebridge.web.views import FailureView, failure_of
from casebridge_core import CheckLine, NativeStatus, StatusOverrides


class ConnectorView(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's card. ``state`` is one of active, held, disabled, paused, plugin missing.

    ``held_by`` is the tenant's feature flag that is off and holds it.

    ``config`` has its secrets masked; it is None when it cannot be used, and then
    ``config_problem`` says why and what helps. ``reconcile`` is how far the search for missed
    webhooks has come, None where the vendor cannot be asked.
    ``version`` moves with every edit.
    """

    id: str
    vendor: str
    name: str
    state: str
    held_by: str | None
    paused_reason: str | None
    config: dict[str, Any] | None
    config_problem: str | None
    statuses: StatusOverrides
    account: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None
    quiet_until: datetime | None
    reconcile: ReconcileView | None
    limits: Limits
    version: int
    created_at: datetime


class FailingTicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket of a connector that is not where its case is, and why."""

    id: str
    key: str | None
    failure: FailureView | None

    @classmethod
    def of(cls, ref: RefRow) -> FailingTicketView:
        """Show a ref."""
        return cls(id=ref.public_id, key=ref.external_key, failure=failure_of(ref))


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """A connection check: ``ok`` is whether every line is well."""

    ok: bool
    lines: tuple[CheckLine, ...]
    statuses: tuple[NativeStatus, ...]


class Scheduled(msgspec.Struct, frozen=True):
    """How many tickets will be looked at."""

    tickets: int


def connector_view(bridge: Bridge, row: ConnectorRow) -> ConnectorView:
    """Show a connector."""
    missing = row.vendor not in bridge.catalog
    state = "active" if row.held_by is None else "held"
    if not row.enabled:
        state = "disabled"
    if row.paused_at is not None:
        state = "paused"
    if missing:
        state = "plugin missing"
    return ConnectorView(
        id=row.public_id,
        vendor=row.vendor,
        name=row.name,
        state=state,
        held_by=row.held_by,
        paused_reason=row.paused_reason,
        config=bridge.connectors.configs.visible(row),
        config_problem=bridge.connectors.configs.problem(row),
        statuses=msgspec.convert(row.status_overrides, StatusOverrides),
        account=row.account_name or row.account_id,
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        last_failure=row.last_failure,
        quiet_until=row.quiet_until,
        reconcile=bridge.reconciliation.view(row),
        limits=Limits(calls_per_minute=row.calls_per_minute, in_flight=row.in_flight),
        version=row.version,
        created_at=row.created_at,
    )
