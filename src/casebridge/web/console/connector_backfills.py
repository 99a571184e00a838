"""Backfills: the plan first, then a start along a ramp, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.domain.backfill import ACTIVE, BackfillState
from casebridge.domain.spans import about
from casebridge.services.backfill import NewBackfill, PlanOrder
from casebridge.services.faults import Invalid
from casebridge.services.flags import Feature, FlagSwitch
from casebridge.services.tenants import Scope
from casebridge.web.access import TheBridge
from casebridge.web.backfills import BackfillView
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor, Visitor
from casebridge.web.paging import encode_cursor


@get("/connectors/{connector_id:str}/backfill", include_in_schema=False, opt={"scope": Scope.WRITE})
async def backfill_plan(
    bridge: TheBridge,
    visitor: TheVisitor,
    request: Request[Any, Any, Any],
    connector_id: FromPath[str],
) -> Template:
    """Tell what a backfill would do; it changes nothing and calls no vendor."""
    return await _plan(bridge, visitor, connector_id, dict(request.query_params.items()))


@order("/connectors/{connector_id:str}/backfill", Scope.ADMIN, answers=True)
async def start_backfill(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str], data: Form
) -> Template | Redirect:
    """Start a backfill along the ramp of the form."""
    try:
        new = filled(NewBackfill, {"ramp": _ramp(data), **_given(data, "tolerance")})
        progress = await bridge.backfills.create(visitor.who, connector_id, new)
    except Invalid as error:
        return await _plan(bridge, visitor, connector_id, data, problem=_said(error))
    return go(f"/backfills/{progress.row.public_id}")


@order("/connectors/{connector_id:str}/backfill/switch-on", Scope.ADMIN)
async def switch_on(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]
) -> Redirect:
    """Switch the tenant's feature on, and go on planning."""
    await bridge.connectors.get(visitor.who, connector_id)
    await bridge.flags.switch(visitor.who, FlagSwitch(name=Feature.BACKFILL, enabled=True))
    return go(f"/connectors/{connector_id}/backfill")


@get("/backfills/{backfill_id:str}", include_in_schema=False)
async def backfill_page(
    bridge: TheBridge, visitor: TheVisitor, backfill_id: FromPath[str]
) -> Template:
    """Show how far a backfill has come."""
    seen = encode_cursor(await bridge.pulse.mark())
    view = BackfillView.of(await bridge.backfills.get(visitor.who, backfill_id))
    rest = about(view.seconds_left) if view.seconds_left is not None else None
    return page(
        "backfill.html",
        visitor,
        seen=seen,
        backfill=view,
        rest=rest,
        moving=view.state is BackfillState.RUNNING,
        over=view.state not in ACTIVE,
    )


@order("/backfills/{backfill_id:str}/pause", Scope.ADMIN)
async def pause_backfill(
    bridge: TheBridge, visitor: TheVisitor, backfill_id: FromPath[str]
) -> Redirect:
    """Reserve no more tickets for now."""
    await bridge.backfills.pause(visitor.who, backfill_id)
    return go(f"/backfills/{backfill_id}")


@order("/backfills/{backfill_id:str}/resume", Scope.ADMIN)
async def resume_backfill(
    bridge: TheBridge, visitor: TheVisitor, backfill_id: FromPath[str]
) -> Redirect:
    """Start a planned backfill, or go on with a paused one."""
    await bridge.backfills.resume(visitor.who, backfill_id)
    return go(f"/backfills/{backfill_id}")


@order("/backfills/{backfill_id:str}/cancel", Scope.ADMIN)
async def cancel_backfill(
    bridge: TheBridge, visitor: TheVisitor, backfill_id: FromPath[str]
) -> Redirect:
    """Reserve no more tickets, for good."""
    await bridge.backfills.cancel(visitor.who, backfill_id)
    return go(f"/backfills/{backfill_id}")


async def _plan(
    bridge: Bridge,
    visitor: Visitor,
    connector_id: str,
    asked: Mapping[str, str],
    *,
    problem: str | None = None,
) -> Template:
    order = PlanOrder()
    try:
        if problem is None:
            order = filled(PlanOrder, {"ramp": _ramp(asked)})
        plan = await bridge.backfills.plan(visitor.who, connector_id, order)
    except Invalid as error:
        problem = _said(error)
        plan = await bridge.backfills.plan(visitor.who, connector_id, PlanOrder())
    switches = {flag.name: flag.enabled for flag in await bridge.flags.list(visitor.who)}
    earlier = [
        BackfillView.of(each)
        for each in await bridge.backfills.list(visitor.who)
        if each.connector.public_id == connector_id
    ]
    return page(
        "backfill_plan.html",
        visitor,
        status=400 if problem else 200,
        plan=plan,
        span=about(plan.seconds),
        problem=problem,
        asked={
            "first": asked.get("first", str(plan.ramp.first)),
            "most": asked.get("most", str(plan.ramp.most)),
            "tolerance": asked.get("tolerance", str(NewBackfill().tolerance)),
        },
        switched_on=switches[Feature.BACKFILL],
        earlier=earlier,
        under_way=next((each for each in earlier if each.state in ACTIVE), None),
    )


def _ramp(asked: Mapping[str, str]) -> dict[str, str]:
    return {**_given(asked, "first"), **_given(asked, "most")}


def _given(asked: Mapping[str, str], name: str) -> dict[str, str]:
    return {name: asked[name]} if asked.get(name) else {}


def _said(error: Invalid) -> str:
    names = {"ramp.first": "At first", "ramp.most": "At most", "tolerance": "Tolerance"}
    name = names.get(error.field or "")
    return f"{name}: {error.detail}" if name else error.detail


HANDLERS = (
    backfill_plan,
    start_backfill,
    switch_on,
    backfill_page,
    pause_backfill,
    resume_backfill,
    cancel_backfill,
)
