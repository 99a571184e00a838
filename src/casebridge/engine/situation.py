"""Case, ref and connector as they are now, and the step that is missing between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.convergence import Progress, Step, next_step
from casebridge.engine.claims import Claim, LeaseLost
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, PostedCommentRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import Clock
from casebridge.services.connections import Connections
from casebridge.services.snapshots import (
    case_snapshot,
    containment_actions,
    is_unclear,
    ticket_status,
)
from casebridge.services.vault import VaultError
from casebridge_core import (
    Capability,
    CaseProjection,
    CaseStatus,
    Connector,
    InvalidConfig,
    PushError,
    TransitionRejected,
    VendorHooks,
)


class ConfigUnusable(PushError):
    """The stored configuration does not fit the plugin, or cannot be decrypted."""

    pauses_connector = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What one look found; ``step`` is None when nothing is missing.

    ``quiet_until`` is when the vendor takes calls again, None when it does now.
    """

    ref: RefRow
    account: str | None
    limited: bool
    quiet_until: datetime | None
    hooks: VendorHooks
    connector: Connector[Any]
    projection: CaseProjection
    step: Step | None


class Lookout:
    """Looks at a claimed ref; it reads the database and never calls a vendor."""

    def __init__(self, database: Database, connections: Connections, clock: Clock) -> None:
        """Bind what a look needs."""
        self._database = database
        self._connections = connections
        self._clock = clock

    async def look(self, claim: Claim) -> Situation | None:
        """Return the situation, or None when the ref is not to be converged (gone, paused).

        Raises:
            LeaseLost: another worker has the ref.
            ConfigUnusable: the connector cannot be opened.
            CasebridgeError: a plugin failed.
        """
        async with self._database.read() as session:
            ref, case, row, tenant = await _rows(session, claim)
            if ref.gone_at is not None or not may_be_called(row):
                return None
            snapshot = case_snapshot(
                case, await containment_actions(session, case), tenant=tenant.public_id
            )
            comments = await session.scalars(
                select(PostedCommentRow).where(PostedCommentRow.ref_id == ref.id)
            )
            posted = list(comments)
        connector = open_connector(self._connections, row, tenant.public_id)
        hooks = self._connections.hooks(row.vendor)
        projection = hooks.project_case(connector, snapshot, ref.correlation_key)
        native = hooks.native_status(connector, projection.status)
        step = next_step(
            _progress(ref, posted, clear=native is None or not is_unclear(ref)),
            projection,
            native=native,
            can_comment=hooks.can(Capability.PUSH_COMMENT),
            now=self._clock(),
            index_lag=timedelta(seconds=hooks.manifest.index_lag),
        )
        return Situation(
            ref=ref,
            account=row.account_id,
            limited=row.calls_per_minute is not None,
            quiet_until=still_quiet(row, self._clock()),
            hooks=hooks,
            connector=connector,
            projection=projection,
            step=step,
        )


def open_connector(connections: Connections, row: ConnectorRow, tenant: str) -> Connector[Any]:
    """Return a stored connector, ready to be handed to hooks.

    Raises:
        ConfigUnusable: its configuration cannot be used.
    """
    try:
        return connections.open(row, tenant)
    except (InvalidConfig, VaultError) as error:
        raise ConfigUnusable(str(error)) from error


def may_be_called(row: ConnectorRow) -> bool:
    """Tell whether the vendor may be called for a connector, now or later."""
    return row.enabled and row.removed_at is None and row.paused_at is None


def still_quiet(row: ConnectorRow, now: datetime) -> datetime | None:
    """Return when the vendor takes calls again, None when it does now."""
    return row.quiet_until if row.quiet_until is not None and row.quiet_until > now else None


async def _rows(
    session: AsyncSession, claim: Claim
) -> tuple[RefRow, CaseRow, ConnectorRow, TenantRow]:
    query = (
        select(RefRow, CaseRow, ConnectorRow, TenantRow)
        .join(CaseRow, CaseRow.id == RefRow.case_id)
        .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
        .join(TenantRow, TenantRow.id == RefRow.tenant_id)
        .where(RefRow.id == claim.ref_id, RefRow.lease_token == claim.token)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        raise LeaseLost
    ref, case, row, tenant = found
    return ref, case, row, tenant


def _progress(ref: RefRow, comments: list[PostedCommentRow], *, clear: bool) -> Progress:
    """Tell how far the ref has come; where the ticket's status is unclear, nothing is settled."""
    return Progress(
        linked=ref.external_id is not None,
        verify_asked=ref.verify_asked,
        forced=ref.force_reason is not None,
        settled_status=CaseStatus(ref.settled_status) if ref.settled_status and clear else None,
        status_refused=ref.dead_at is not None
        and ref.last_error_kind == TransitionRejected.__name__,
        ticket_status=ticket_status(ref) if clear else None,
        create_attempted_at=ref.create_attempted_at,
        comments_posted={row.key for row in comments if row.posted_at is not None},
        comments_attempted={row.key for row in comments if row.attempted_at is not None},
    )
