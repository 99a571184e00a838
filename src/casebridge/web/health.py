"""/health and /ready, for whatever watches the process."""

from __future__ import annotations

from litestar import get
from litestar.enums import MediaType
from sqlalchemy import text

from casebridge.web.access import TheBridge


@get("/health", media_type=MediaType.TEXT, tags=["operations"])
async def health() -> str:
    """Tell that the process answers."""
    return "ok"


@get("/ready", media_type=MediaType.TEXT, tags=["operations"])
async def ready(bridge: TheBridge) -> str:
    """Tell that the database answers; 503 when it does not."""
    async with bridge.database.read() as session:
        await session.execute(text("SELECT 1"))
    return "ready"
