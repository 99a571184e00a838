"""The embedded engine: convergences as tasks of the service's own process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.engine.claims import Claim
from casebridge.persistence.database import after_commit
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.persistence.turns import Urgency

log = logging.getLogger(__name__)

_PATIENCE_SECONDS: Final = 0.25
Take = Callable[[int], Coroutine[Any, Any, list[Claim]]]
"""Claims up to so many due refs."""
Converge = Callable[[Claim], Coroutine[Any, Any, None]]
"""Converges one claimed ref and gives the claim back."""


class Engine(Protocol):
    """What decides when due refs are looked for; what is due, the refs' rows say."""

    async def prepare(self) -> None:
        """Make what the engine needs in a migrated database; harmless when it is there."""

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        """Note, inside the caller's transaction, that these refs are due at a moment."""

    async def run(self, take: Take, converge: Converge) -> None:
        """Run until `stop` is called; then let the convergences under way finish their step."""

    def stop(self) -> None:
        """Ask `run` to end."""


class EmbeddedEngine:
    """Runs due refs in this process: at once when woken, else within the sweep's period.

    The truth is in the refs' rows, so a lost wake-up costs at most one sweep, and a restart
    nothing.
    """

    def __init__(self, *, workers: int, sweep_seconds: float, urgency: Urgency) -> None:
        """``workers`` convergences at a time; ``sweep_seconds`` between looks without a wake-up.

        While an ``urgency`` lasts, nothing new is begun, up to a limit: then both share.
        """
        self._urgency = urgency
        self._workers = workers
        self._sweep = sweep_seconds
        self._woken = asyncio.Event()
        self._stopping = False

    async def prepare(self) -> None:
        """Need nothing."""

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:  # noqa: ARG002 - the rows say when
        """Look for due refs once the caller's transaction is committed."""
        if refs:
            after_commit(session, self.look)

    async def run(self, take: Take, converge: Converge) -> None:
        """Run until `stop` is called; then let the convergences under way finish their step."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping:
                self._woken.clear()
                for claim in await self._take(take, self._workers - len(running)):
                    running.add(asyncio.create_task(_guarded(converge, claim)))
                await self._pause(running)
                running = {task for task in running if not task.done()}
        finally:
            await asyncio.gather(*running, return_exceptions=True)

    def look(self) -> None:
        """Look for due refs at once, or as soon as there is room for one."""
        self._woken.set()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping = True
        self._woken.set()

    async def _take(self, take: Take, room: int) -> list[Claim]:
        if room <= 0:
            return []
        await self._urgency.calm(_PATIENCE_SECONDS)
        try:
            return await take(room)
        except DatabaseUnavailable as error:
            log.warning("looking for due refs failed: %s; trying again", error)
            return []
        except Exception:
            log.exception("looking for due refs failed; trying again")
            return []

    async def _pause(self, running: set[asyncio.Task[None]]) -> None:
        """Wait for a wake-up, for a finished convergence, or for the sweep."""
        woken = asyncio.create_task(self._woken.wait())
        try:
            await asyncio.wait(
                {woken, *running}, timeout=self._sweep, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            woken.cancel()
            with suppress(asyncio.CancelledError):
                await woken


async def _guarded(converge: Converge, claim: Claim) -> None:
    """Converge; an unexpected failure is logged and ends with the lease, not with the engine."""
    try:
        await converge(claim)
    except Exception:
        log.exception("the convergence of ref %s broke off", claim.ref_id)
