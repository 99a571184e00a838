"""Rows as a test needs them: complete, and with nothing but what matters to choose."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import CASE, CONNECTOR, REF, TENANT, correlation_key, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.schema import Row
from casebridge.persistence.tenants import TenantRow

RowT = TypeVar("RowT", bound=Row)
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def add_tenant(session: AsyncSession) -> TenantRow:
    """Add a tenant of its own name."""
    public_id = new_id(TENANT)
    return await _added(session, TenantRow(public_id=public_id, name=public_id, created_at=NOON))


async def add_case(session: AsyncSession, tenant: TenantRow, **fields: Any) -> CaseRow:
    """Add an open case."""
    values: dict[str, Any] = {
        "public_id": new_id(CASE),
        "tenant_id": tenant.id,
        "title": "Suspicious sign-in",
        "summary": "",
        "severity_initial": "medium",
        "severity": "medium",
        "status": "open",
        "status_trail": ["open"],
        "status_changed_at": NOON,
        "version": 1,
        "deep_link": "https://soc.example/cases/1",
        "detection_rules": [],
        "raw_events": [],
        "entities": [],
        "created_at": NOON,
        "updated_at": NOON,
    }
    return await _added(session, CaseRow(**{**values, **fields}))


async def add_connector(session: AsyncSession, tenant: TenantRow, **fields: Any) -> ConnectorRow:
    """Add an enabled connector of the vendor acme; its configuration is not to be opened."""
    values: dict[str, Any] = {
        "public_id": new_id(CONNECTOR),
        "tenant_id": tenant.id,
        "vendor": "acme",
        "name": "acme",
        "enabled": True,
        "paused_by_hand": False,
        "in_flight": 8,
        "tokens": 0.0,
        "config_sealed": b"",
        "status_overrides": {},
        "site": "acme.example",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return await _added(session, ConnectorRow(**{**values, **fields}))


async def add_ref(
    session: AsyncSession, case: CaseRow, connector: ConnectorRow, **fields: Any
) -> RefRow:
    """Add a ref that is due."""
    public_id = new_id(REF)
    values: dict[str, Any] = {
        "public_id": public_id,
        "tenant_id": case.tenant_id,
        "case_id": case.id,
        "connector_id": connector.id,
        "vendor": connector.vendor,
        "correlation_key": correlation_key(public_id),
        "verify_asked": False,
        "priority": 0,
        "attempts": 0,
        "due_at": NOON,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return await _added(session, RefRow(**{**values, **fields}))


async def _added(session: AsyncSession, row: RowT) -> RowT:
    session.add(row)
    await session.flush()
    return row
