"""A connector's status maps, edited against the vendor's statuses, with the way there and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar import get
from litestar.params import FromPath
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.connector_terms import ConnectorEdit
from casebridge.services.faults import Invalid
from casebridge.services.tenants import Scope
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor, Visitor
from casebridge_core import CaseStatus, NativeStatus, PushError, StatusOverrides

_INBOUND: Final = re.compile(r"in\.(\d{1,4})\.native")
_MOST_LIVE: Final = 1000


@get("/connectors/{connector_id:str}/statuses", include_in_schema=False)
async def status_maps(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str]
) -> Template:
    """Show both maps, and what survives the way there and back."""
    row = await bridge.connectors.get(visitor.who, connector_id)
    stored = msgspec.convert(row.status_overrides, StatusOverrides)
    return await _maps(bridge, visitor, row, stored)


@order("/connectors/{connector_id:str}/statuses", Scope.ADMIN, answers=True)
async def change_status_maps(
    bridge: TheBridge, visitor: TheVisitor, connector_id: FromPath[str], data: Form
) -> Template | Redirect:
    """Preview the maps of a form, ask the vendor for its statuses, or save: what ``go`` says."""
    row = await bridge.connectors.get(visitor.who, connector_id)
    live = _live(data.get("live", ""))
    problem = None
    try:
        overrides = _overrides(data)
    except Invalid as error:
        stored = msgspec.convert(row.status_overrides, StatusOverrides)
        return await _maps(bridge, visitor, row, stored, live=live, problem=error.detail)
    if data.get("go") == "save":
        await bridge.connectors.edit(visitor.who, connector_id, ConnectorEdit(statuses=overrides))
        return go(f"/connectors/{connector_id}?told=statuses")
    if data.get("go") == "ask":
        try:
            live = (await bridge.connectors.check(visitor.who, connector_id)).statuses
            problem = None if live else "The vendor names no statuses of its own."
        except (PushError, Invalid) as error:
            problem = f"The vendor could not be asked: {error}"
    return await _maps(
        bridge, visitor, row, overrides, live=live, problem=problem, previewed=problem is None
    )


async def _maps(
    bridge: Bridge,
    visitor: Visitor,
    row: ConnectorRow,
    overrides: StatusOverrides,
    *,
    live: Sequence[NativeStatus] = (),
    problem: str | None = None,
    previewed: bool = False,
) -> Template:
    natives = await bridge.status_maps.vocabulary(row, live)
    complete = bool(live)
    return page(
        "connector_statuses.html",
        visitor,
        status=400 if problem else 200,
        row=row,
        preview=bridge.status_maps.preview(visitor.who, row, overrides, natives, complete=complete),
        natives=natives,
        statuses=list(CaseStatus),
        told=msgspec.json.encode(live).decode() if live else "",
        problem=problem,
        changed=previewed and overrides != msgspec.convert(row.status_overrides, StatusOverrides),
    )


def _overrides(form: Mapping[str, str]) -> StatusOverrides:
    """Read both maps from a form; what is left empty is as the plugin says.

    Raises:
        Invalid: a status of a case is none, or a native status is named twice.
    """
    outbound = {
        status: native for status in CaseStatus if (native := form.get(f"out.{status}", "").strip())
    }
    inbound: dict[str, str] = {}
    for name, typed in form.items():
        found = _INBOUND.fullmatch(name)
        native, status = typed.strip(), form.get(f"in.{found[1]}.status", "") if found else ""
        if not (native and status):
            continue
        if native.casefold() in {each.casefold() for each in inbound}:
            raise Invalid(f"{native} is named twice", field=name)
        inbound[native] = status
    return filled(StatusOverrides, {"outbound": outbound, "inbound": inbound})


def _live(text: str) -> tuple[NativeStatus, ...]:
    """Return the statuses that an earlier answer of the vendor brought onto the page."""
    try:
        return msgspec.json.decode(text or "[]", type=tuple[NativeStatus, ...])[:_MOST_LIVE]
    except msgspec.DecodeError:
        return ()


HANDLERS = (status_maps, change_status_maps)
