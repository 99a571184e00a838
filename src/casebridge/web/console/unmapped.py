"""The work list of statuses that mean nothing for a case yet."""

from __future__ import annotations

from operator import attrgetter
from typing import Final
from urllib.parse import urlencode

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.services.tenants import Scope
from casebridge.services.unmapped import StatusMapping, UnmappedState
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor
from casebridge.web.paging import encode_cursor
from casebridge.web.unmapped import UnmappedStatusView
from casebridge_core import CaseStatus

_LATELY: Final = 10


@get("/unmapped", include_in_schema=False)
async def unmapped_page(
    bridge: TheBridge,
    visitor: TheVisitor,
    done: FromQuery[str] = "",
    moved: FromQuery[int] = 0,
    stayed: FromQuery[int] = 0,
) -> Template:
    """List what is open, then what was mapped lately and what was dismissed.

    ``done`` names a status that was just mapped, ``moved`` and ``stayed`` count its cases.
    """
    seen = encode_cursor(await bridge.pulse.mark())
    found = [UnmappedStatusView.of(each) for each in await bridge.unmapped.list(visitor.who)]
    mapped = [each for each in found if each.mapped_at is not None]
    mapped.sort(key=attrgetter("mapped_at"), reverse=True)
    return page(
        "unmapped.html",
        visitor,
        seen=seen,
        waiting=[each for each in found if each.state is UnmappedState.OPEN],
        lately=mapped[:_LATELY],
        dismissed=[each for each in found if each.state is UnmappedState.DISMISSED],
        statuses=list(CaseStatus),
        done=next((each for each in mapped if each.id == done), None),
        moved=moved,
        stayed=stayed,
    )


@order("/unmapped/{status_id:str}/map", Scope.ADMIN)
async def map_status(
    bridge: TheBridge, visitor: TheVisitor, status_id: FromPath[str], data: Form
) -> Redirect:
    """Give a status its meaning; the cases whose tickets stand there follow."""
    mapping = filled(StatusMapping, {"status": data.get("status", "")})
    mapped = await bridge.unmapped.map(visitor.who, status_id, mapping)
    stayed = sum(mapped.reasons.values())
    outcome = urlencode({"done": status_id, "moved": mapped.moved, "stayed": stayed})
    return go(f"/unmapped?{outcome}")


@order("/unmapped/{status_id:str}/dismiss", Scope.ADMIN)
async def dismiss_status(
    bridge: TheBridge, visitor: TheVisitor, status_id: FromPath[str]
) -> Redirect:
    """Take a status off the list: it means nothing for a case."""
    await bridge.unmapped.dismiss(visitor.who, status_id)
    return go("/unmapped")


HANDLERS = (unmapped_page, map_status, dismiss_status)
