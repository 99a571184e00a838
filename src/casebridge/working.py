"""Working: a process that converges and serves nobody."""

from __future__ import annotations

import asyncio
import logging
import signal

from casebridge.bridge import open_bridge
from casebridge.exposition import exposed
from casebridge.settings import InvalidSettings, Settings

log = logging.getLogger(__name__)


async def work(settings: Settings) -> None:
    """Converge until the process is told to stop, and leave what is not done to others.

    Raises:
        InvalidSettings: the settings leave the work to other processes.
    """
    if settings.workers < 1:
        raise InvalidSettings("CASEBRIDGE_WORKERS must be at least 1 in a worker")
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for reason in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(reason, told.set)
    async with (
        open_bridge(settings) as bridge,
        exposed(settings.metrics_address, bridge.gauges),
    ):
        log.info("working (%s engine)", settings.engine)
        await told.wait()
        log.info("stopping")
