"""/v1/unmapped-statuses: the work list of statuses that mean nothing for a case yet."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta

from casebridge.services.tenants import Scope
from casebridge.services.unmapped import (
    MappedStatus,
    StatusMapping,
    UnmappedState,
    UnmappedStatus,
)
from casebridge.web.access import Caller, TheBridge
from casebridge_core import CaseStatus


class UnmappedStatusView(msgspec.Struct, frozen=True, kw_only=True):
    """A native status that came in without a meaning for a case.

    ``state`` is open, mapped (``mapped_to`` is what the connector's maps make of it now) or
    dismissed. ``seen`` is how often it came in; ``tickets`` stand there now, and the cases of those
    ``waiting`` have not followed. ``suggestion`` comes from the vendor's category.
    """

    id: Annotated[str, Meta(examples=["uns_k7v2mzq4hjx5d3ntcy6a"])]
    connector_id: Annotated[str, Meta(examples=["con_xq3kd5zj5fhv2m7c4bva"])]
    connector_name: Annotated[str, Meta(examples=["SOC's Jira"])]
    vendor: Annotated[str, Meta(examples=["jira"])]
    name: Annotated[str, Meta(examples=["Waiting for vendor"])]
    native_id: Annotated[str | None, Meta(examples=["10107"])]
    category: Annotated[str | None, Meta(examples=["in_progress"])]
    state: UnmappedState
    suggestion: CaseStatus | None
    mapped_to: CaseStatus | None
    seen: int
    tickets: int
    waiting: int
    first_seen_at: datetime
    last_seen_at: datetime
    mapped_at: datetime | None
    dismissed_at: datetime | None

    @classmethod
    def of(cls, status: UnmappedStatus) -> UnmappedStatusView:
        """Show a status; when it was mapped is known of those that were mapped here."""
        row, connector = status.row, status.connector
        mapped_here = status.mapped_to is not None and row.mapped_to == status.mapped_to
        dismissed = status.state is UnmappedState.DISMISSED
        return cls(
            id=row.public_id,
            connector_id=connector.public_id,
            connector_name=connector.name,
            vendor=connector.vendor,
            name=row.name,
            native_id=row.native_id,
            category=row.category,
            state=status.state,
            suggestion=status.suggestion,
            mapped_to=status.mapped_to,
            seen=row.seen,
            tickets=status.tickets,
            waiting=status.waiting,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            mapped_at=row.mapped_at if mapped_here else None,
            dismissed_at=row.dismissed_at if dismissed else None,
        )


class MappedStatusView(msgspec.Struct, frozen=True, kw_only=True):
    """A status that was given a meaning: ``moved`` cases followed, ``reasons`` counts the rest."""

    status: UnmappedStatusView
    moved: Annotated[int, Meta(examples=[12])]
    reasons: Annotated[dict[str, int], Meta(examples=[{"superseded_by_case": 1}])]

    @classmethod
    def of(cls, mapped: MappedStatus) -> MappedStatusView:
        """Show what came of a mapping."""
        return cls(
            status=UnmappedStatusView.of(mapped.status), moved=mapped.moved, reasons=mapped.reasons
        )


class UnmappedStatusController(Controller):
    """Statuses without a meaning, last seen first."""

    path = "/unmapped-statuses"
    tags = ("connectors",)

    @get()
    async def list_unmapped_statuses(
        self,
        bridge: TheBridge,
        who: Caller,
        connector_id: FromQuery[str | None] = None,
        wanted: Annotated[
            UnmappedState | None,
            QueryParameter(name="state", description="What somebody made of it."),
        ] = None,
    ) -> list[UnmappedStatusView]:
        """List the statuses that came in without a meaning, 500 at most."""
        found = await bridge.unmapped.list(who, connector_id=connector_id, state=wanted)
        return [UnmappedStatusView.of(each) for each in found]

    @post("/{status_id:str}/map", status_code=200, opt={"scope": Scope.ADMIN})
    async def map_unmapped_status(
        self,
        bridge: TheBridge,
        who: Caller,
        status_id: FromPath[str],
        data: JSONBody[StatusMapping],
    ) -> MappedStatusView:
        """Give a status a meaning, among the connector's own, and let the waiting cases follow.

        Each ticket that stands there goes through the decision as of when it took the status; a
        case that moved on since stays. Doing it again is harmless.
        """
        return MappedStatusView.of(await bridge.unmapped.map(who, status_id, data))

    @post("/{status_id:str}/dismiss", status_code=200, opt={"scope": Scope.ADMIN})
    async def dismiss_unmapped_status(
        self, bridge: TheBridge, who: Caller, status_id: FromPath[str]
    ) -> UnmappedStatusView:
        """Say that a status means nothing for a case; it can still be mapped later."""
        return UnmappedStatusView.of(await bridge.unmapped.dismiss(who, status_id))
