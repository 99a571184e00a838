"""The list of connectors, and a connector: how it does, what fails, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.domain.health import Health, Signs, health_of
from casebridge.domain.hours import DayChart, day_chart
from casebridge.domain.spans import roughly
from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.connector_activity import Failures
from casebridge.services.connector_terms import ConnectorEdit
from casebridge.services.faults import Invalid
from casebridge.services.tenants import Scope
from casebridge.web.access import TheBridge
from casebridge.web.connector_views import ConnectorView, connector_view
from casebridge.web.connectors import Pause
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor
from casebridge.web.paging import encode_cursor
from casebridge.web.views import FailureView, failure_of
from casebridge_core import CheckLine, ConnectionReport, PushError

_A_MINUTE: Final = timedelta(minutes=1)
_TOLD: Final = {
    "resync": "Every ticket is read at the vendor and brought into line: {}.",
    "replay": "Dead letters that are tried again: {}.",
    "reconcile": "The vendor is being asked what has changed.",
    "saved": "Saved. Check the connection to see that it works.",
    "statuses": "The status maps are saved.",
}


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A connector as people see it; the spans are in words."""

    view: ConnectorView
    title: str
    health: Health
    failures: Failures
    failing_for: str | None
    lag: str | None
    chart: DayChart
    quiet: bool
    breaker_open: bool


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket that is not where its case is."""

    case_id: str
    case_title: str
    key: str | None
    failure: FailureView
    age: str


@get("/connectors", include_in_schema=False)
async def connector_list(bridge: TheBridge, visitor: TheVisitor) -> Template:
    """Show a card for each connector, and those that were removed."""
    seen = encode_cursor(await bridge.pulse.mark())
    rows = await bridge.connectors.list(visitor.who)
    removed = await bridge.connectors.list(visitor.who, removed=True)
    return page(
        "connectors.html",
        visitor,
        seen=seen,
        cards=await _cards(bridge, rows),
        removed=list(reversed(removed)),
    )


@get("/connectors/{connector_id:str}", include_in_schema=False)
async def connector_page(
    bridge: TheBridge,
    visitor: TheVisitor,
    connector_id: FromPath[str],
    told: FromQuery[str] = "",
    count: FromQuery[int] = 0,
) -> Template:
    """Show a connector in full; ``told`` and ``count`` are what was done just now."""
    seen = encode_cursor(await bridge.pulse.mark())
    row = await bridge.connectors.get(visitor.who, connector_id)
    (card,) = await _cards(bridge, [row])
    now = bridge.clock()
    failing = [
        Failing(
            case_id=case.public_id,
            case_title=case.title,
            key=ref.external_key,
            failure=failure,
            age=_age(ref.first_failed_at or ref.last_error_at, now) or "",
        )
        for ref, case in await bridge.activity.failing(row)
        if (failure := failure_of(ref, paused=row.paused_at is not None)) is not None
    ]
    return page(
        "connector.html",
        visitor,
        seen=seen,
        card=card,
        row=card.view,
        failing=failing,
        told=_TOLD.get(told, "").format(count),
        capabilities=sorted(bridge.catalog[row.vendor].manifest.capabilities)
        if row.vendor in bridge.catalog
        else [],
    )


@order("/connectors/{connector_id:str}/check", Scope.WRITE, answers=True)
async def check(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Template:
    """Check the connection, and show it line by line."""
    row = await bridge.connectors.get(visitor.who, connector_id)
    try:
        report = await bridge.connectors.check(visitor.who, connector_id)
    except (PushError, Invalid) as error:
        line = CheckLine(name="connection", ok=False, detail=str(error))
        report = ConnectionReport(lines=(line,))
    return page("connector_check.html", visitor, row=row, report=report)


@order("/connectors/{connector_id:str}/resync", Scope.WRITE)
async def resync(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Bring every ticket of a connector into line."""
    count = await bridge.tickets.resync_connector(visitor.who, connector_id)
    return go(f"/connectors/{connector_id}?told=resync&count={count}")


