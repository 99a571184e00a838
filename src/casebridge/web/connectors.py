"""/v1/connectors."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from casebridge.services.connector_terms import ConnectorEdit, NewConnector
from casebridge.services.reconciliation import ReconcileView
from casebridge.services.tenants import Scope
from casebridge.services.tickets import ManualPush
from casebridge.web.access import Caller, TheBridge
from casebridge.web.conditions import ETAG, ConnectorConflict, Edit, only_if, tagged
from casebridge.web.connector_views import (
    CheckView,
    ConnectorView,
    FailingTicketView,
    Scheduled,
    connector_view,
)
from casebridge.web.idempotency import KEY_REUSED, Create, once
from casebridge.web.problem_document import conflict
from casebridge.web.views import TicketView


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a connector is paused by hand."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class ConnectorController(Controller):
    """Configured instances of a vendor."""

    path = "/connectors"
    tags = ("connectors",)

    @post(
        opt={"scope": Scope.ADMIN},
        operation_class=Create,
        response_headers=[ETAG],
        responses=KEY_REUSED,
    )
    async def add_connector(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        data: JSONBody[NewConnector],
    ) -> Response[ConnectorView]:
        """Add a connector. The configuration's schema is at `/v1/plugins`."""
        return await once(
            request,
            bridge,
            who,
            lambda attempt: bridge.connectors.add(who, data, attempt=attempt),
            lambda row: tagged(connector_view(bridge, row)),
        )

    @get()
    async def list_connectors(
        self, bridge: TheBridge, who: Caller, *, removed: FromQuery[bool] = False
    ) -> list[ConnectorView]:
        """List the tenant's connectors, or those that were removed and can be restored."""
        rows = await bridge.connectors.list(who, removed=removed)
        return [connector_view(bridge, row) for row in rows]

    @get("/{connector_id:str}", response_headers=[ETAG])
    async def read_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Response[ConnectorView]:
        """Read a connector's card."""
        return tagged(connector_view(bridge, await bridge.connectors.get(who, connector_id)))

    @get("/{connector_id:str}/failures")
    async def list_failing_tickets(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> list[FailingTicketView]:
        """List the tickets whose last push failed, oldest first, a hundred at most."""
        refs = await bridge.connectors.failing_refs(who, connector_id)
        return [FailingTicketView.of(ref) for ref in refs]

    @patch(
        "/{connector_id:str}",
        opt={"scope": Scope.ADMIN},
        operation_class=Edit,
        response_headers=[ETAG],
        responses={409: conflict(ConnectorConflict)},
    )
    async def edit_connector(
        self,
        bridge: TheBridge,
        who: Caller,
        request: Request[Any, Any, Any],
        connector_id: FromPath[str],
        data: JSONBody[ConnectorEdit],
    ) -> Response[ConnectorView]:
        """Change a connector; secrets that are left out or masked stay as they are."""
        edited = await bridge.connectors.edit(who, connector_id, data, only_if=only_if(request))
        return tagged(connector_view(bridge, edited))

    @delete("/{connector_id:str}", opt={"scope": Scope.ADMIN})
    async def remove_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> None:
        """Remove a connector; its tickets stay linked and nothing is pushed any more."""
        await bridge.connectors.remove(who, connector_id)

    @post(
        "/{connector_id:str}/restore",
        status_code=200,
        opt={"scope": Scope.ADMIN},
        response_headers=[ETAG],
    )
    async def restore_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Response[ConnectorView]:
        """Bring a removed connector back; it picks up where it left off."""
        return tagged(connector_view(bridge, await bridge.connectors.restore(who, connector_id)))

    @post("/{connector_id:str}/check", status_code=200, opt={"scope": Scope.WRITE})
    async def check_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> CheckView:
        """Check the connection line by line; a good report resumes a paused connector."""
        report = await bridge.connectors.check(who, connector_id)
        return CheckView(ok=report.ok, lines=report.lines, statuses=report.statuses)

    @post(
        "/{connector_id:str}/pause",
        status_code=200,
        opt={"scope": Scope.ADMIN},
        response_headers=[ETAG],
    )
    async def pause_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str], data: JSONBody[Pause]
    ) -> Response[ConnectorView]:
        """Stop pushing until somebody resumes it; a good check does not."""
        return tagged(
            connector_view(bridge, await bridge.connectors.pause(who, connector_id, data.reason))
        )

    @post(
        "/{connector_id:str}/resume",
        status_code=200,
        opt={"scope": Scope.ADMIN},
        response_headers=[ETAG],
    )
    async def resume_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Response[ConnectorView]:
        """Lift any pause and start the waiting work."""
        return tagged(connector_view(bridge, await bridge.connectors.resume(who, connector_id)))

    @post("/{connector_id:str}/resync", status_code=202, opt={"scope": Scope.WRITE})
    async def resync_connector(
        self, bridge: TheBridge, who: Caller, connector_id: FromPath[str]
    ) -> Scheduled:
        """Read every ticket of the connector at the vendor and bring each into line."""
        return Scheduled(await bridge.tickets.resync_connector(who, connector_id))

    @post("/{connector_id:str}/reconcile", status_code=202, opt={"scope": Scope.WRITE})
    async def reconcile_connector(
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
    async def replay_connector(
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
