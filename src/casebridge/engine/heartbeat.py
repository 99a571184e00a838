"""The heartbeat of a lease: renewed while the work under it goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)


@asynccontextmanager
async def kept_alive(renew: Callable[[], Awaitable[bool]], lease: timedelta) -> AsyncIterator[None]:
    """Renew a lease three times in its life; a lost one is noticed by the fenced writes.

    While the database is not there, it goes on trying.

    ``renew`` returns False when the lease is lost.
    """

    async def beat() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            try:
                if not await renew():
                    return
            except SQLAlchemyError as error:
                log.warning("a lease is not renewed yet: %s", error)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
