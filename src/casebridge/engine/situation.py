"""Case, ref and connector as they are now, and the step that is missing between them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.convergence import Progress, Step, next_step
from casebridge.engine.claims import Claim, LeaseLost
from casebridge.persistence.cases import CaseRow, ContainmentActionRow
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
class Comments:
    """The keys of a ref's comments: posted ones, and those that were attempted at least."""

    posted: frozenset[str] = field(default_factory=frozenset)
    attempted: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, rows: Collection[PostedCommentRow]) -> Comments:
        """Read rows."""
        return cls(
            posted=frozenset(row.key for row in rows if row.posted_at is not None),
            attempted=frozenset(row.key for row in rows if row.attempted_at is not None),
        )

    def with_posted(self, key: str | None) -> Comments:
        """Return these and one that was posted since, if any."""
        if key is None:
            return self
        return Comments(posted=self.posted | {key}, attempted=self.attempted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What one look found; ``step`` is None when nothing is missing.

    ``quiet_until`` is when the vendor takes calls again, None when it does now; ``native`` is the
    vendor's status for the case's. ``success_at`` is when the connector's card showed a success.
    """

    ref: RefRow
    account: str | None
    limited: bool
    quiet_until: datetime | None
    success_at: datetime | None
    hooks: VendorHooks
    connector: Connector[Any]
    projection: CaseProjection
    native: str | None
    comments: Comments
    step: Step | None

    def missing_of(self, ref: RefRow, now: datetime, *, posted: str | None = None) -> Step | None:
        """Return what is missing of a ref as it is now, as far as this look goes.

        ``posted`` is the key of a comment that was posted since.
        """
        return _missing(
            ref, self.projection, self.native, self.comments.with_posted(posted), self.hooks, now
        )


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
            known = {"ref": claim.ref_id, "token": claim.token}
            found = (await session.execute(_LOOK, known)).one_or_none()
            if found is None:
                raise LeaseLost
            ref, case, row, tenant, is_contained, is_commented = found
            if ref.gone_at is not None or not may_be_called(row):
                return None
            actions = await containment_actions(session, case) if is_contained else ()
            comments = await _comments(session, ref) if is_commented else Comments()
        connector = open_connector(self._connections, row, tenant)
        hooks = self._connections.hooks(row.vendor)
        snapshot = case_snapshot(case, actions, tenant=tenant)
        projection = hooks.project_case(connector, snapshot, ref.correlation_key)
        native = hooks.native_status(connector, projection.status)
        now = self._clock()
        return Situation(
            ref=ref,
            account=row.account_id,
            limited=row.calls_per_minute is not None,
            quiet_until=still_quiet(row, now),
            success_at=row.last_success_at,
            hooks=hooks,
            connector=connector,
            projection=projection,
            native=native,
            comments=comments,
            step=_missing(ref, projection, native, comments, hooks, now),
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
    there = row.enabled and row.removed_at is None
    return there and row.paused_at is None and row.held_by is None


def still_quiet(row: ConnectorRow, now: datetime) -> datetime | None:
    """Return when the vendor takes calls again, None when it does now."""
    return row.quiet_until if row.quiet_until is not None and row.quiet_until > now else None


_LOOK: Final = (
    select(
        RefRow,
        CaseRow,
        ConnectorRow,
        TenantRow.public_id,
        exists().where(ContainmentActionRow.case_id == CaseRow.id),
        exists().where(PostedCommentRow.ref_id == RefRow.id),
    )
    .join(CaseRow, CaseRow.id == RefRow.case_id)
    .join(ConnectorRow, ConnectorRow.id == RefRow.connector_id)
    .join(TenantRow, TenantRow.id == RefRow.tenant_id)
    .where(RefRow.id == bindparam("ref"), RefRow.lease_token == bindparam("token"))
)


async def _comments(session: AsyncSession, ref: RefRow) -> Comments:
    rows = await session.scalars(select(PostedCommentRow).where(PostedCommentRow.ref_id == ref.id))
    return Comments.of(rows.all())


def _missing(
    ref: RefRow,
    projection: CaseProjection,
    native: str | None,
    comments: Comments,
    hooks: VendorHooks,
    now: datetime,
) -> Step | None:
    """Return the next step; where the ticket's status is unclear, nothing is settled."""
    clear = native is None or not is_unclear(ref)
    progress = Progress(
        linked=ref.external_id is not None,
        verify_asked=ref.verify_asked,
        forced=ref.force_reason is not None,
        settled_status=CaseStatus(ref.settled_status) if ref.settled_status and clear else None,
        status_refused=ref.dead_at is not None
        and ref.last_error_kind == TransitionRejected.__name__,
        ticket_status=ticket_status(ref) if clear else None,
        create_attempted_at=ref.create_attempted_at,
        comments_posted=comments.posted,
        comments_attempted=comments.attempted,
    )
    return next_step(
        progress,
        projection,
        native=native,
        can_comment=hooks.can(Capability.PUSH_COMMENT),
        now=now,
        index_lag=timedelta(seconds=hooks.manifest.index_lag),
    )
