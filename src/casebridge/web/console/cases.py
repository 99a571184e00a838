"""The list of cases, and a case: its record, its tickets, its timeline and the traffic."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.domain.traffic import Moment, picture
from casebridge.services.case_detail import CaseDetail
from casebridge.services.case_lists import CaseFilter, ListedCase, SyncState
from casebridge.services.cases import StatusMove
from casebridge.services.faults import NotFound
from casebridge.services.tenants import Scope
from casebridge.services.tickets import ForceSync
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor, Visitor
from casebridge.web.paging import decode_cursor, encode_cursor
from casebridge.web.views import CaseDetailView, CaseView, TicketView, TimelineView
from casebridge_core import CaseStatus, Severity

_PAGE: Final = 50
_ATTENTION: Final = 10
_ROWS: Final = 100
_OVERLOOKED: Final = 500
"""From how many of the newest rows the picture and the names of the filter are made."""


class CaseLine(msgspec.Struct, frozen=True):
    """A row of the list."""

    case: CaseView
    tickets: list[TicketView]


@get("/cases", include_in_schema=False)
async def case_list(
    bridge: TheBridge, visitor: TheVisitor, request: Request[Any, Any, Any]
) -> Template:
    """List cases: what needs attention, then all that the filters leave in, newest first."""
    seen = encode_cursor(await bridge.pulse.mark())
    chosen = {name: request.query_params.get(name, "") for name in CaseFilter.__struct_fields__}
    which = filled(CaseFilter, {name: value for name, value in chosen.items() if value})
    before = decode_cursor(request.query_params.get("cursor"))
    found = await bridge.case_lists.page(visitor.who, which, limit=_PAGE + 1, before=before)
    urgent: list[ListedCase] = []
    if which.empty and before is None:
        urgent = await bridge.case_lists.needing_attention(visitor.who, limit=_ATTENTION)
    return page(
        "cases.html",
        visitor,
        seen=seen,
        chosen=chosen,
        filtered=not which.empty,
        urgent=[_line(listed) for listed in urgent],
        lines=[_line(listed) for listed in found[:_PAGE]],
        older=encode_cursor(found[_PAGE - 1].case.id) if len(found) > _PAGE else None,
        first=before is None,
        counts=await bridge.case_lists.counts(visitor.who),
        connectors=await bridge.connectors.list(visitor.who),
        statuses=list(CaseStatus),
        severities=list(Severity),
        states=list(SyncState),
    )


@get("/cases/{case_id:str}", include_in_schema=False)
async def case_page(
    bridge: TheBridge,
    visitor: TheVisitor,
    case_id: FromPath[str],
    actor: FromQuery[str] = "",
    connector: FromQuery[str] = "",
    cursor: FromQuery[str] = "",
) -> Template:
    """Show a case; ``actor`` and ``connector`` filter its timeline, ``cursor`` pages it."""
    seen = encode_cursor(await bridge.pulse.mark())
    detail = await bridge.cases.get(visitor.who, case_id)
    every = await bridge.cases.timeline(visitor.who, case_id, limit=_OVERLOOKED, newest=True)
    before = decode_cursor(cursor or None)
    found = await bridge.cases.timeline(
        visitor.who,
        case_id,
        limit=_ROWS + 1,
        newest=True,
        before=before,
        actor_label=actor or None,
        connector_id=connector or None,
    )
    rows = found[-_ROWS:]
    moments = [
        Moment(at=row.at, kind=row.kind, text=row.text, connector=row.connector_id)
        for row, _ in every
    ]
    return page(
        "case.html",
        visitor,
        seen=seen,
        case=CaseDetailView.of_detail(detail),
        rows=[TimelineView.of(*row) for row in rows],
        actors=sorted({row.actor_label for row, _ in every}),
        actor=actor,
        connector=connector,
        picture=picture(moments, _lanes(detail)),
        older=encode_cursor(rows[0][0].id) if len(found) > _ROWS else None,
        first=before is None,
        statuses=list(CaseStatus),
    )


@order("/cases/{case_id:str}/status", Scope.WRITE)
async def move(
    bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str], data: Form
) -> Redirect:
    """Change a case's status; somebody who looked at an older version is told so."""
    asked: dict[str, str] = {
        name: data[name] for name in StatusMove.__struct_fields__ if name in data
    }
    await bridge.cases.move(visitor.who, case_id, filled(StatusMove, asked))
    return go(f"/cases/{case_id}")


@order("/cases/{case_id:str}/resync", Scope.WRITE)
async def resync_case(bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str]) -> Redirect:
    """Bring every ticket of a case into line."""
    await bridge.cases.resync(visitor.who, case_id)
    return go(f"/cases/{case_id}")


@order("/cases/{case_id:str}/tickets/{ticket_id:str}/resync", Scope.WRITE)
async def resync_ticket(
    bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str], ticket_id: FromPath[str]
) -> Redirect:
    """Bring one ticket into line."""
    await _see_to_it(bridge, visitor, case_id, ticket_id)
    await bridge.tickets.resync(visitor.who, ticket_id)
    return go(f"/cases/{case_id}")


@order("/cases/{case_id:str}/tickets/{ticket_id:str}/replay", Scope.WRITE)
async def replay_ticket(
    bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str], ticket_id: FromPath[str]
) -> Redirect:
    """Take a ticket out of the dead letters."""
    await _see_to_it(bridge, visitor, case_id, ticket_id)
    await bridge.tickets.replay(visitor.who, ticket_id)
    return go(f"/cases/{case_id}")


@order("/cases/{case_id:str}/tickets/{ticket_id:str}/force-sync", Scope.ADMIN)
async def force_ticket(
    bridge: TheBridge,
    visitor: TheVisitor,
    case_id: FromPath[str],
    ticket_id: FromPath[str],
    data: Form,
) -> Redirect:
    """Push a ticket past its workflow, for a reason that stays on the timeline."""
    order = filled(ForceSync, {"reason": data.get("reason", "")})
    await _see_to_it(bridge, visitor, case_id, ticket_id)
    await bridge.tickets.force_sync(visitor.who, ticket_id, order)
    return go(f"/cases/{case_id}")


async def _see_to_it(bridge: Bridge, visitor: Visitor, case_id: str, ticket_id: str) -> None:
    """See that a ticket is the case's.

    Raises:
        NotFound: it is not, or the tenant has no such case.
    """
    detail = await bridge.cases.get(visitor.who, case_id)
    if ticket_id not in {ref.public_id for ref, _ in detail.refs}:
        raise NotFound(f"the case has no ticket {ticket_id!r}", field="ticket_id")


def _line(listed: ListedCase) -> CaseLine:
    return CaseLine(CaseView.of(listed.case), [TicketView.of(*ticket) for ticket in listed.tickets])


def _lanes(detail: CaseDetail) -> list[tuple[int, str]]:
    return [(connector.id, ref.external_key or connector.name) for ref, connector in detail.refs]


HANDLERS = (
    case_list,
    case_page,
    move,
    resync_case,
    resync_ticket,
    replay_ticket,
    force_ticket,
)
