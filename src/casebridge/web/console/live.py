"""Server-sent events: a page that is open learns that it is out of date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from litestar import get
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from casebridge.services.pulse import Pulse
from casebridge.web.access import TheBridge
from casebridge.web.console.session import TheVisitor

_BREATH_SECONDS: Final = 0.2
"""A burst is one event: what else comes within this time is swallowed."""


@get("/live/cases", include_in_schema=False, opt={"stream": True})
async def live_cases(bridge: TheBridge, visitor: TheVisitor) -> ServerSentEvent:
    """Tell when any case of the tenant changes."""
    return ServerSentEvent(_changes(bridge.pulse, visitor.who.tenant_id, None))


@get("/live/cases/{case_id:str}", include_in_schema=False, opt={"stream": True})
async def live_case(
    bridge: TheBridge, visitor: TheVisitor, case_id: FromPath[str]
) -> ServerSentEvent:
    """Tell when one case changes."""
    await bridge.cases.get(visitor.who, case_id)
    return ServerSentEvent(_changes(bridge.pulse, visitor.who.tenant_id, case_id))


async def _changes(
    pulse: Pulse, tenant_id: int, wanted: str | None
) -> AsyncIterator[ServerSentEventMessage]:
    yield ServerSentEventMessage(comment="watching")
    async with aclosing(pulse.watch(tenant_id)) as cases:
        async for case in cases:
            if wanted is None or case == wanted:
                await asyncio.sleep(_BREATH_SECONDS)
                yield ServerSentEventMessage(event="changed", data=case)


HANDLERS = (live_cases, live_case)
