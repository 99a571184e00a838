"""Server-sent events: a page that is open learns that it is out of date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage

from casebridge.domain.identifiers import CONNECTOR
from casebridge.services.events import EventFilter, Events
from casebridge.services.pulse import Pulse
from casebridge.services.tenants import Principal, Scope
from casebridge.web.access import TheBridge
from casebridge.web.console.session import TheVisitor
from casebridge.web.paging import decode_cursor

_BREATH_SECONDS: Final = 0.2
"""A burst is one event: what else comes within this time is swallowed."""
_LOOK_SECONDS: Final = 1.0
"""How often a page that waits for a delivery looks: few do, and not for long."""


@get("/live/cases", include_in_schema=False, opt={"stream": True})
async def live_cases(
    bridge: TheBridge, visitor: TheVisitor, seen: FromQuery[str] = ""
) -> ServerSentEvent:
    """Tell when any case or connector changes; ``seen`` is the mark that the page was made at."""
    mark = await _mark(bridge.pulse, seen)
    return ServerSentEvent(_changes(bridge.pulse, visitor.who.tenant_id, None, mark))


@get("/live/cases/{case_id:str}", include_in_schema=False, opt={"stream": True})
async def live_case(
    bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str], seen: FromQuery[str] = ""
) -> ServerSentEvent:
    """Tell when a case or a connector changes; ``seen`` is the mark that the page was made at."""
    await bridge.cases.get(visitor.who, case_id)
    mark = await _mark(bridge.pulse, seen)
    return ServerSentEvent(_changes(bridge.pulse, visitor.who.tenant_id, case_id, mark))


@get(
    "/live/tokens/{token_id:str}",
    include_in_schema=False,
    opt={"stream": True, "scope": Scope.WRITE},
)
async def live_token(
    bridge: TheBridge, visitor: TheVisitor, token_id: FromPath[str], seen: FromQuery[str] = ""
) -> ServerSentEvent:
    """Tell when an inbox token brings a delivery; ``seen`` is the newest that the page shows."""
    await bridge.tokens.get(visitor.who, token_id)
    known = decode_cursor(seen or None) or 0
    return ServerSentEvent(_deliveries(bridge.events, visitor.who, token_id, known))


async def _deliveries(
    events: Events, who: Principal, token_id: str, known: int
) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(comment="watching")
    while True:
        newest = await events.list(who, EventFilter(token_id=token_id), limit=1)
        if newest and newest[0].row.id > known:
            known = newest[0].row.id
            yield ServerSentEventMessage(event="changed", data=newest[0].row.public_id)
        await asyncio.sleep(_LOOK_SECONDS)


async def _mark(pulse: Pulse, seen: str) -> int:
    mark = decode_cursor(seen or None)
    return await pulse.mark() if mark is None else mark


async def _changes(
    pulse: Pulse, tenant_id: int, wanted: str | None, mark: int
) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(comment="watching")
    async with aclosing(pulse.watch(tenant_id, seen=mark)) as news:
        async for changed in news:
            if wanted in {None, changed} or changed.startswith(CONNECTOR):
                await asyncio.sleep(_BREATH_SECONDS)
                yield ServerSentEventMessage(event="changed", data=changed)


HANDLERS = (live_cases, live_case, live_token)
