"""The doctor's look at each connector: its pause, its vendor's check line by line, its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from sqlalchemy import select

from casebridge.cli.examination import verdicts
from casebridge.cli.examination.verdicts import Finding
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.last_delivery import last_delivery
from casebridge.services.reach import Reach
from casebridge.services.vault import Vault, VaultError
from casebridge.settings import Settings
from casebridge_core import CasebridgeError, CheckLine, Connector, ConnectorCatalog

_MENDED = "Mend it as the sentence says, then run `casebridge connector check`."


@dataclass
class Visited:
    """What was seen besides: by how many seconds our clock is ahead, by the vendor's name."""

    ahead: dict[str, float] = field(default_factory=dict)


async def configured(database: Database) -> Sequence[tuple[ConnectorRow, TenantRow]]:
    """Return every connector that is not removed, with its tenant."""
    query = (
        select(ConnectorRow, TenantRow)
        .join(TenantRow, TenantRow.id == ConnectorRow.tenant_id)
        .where(ConnectorRow.removed_at.is_(None))
        .order_by(ConnectorRow.id)
    )
    async with database.read() as session:
        return [(row, tenant) for row, tenant in await session.execute(query)]


async def visit(
    settings: Settings,
    database: Database,
    vault: Vault,
    catalog: ConnectorCatalog,
    rows: Sequence[tuple[ConnectorRow, TenantRow]],
    clock: Clock,
    visited: Visited,
) -> AsyncIterator[Finding]:
    """Check each connector whose plugin is there; none is resumed by it."""
    connections = Connections(
        database,
        catalog,
        vault,
        clock,
        timeout=settings.vendor_timeout_seconds,
        reach=Reach.of(settings.private_hosts, settings.plain_http_hosts),
    )
    try:
        for row, tenant in rows:
            if row.vendor not in catalog:
                continue
            about = f"connector {row.name}"
            if not row.enabled:
                yield Finding(about=about, check="enabled", ok=None, detail="switched off")
                continue
            if row.paused_at is not None:
                yield verdicts.paused(about, row.paused_reason or "", by_hand=row.paused_by_hand)
            for line in await _lines(connections, database, row, tenant.public_id, clock, visited):
                yield Finding(
                    about=about,
                    check=line.name,
                    ok=line.ok,
                    detail=line.detail,
                    cure=line.cure or (_MENDED if line.ok is False else ""),
                )
    finally:
        await connections.close()


async def _lines(
    connections: Connections,
    database: Database,
    row: ConnectorRow,
    tenant: str,
    clock: Clock,
    visited: Visited,
) -> Sequence[CheckLine]:
    """Return a connector's lines, or one that says why there are none."""
    hooks = connections.hooks(row.vendor)
    try:
        connector = connections.open(row, tenant)
        if not hooks.has("itsm_check_connection"):
            return [CheckLine(name="check", ok=None, detail="the plugin has no connection check")]
        _note_dates(connector, clock, visited)
        report = await hooks.check_connection(connector)
    except (CasebridgeError, VaultError) as error:
        return [CheckLine(name="check", ok=False, detail=str(error))]
    if not hooks.has("itsm_detect_inbound"):
        return report.lines
    async with database.read() as session:
        return [*report.lines, await last_delivery(session, row)]


def _note_dates(connector: Connector[Any], clock: Clock, visited: Visited) -> None:
    """Read the time that the vendor's answers tell, where they tell one."""

    async def note(answer: httpx.Response) -> None:
        try:
            theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        except ValueError:
            return
        if theirs.tzinfo is not None:
            visited.ahead[connector.vendor] = (clock() - theirs).total_seconds()

    connector.http.event_hooks = {"response": [note]}
