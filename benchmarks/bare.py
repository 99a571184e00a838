"""The ceiling: a Litestar handler that reads nothing, does nothing and answers ``{}``."""

from __future__ import annotations

from litestar import Litestar, post


@post("/{token:str}", status_code=200)
async def nothing() -> dict[str, str]:
    """Answer."""
    return {}


app = Litestar([nothing], openapi_config=None)
