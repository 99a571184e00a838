"""/v1/connectors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.connectors import ConnectorEdit, Limits, NewConnector
from casebridge.services.reconciliation import ReconcileView
from casebridge.services.tenants import Scope
from casebridge.services.tickets import ManualPush
from casebridge.web.access import Caller, TheBridge
from casebridge.web.views import FailureView, TicketView, failure_of
from casebridge_core import CheckLine, NativeStatus, StatusOverrides


class ConnectorView(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's card. ``state`` is one of active, disabled, paused, plugin missing.

    ``config`` has its secrets masked; it is None when the plugin is missing. ``reconcile`` is how
    far the search for missed webhooks has come, None where the vendor cannot be asked.
    """

    id: str
    vendor: str
    name: str
    state: str
    paused_reason: str | None
    config: dict[str, Any] | None
    statuses: StatusOverrides
    account: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None
    quiet_until: datetime | None
    reconcile: ReconcileView | None
    limits: Limits
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


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a connector is paused by hand."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Scheduled(msgspec.Struct, frozen=True):
    """How many tickets will be looked at."""

    tickets: int


class ConnectorController(Controller):
    """Configured instances of a vendor."""

    path = "/connectors"
    tags = ("connectors",)

    @post(opt={"scope": Scope.ADMIN})
    async def add(
        self, bridge: TheBridge, who: Caller, data: JSONBody[NewConnector]
    ) -> ConnectorView:
        """Add a connector. The configuration's schema is at `/v1/plugins`."""
        return connector_view(bridge, await bridge.connectors.add(who, data))

    @get()
    async def list_connectors(
        self, bridge: TheBridge, who: Caller, *, removed: FromQuery[bool] = False
    ) -> list[ConnectorView]:
        """List the tenant's connectors, or those that were removed and can be restored."""
        rows = await bridge.connectors.list(who, removed=removed)
        return [connector_view(bridge, row) for row in rows]

    @get("/{connector_id:str}")
    async def read(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> ConnectorView:
        """Read a connector's card."""
        return connector_view(bridge, await bridge.connectors.get(who, connector_id))

    @get("/{connector_id:str}/failures")
    async def failures(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> list[FailingTicketView]:
        """List the tickets whose last push failed, oldest first, a hundred at most."""
        refs = await bridge.connectors.failing_refs(who, connector_id)
        return [FailingTicketView.of(ref) for ref in refs]

    @patch("/{connector_id:str}", opt={"scope": Scope.ADMIN})
    async def edit(
        self,
        bridge: TheBridge,
        who: Caller,
        connector_id: FromPath[str],
        data: JSONBody[ConnectorEdit],
    ) -> ConnectorView:
        """Change a connector; secrets that are left out or masked stay as they are."""
        return connector_view(bridge, await bridge.connectors.edit(who, connector_id, data))

    @delete("/{connector_id:str}", opt={"scope": Scope.ADMIN})
    async def remove(self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]) -> None:
        """Remove a connector; its tickets stay linked and nothing is pushed any more."""
        await bridge.connectors.remove(who, connector_id)

    @post("/{connector_id:str}/restore", status_code=200, opt={"scope": Scope.ADMIN})
    async def restore(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> ConnectorView:
        """Bring a removed connector back; it picks up where it left off."""
        return connector_view(bridge, await bridge.connectors.restore(who, connector_id))

    @post("/{connector_id:str}/check", status_code=200, opt={"scope": Scope.WRITE})
    async def check(self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]) -> CheckView:
        """Check the connection line by line; a good report resumes a paused connector."""
        report = await bridge.connectors.check(who, connector_id)
        return CheckView(ok=report.ok, lines=report.lines, statuses=report.statuses)

    @post("/{connector_id:str}/pause", status_code=200, opt={"scope": Scope.ADMIN})
    async def pause(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str], data: JSONBody[Pause]
    ) -> ConnectorView:
        """Stop pushing until somebody resumes it; a good check does not."""
        return connector_view(bridge, await bridge.connectors.pause(who, connector_id, data.reason))

    @post("/{connector_id:str}/resume", status_code=200, opt={"scope": Scope.ADMIN})
    async def resume(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> ConnectorView:
        """Lift any pause and start the waiting work."""
        return connector_view(bridge, await bridge.connectors.resume(who, connector_id))

    @post("/{connector_id:str}/resync", status_code=202, opt={"scope": Scope.WRITE})
    async def resync(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Scheduled:
        """Read every ticket of the connector at the vendor and bring each into line."""
        return Scheduled(await bridge.tickets.resync_connector(who, connector_id))

    @post("/{connector_id:str}/reconcile", status_code=202, opt={"scope": Scope.WRITE})
    async def reconcile(
        self,
        bridge: TheBridge,
        who: Caller,
        connector_id: FromPath[str],
        wait_seconds: Annotated[
            float, QueryParameter(ge=0, le=30, description="How long to wait for its end.")
        ] = 0.0,
    ) -> ReconcileView | None:
        """List what changed at the vendor now, for whatever no webhook told of."""
        row = await bridge.reconciliation.ask(who, connector_id, wait_seconds)
        return bridge.reconciliation.view(row)

    @post("/{connector_id:str}/replay", status_code=202, opt={"scope": Scope.WRITE})
    async def replay(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Scheduled:
        """Try every dead letter of the connector again."""
        return Scheduled(await bridge.tickets.replay_connector(who, connector_id))

    @post("/{connector_id:str}/push_case", status_code=200, opt={"scope": Scope.WRITE})
    async def push_case(
        self,
        bridge: TheBridge,
        who: Caller,
        connector_id: FromPath[str],
        data: JSONBody[ManualPush],
    ) -> TicketView:
        """See to it that a case has its ticket here; wait for it if asked."""
        return TicketView.of(*await bridge.tickets.push_case(who, connector_id, data))

    @post("/{connector_id:str}/push_status_change", status_code=200, opt={"scope": Scope.WRITE})
    async def push_status_change(
        self,
        bridge: TheBridge,
        who: Caller,
        connector_id: FromPath[str],
        data: JSONBody[ManualPush],
    ) -> TicketView:
        """Bring a case's ticket here to the case's status; wait for it if asked."""
        return TicketView.of(*await bridge.tickets.push_status(who, connector_id, data))


def connector_view(bridge: Bridge, row: ConnectorRow) -> ConnectorView:
    """Show a connector."""
    missing = row.vendor not in bridge.catalog
    state = "active" if row.enabled else "disabled"
    if row.paused_at is not None:
        state = "paused"
    if missing:
        state = "plugin missing"
    return ConnectorView(
        id=row.public_id,
        vendor=row.vendor,
        name=row.name,
        state=state,
        paused_reason=row.paused_reason,
        config=None if missing else bridge.connectors.visible_config(row),
        statuses=msgspec.convert(row.status_overrides, StatusOverrides),
        account=row.account_name or row.account_id,
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        last_failure=row.last_failure,
        quiet_until=row.quiet_until,
        reconcile=bridge.reconciliation.view(row),
        limits=Limits(calls_per_minute=row.calls_per_minute, in_flight=row.in_flight),
        created_at=row.created_at,
    )
