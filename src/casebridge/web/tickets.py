"""/v1/tickets: one case's ticket at one connector, as operators handle it."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from casebridge.services.tenants import Scope
from casebridge.services.tickets import ForceSync
from casebridge.web.access import Caller, TheBridge
from casebridge.web.connector_views import Scheduled
from casebridge.web.views import TicketView


class TicketController(Controller):
    """Tickets; `ticket_id` is the `id` in a case's `tickets`."""

    path = "/tickets"
    tags = ("tickets",)

    @get("/{ticket_id:str}")
    async def read_ticket(
        self, bridge: TheBridge, who: Caller, ticket_id: FromPath[str]
    ) -> TicketView:
        """Read a ticket's state."""
        return TicketView.of(*await bridge.tickets.get(who, ticket_id))

    @post("/{ticket_id:str}/resync", status_code=202, opt={"scope": Scope.WRITE})
    async def resync_ticket(
        self, bridge: TheBridge, who: Caller, ticket_id: FromPath[str]
    ) -> TicketView:
        """Read the ticket at the vendor and bring case and ticket together."""
        return TicketView.of(*await bridge.tickets.resync(who, ticket_id))

    @post("/{ticket_id:str}/replay", status_code=202, opt={"scope": Scope.WRITE})
    async def replay_ticket(
        self, bridge: TheBridge, who: Caller, ticket_id: FromPath[str]
    ) -> TicketView:
        """Try a dead letter again."""
        return TicketView.of(*await bridge.tickets.replay(who, ticket_id))

    @post("/{ticket_id:str}/force-sync", status_code=202, opt={"scope": Scope.ADMIN})
    async def force_sync_ticket(
        self,
        bridge: TheBridge,
        who: Caller,
        ticket_id: FromPath[str],
        data: JSONBody[ForceSync],
    ) -> TicketView:
        """Push the case's status past the vendor's workflow, as far as the vendor allows.

        The reason goes into the audit trail. What can be bypassed is the vendor's matter: see the
        vendor's page in the documentation.
        """
        return TicketView.of(*await bridge.tickets.force_sync(who, ticket_id, data))


@post("/resync", status_code=202, opt={"scope": Scope.ADMIN}, tags=["tickets"])
async def resync_every_ticket(bridge: TheBridge, who: Caller) -> Scheduled:
    """Read every ticket of the tenant at its vendor and bring each into line."""
    return Scheduled(await bridge.tickets.resync_tenant(who))
