"""/cases/{id}: the page that a ticket's link back leads to. It reads well without JavaScript."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from litestar import get
from litestar.params import FromPath
from litestar.response import File, Template

from casebridge.web.access import PageReader, TheBridge
from casebridge.web.views import CaseDetailView, TimelineView

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLESHEET: Final = Path(__file__).parent / "static" / "casebridge.css"
_SHOWN_ROWS: Final = 500
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@get("/cases/{case_id:str}", include_in_schema=False)
async def case_page(bridge: TheBridge, who: PageReader, case_id: FromPath[str]) -> Template:
    """Show a case with its tickets and its timeline."""
    detail = await bridge.cases.get(who, case_id)
    rows = await bridge.cases.timeline(who, case_id, limit=_SHOWN_ROWS)
    context = {
        "case": CaseDetailView.of_detail(detail),
        "rows": [TimelineView.of(*row) for row in rows],
    }
    return Template("case.html", context=context, headers=_HEADERS)


@get("/static/casebridge.css", include_in_schema=False)
async def stylesheet() -> File:
    """Serve the one stylesheet."""
    return File(STYLESHEET, media_type="text/css", content_disposition_type="inline")
