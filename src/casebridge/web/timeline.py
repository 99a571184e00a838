"""/v1/timeline.jsonl."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from casebridge.services.timeline_export import ExportFilter
from casebridge.web.access import Caller, TheBridge

JSON_LINES = "application/x-ndjson"


@get("/timeline.jsonl", tags=["cases"], media_type=JSON_LINES)
async def export_timeline(
    bridge: TheBridge,
    who: Caller,
    case_id: Annotated[str | None, QueryParameter(description="Only of this case.")] = None,
    since: Annotated[
        datetime | None, QueryParameter(description="Only from this moment on.")
    ] = None,
    until: Annotated[
        datetime | None, QueryParameter(description="Only before this moment.")
    ] = None,
    after: Annotated[
        int,
        QueryParameter(ge=0, le=2**31 - 1, description="Only above this id."),
    ] = 0,
) -> Stream:
    """Export timelines as JSON Lines, oldest first, in one answer of any length."""
    which = ExportFilter(case_id=case_id, since=since, until=until, after=after)
    return Stream(await bridge.timeline_export.begin(who, which), media_type=JSON_LINES)