@order("/connectors/{connector_id:str}/replay", Scope.WRITE)
async def replay(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Try every dead letter of a connector again."""
    count = await bridge.tickets.replay_connector(visitor.who, connector_id)
    return go(f"/connectors/{connector_id}?told=replay&count={count}")


@order("/connectors/{connector_id:str}/reconcile", Scope.WRITE)
async def reconcile(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]
) -> Redirect:
    """Ask the vendor now what has changed."""
    await bridge.reconciliation.ask(visitor.who, connector_id, 0.0)
    return go(f"/connectors/{connector_id}?told=reconcile")


@order("/connectors/{connector_id:str}/pause", Scope.ADMIN)
async def pause(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str], data: Form
) -> Redirect:
    """Pause a connector for a reason that its page shows."""
    await bridge.connectors.get(visitor.who, connector_id)
    order = filled(Pause, {"reason": data.get("reason", "").strip()})
    await bridge.connectors.pause(visitor.who, connector_id, order.reason)
    return go(f"/connectors/{connector_id}")


@order("/connectors/{connector_id:str}/resume", Scope.ADMIN)
async def resume(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Lift any pause."""
    await bridge.connectors.resume(visitor.who, connector_id)
    return go(f"/connectors/{connector_id}")


@order("/connectors/{connector_id:str}/enable", Scope.ADMIN)
async def enable(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Enable a connector."""
    await bridge.connectors.edit(visitor.who, connector_id, ConnectorEdit(enabled=True))
    return go(f"/connectors/{connector_id}")


@order("/connectors/{connector_id:str}/disable", Scope.ADMIN)
async def disable(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Disable a connector."""
    await bridge.connectors.edit(visitor.who, connector_id, ConnectorEdit(enabled=False))
    return go(f"/connectors/{connector_id}")


@order("/connectors/{connector_id:str}/remove", Scope.ADMIN)
async def remove(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Remove a connector; it can be restored."""
    await bridge.connectors.remove(visitor.who, connector_id)
    return go("/connectors")


@order("/connectors/{connector_id:str}/restore", Scope.ADMIN)
async def restore(bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]) -> Redirect:
    """Bring a removed connector back."""
    await bridge.connectors.restore(visitor.who, connector_id)
    return go(f"/connectors/{connector_id}")


async def _cards(bridge: Bridge, rows: Sequence[ConnectorRow]) -> list[Card]:
    now = bridge.clock()
    failures = await bridge.activity.failures(rows)
    days = await bridge.activity.last_day(rows)
    return [
        _card(bridge, row, failures.get(row.id, Failures()), day_chart(days.get(row.id, ())), now)
        for row in rows
    ]


def _card(
    bridge: Bridge, row: ConnectorRow, failures: Failures, chart: DayChart, now: datetime
) -> Card:
    view = connector_view(bridge, row)
    hooks = bridge.catalog.get(row.vendor)
    quiet = row.quiet_until is not None and row.quiet_until > now
    breaker_open = row.paused_at is not None and not row.paused_by_hand
    signs = Signs(
        plugin=hooks is not None,
        fits=hooks is None or view.config is not None,
        enabled=row.enabled,
        held_by=row.held_by,
        paused=row.paused_at is not None,
        paused_by_hand=row.paused_by_hand,
        quiet=quiet and not _keeps_its_pace(row, now),
        failing=failures.failing,
        dead=failures.dead,
        reconcile_error=view.reconcile is not None and view.reconcile.error is not None,
        called=row.last_success_at is not None or row.last_failure_at is not None,
    )
    lag = view.reconcile.lag_seconds if view.reconcile is not None else None
    return Card(
        view=view,
        title=hooks.manifest.title if hooks is not None else row.vendor,
        health=health_of(signs),
        failures=failures,
        failing_for=_age(failures.since, now),
        lag=roughly(lag) if lag is not None else None,
        chart=chart,
        quiet=quiet,
        breaker_open=breaker_open,
    )


def _keeps_its_pace(row: ConnectorRow, now: datetime) -> bool:
    """Tell whether a connector with a limit of its own is quiet for no longer than that asks."""
    return row.calls_per_minute is not None and (row.quiet_until or now) <= now + _A_MINUTE


def _age(since: datetime | None, now: datetime) -> str | None:
    return roughly((now - since).total_seconds()) if since is not None else None


HANDLERS = (
    connector_list,
    connector_page,
    check,
    resync,
    replay,
    reconcile,
    pause,
    resume,
    enable,
    disable,
    remove,
    restore,
)
