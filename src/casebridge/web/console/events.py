"""What the inbox took in: each event with what became of it, and once more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from casebridge.bridge import Bridge
from casebridge.domain.decision import Reason
from casebridge.services.events import EventFilter
from casebridge.services.replay import ReplayOrder
from casebridge.services.tenants import Principal, Scope
from casebridge.web.access import TheBridge
from casebridge.web.console.forms import Form, filled, moment, order
from casebridge.web.console.pages import go, page
from casebridge.web.console.session import TheVisitor
from casebridge.web.console.wording import CURES, MEANINGS
from casebridge.web.events import EventDetailView, EventView
from casebridge.web.paging import decode_cursor, encode_cursor

_PAGE: Final = 50
_REPLAYED_AT_ONCE: Final = 50
_SHOWN_CHARACTERS: Final = 60_000


@get("/events", include_in_schema=False, opt={"scope": Scope.WRITE})
async def event_list(
    bridge: TheBridge,
    visitor: TheVisitor,
    request: Request[Any, Any, Any],
    replayed: FromQuery[int | None] = None,
    took: FromQuery[int] = 0,
    rest: FromQuery[str] = "",
) -> Template:
    """List events, newest first, as the filters in the address leave them in.

    ``replayed`` and ``took`` say what a replay came to, ``rest`` is where it has to go on.
    """
    seen = encode_cursor(await bridge.pulse.mark())
    chosen = _chosen(request.query_params)
    before = decode_cursor(request.query_params.get("cursor"))
    which = filled(EventFilter, _values(chosen))
    found = await bridge.events.list(visitor.who, which, limit=_PAGE + 1, before=before)
    return page(
        "events.html",
        visitor,
        seen=seen,
        chosen=chosen,
        filtered=bool(_values(chosen)),
        narrowed=bool(_values({**chosen, "applied": ""})),
        events=[EventView.of(event) for event in found[:_PAGE]],
        older=encode_cursor(found[_PAGE - 1].row.id) if len(found) > _PAGE else None,
        first=before is None,
        replayed=replayed,
        took=took,
        rest=rest,
        tokens=await bridge.tokens.list(visitor.who),
        vendors=sorted(bridge.catalog),
        reasons=list(Reason),
        meanings=MEANINGS,
        **await _names(bridge, visitor.who),
    )


@get("/events/{event_id:str}", include_in_schema=False, opt={"scope": Scope.WRITE})
async def event_page(bridge: TheBridge, visitor: TheVisitor, event_id: FromPath[str]) -> Template:
    """Show what was delivered, what became of it, and why."""
    detail = await bridge.events.get(visitor.who, event_id)
    event = EventDetailView.of_detail(detail)
    reason = Reason(event.reason) if event.reason is not None else None
    text = _readable(detail.payload.body)
    return page(
        "event.html",
        visitor,
        event=event,
        body=text[:_SHOWN_CHARACTERS],
        left_out=len(text) - _SHOWN_CHARACTERS,
        meaning=MEANINGS[reason] if reason is not None else None,
        cure=CURES.get(reason) if reason is not None else None,
        **await _names(bridge, visitor.who),
    )


@order("/events/{event_id:str}/replay", Scope.WRITE)
async def replay_event(bridge: TheBridge, visitor: TheVisitor, event_id: FromPath[str]) -> Redirect:
    """Decide an event again, on what is known now."""
    return go(f"/events/{await bridge.replays.one(visitor.who, event_id)}")


@order("/events/replay", Scope.ADMIN)
async def replay_events(bridge: TheBridge, visitor: TheVisitor, data: Form) -> Redirect:
    """Decide the open events of a filter again, oldest first, fifty at a time."""
    chosen = _chosen(data)
    order = filled(ReplayOrder, {**_values(chosen), "limit": _REPLAYED_AT_ONCE})
    after = decode_cursor(data.get("rest") or None) or 0
    report = await bridge.replays.many(visitor.who, order, after=after)
    outcome = {"replayed": str(report.replayed), "took": str(report.applied)}
    if report.last is not None:
        outcome["rest"] = encode_cursor(report.last)
    kept = {name: value for name, value in chosen.items() if value}
    return go(f"/events?{urlencode({**kept, **outcome})}")


def _chosen(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(name, "").strip() for name in EventFilter.__struct_fields__}


def _values(chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return what was chosen, moments read as such."""
    return {
        name: moment(value, field=name) if name in {"since", "until"} else value
        for name, value in chosen.items()
        if value
    }


async def _names(bridge: Bridge, who: Principal) -> dict[str, Any]:
    """Return what a template calls the connectors, those that were removed included."""
    used = await bridge.connectors.list(who)
    removed = await bridge.connectors.list(who, removed=True)
    return {
        "connectors": used,
        "connector_names": {row.public_id: row.name for row in (*used, *removed)},
    }


def _readable(body: bytes) -> str:
    """Return a body as text: JSON with indentation, and anything else as it came."""
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


HANDLERS = (event_list, event_page, replay_event, replay_events)
