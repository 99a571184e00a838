"""The heartbeat of a lease: renewed while the work under it goes on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from casebridge.services.tenure import TENURE, Tenure

log = logging.getLogger(__name__)


@asynccontextmanager
async def kept_alive(
    renew: Callable[[], Awaitable[bool]],
    lease: timedelta,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[None]:
    """Renew a lease three times in its life; a lost one is noticed by the fenced writes.

    While the database is not there, it goes on trying. Once the lease has not been renewed for its
    whole length, by ``clock`` in seconds, connectors send nothing more for this task.

    ``renew`` returns False when the lease is lost.
    """
    tenure = Tenure(lease, clock)

    async def beat() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            try:
                began = clock()
                if not await renew():
                    return tenure.end()
                tenure.extend(began)
            except SQLAlchemyError as error:
                log.warning("a lease is not renewed yet: %s", error)

    task = asyncio.create_task(beat())
    before = TENURE.set(tenure)
    try:
        yield
    finally:
        TENURE.reset(before)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
