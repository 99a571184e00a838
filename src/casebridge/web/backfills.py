"""/v1/backfills: minting the tickets of cases that were there before their connector."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody

from casebridge.domain.backfill import BackfillState, Ramp
from casebridge.services.backfill import BackfillProgress, NewBackfill, PlanOrder
from casebridge.services.backfill_plan import Plan
from casebridge.services.tenants import Scope
from casebridge.web.access import Caller, TheBridge
from casebridge.web.idempotency import KEY_REUSED, Create, once


class BackfillView(msgspec.Struct, frozen=True, kw_only=True):
    """A backfill and how far it has come.

    ``minted``, ``dead`` (nobody tries again by itself) and ``left`` are different tickets;
    ``failing`` (tried again by itself) are among those left. ``under_way`` is held to the ramp:
    ``allowed`` at a time now. ``total`` is how many cases waited when it was made. ``waiting_for``
    says why a running backfill stands still, ``note`` why it was paused or cancelled.
    """

    id: str
    connector_id: str
    connector_name: str
    state: BackfillState
    ramp: Ramp
    allowed: int
    tolerance: int
    total: int
    minted: int
    failing: int
    dead: int
    left: int
    under_way: int
    per_cent: float
    seconds_left: float | None
    waiting_for: str | None
    note: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, progress: BackfillProgress) -> BackfillView:
        """Show a backfill."""
        row, tally = progress.row, progress.tally
        ramp = Ramp(first=row.ramp_first, most=row.ramp_most)
        rest = progress.remaining
        return cls(
            id=row.public_id,
            connector_id=progress.connector.public_id,
            connector_name=progress.connector.name,
            state=BackfillState(row.state),
            ramp=ramp,
            allowed=ramp.allowance(tally.minted),
            tolerance=row.tolerance,
            total=row.total,
            minted=tally.minted,
            failing=tally.failing,
            dead=tally.dead,
            left=tally.left,
            under_way=tally.under_way,
            per_cent=round(tally.per_cent, 1),
            seconds_left=None if rest is None else round(rest.total_seconds(), 1),
            waiting_for=progress.waiting_for,
            note=row.note,
            created_by=row.actor,
            created_at=row.created_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )


class BackfillController(Controller):
    """Backfills, newest first."""

    path = "/backfills"
    tags = ("backfills",)

    @get()
    async def list_backfills(self, bridge: TheBridge, who: Caller) -> list[BackfillView]:
        """List the tenant's backfills, a hundred at most."""
        return [BackfillView.of(each) for each in await bridge.backfills.list(who)]

    @get("/{backfill_id:str}")
    async def read_backfill(
        self, bridge: TheBridge, who: Caller, backfill_id: FromPath[str]
    ) -> BackfillView:
        """Read a backfill's progress."""
        return BackfillView.of(await bridge.backfills.get(who, backfill_id))

    @post("/{backfill_id:str}/pause", status_code=200, opt={"scope": Scope.ADMIN})
    async def pause_backfill(
        self, bridge: TheBridge, who: Caller, backfill_id: FromPath[str]
    ) -> BackfillView:
        """Reserve no more tickets until it is resumed; those under way are still minted."""
        return BackfillView.of(await bridge.backfills.pause(who, backfill_id))

    @post("/{backfill_id:str}/resume", status_code=200, opt={"scope": Scope.ADMIN})
    async def resume_backfill(
        self, bridge: TheBridge, who: Caller, backfill_id: FromPath[str]
    ) -> BackfillView:
        """Start a planned backfill, or go on with a paused one where it stopped."""
        return BackfillView.of(await bridge.backfills.resume(who, backfill_id))

    @post("/{backfill_id:str}/cancel", status_code=200, opt={"scope": Scope.ADMIN})
    async def cancel_backfill(
        self, bridge: TheBridge, who: Caller, backfill_id: FromPath[str]
    ) -> BackfillView:
        """Reserve no more tickets, for good; those under way are still minted."""
        return BackfillView.of(await bridge.backfills.cancel(who, backfill_id))


@post(
    "/connectors/{connector_id:str}/backfill/plan",
    status_code=200,
    tags=["backfills"],
    opt={"scope": Scope.WRITE},
)
async def plan_backfill(
    bridge: TheBridge, who: Caller, connector_id: FromPath[str], data: JSONBody[PlanOrder]
) -> Plan:
    """Tell how many tickets would be minted, how long it takes, and what would fail.

    It changes nothing and calls no vendor.
    """
    return await bridge.backfills.plan(who, connector_id, data)


@post(
    "/connectors/{connector_id:str}/backfills",
    tags=["backfills"],
    opt={"scope": Scope.ADMIN},
    operation_class=Create,
    responses=KEY_REUSED,
)
async def create_backfill(
    bridge: TheBridge,
    who: Caller,
    request: Request[Any, Any, Any],
    connector_id: FromPath[str],
    data: JSONBody[NewBackfill],
) -> Response[BackfillView]:
    """Mint a ticket for every open case that has none here, a few at a time.

    The tenant's feature flag `backfill` must be on.
    """
    return await once(
        request,
        bridge,
        who,
        lambda attempt: bridge.backfills.create(who, connector_id, data, attempt=attempt),
        lambda progress: Response(BackfillView.of(progress)),
    )
