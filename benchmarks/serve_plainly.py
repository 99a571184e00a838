"""Serve Casebridge with a transaction for each webhook: what group commit is measured against."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from casebridge import create_app
from casebridge.serving import serve
from tests.integration.plain_inbox import store_plainly


@asynccontextmanager
async def plainly(app: Litestar) -> AsyncIterator[None]:
    """Change the inbox once it is open."""
    store_plainly(app.state.bridge.inbox)
    yield


if __name__ == "__main__":
    application = create_app()
    application._lifespan_managers.append(plainly)  # noqa: SLF001 - after the bridge's own
    serve(application, host="127.0.0.1", port=int(sys.argv[1]))
