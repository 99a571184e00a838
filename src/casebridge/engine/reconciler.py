"""The reconciler: lists what changed at each vendor, for whatever no webhook told of.

Where it stands is in the connectors' rows: due time, lease, cursor and last error. It may be killed
at any point: the cursor moves after a page is reflected, and reflecting a page again is harmless.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from typing import Final

from casebridge.domain.reconciling import next_run, retry_run
from casebridge.engine.admission import Admission, PutOff
from casebridge.engine.claims import LeaseLost
from casebridge.engine.heartbeat import kept_alive
from casebridge.engine.outcomes import keep_quiet, trip_breaker
from casebridge.engine.reconcile_leases import ReconcileLease, ReconcileLeases
from casebridge.engine.reconcile_turn import ReconcileTurns
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.services.clock import Clock
from casebridge_core import CasebridgeError, PushError, RateLimited, VendorUnavailable

log = logging.getLogger(__name__)

_AT_A_TIME: Final = 4


class Reconciler:
    """Gives every connector its turn, a few at a time."""

    def __init__(
        self,
        leases: ReconcileLeases,
        turns: ReconcileTurns,
        admission: Admission,
        clock: Clock,
        *,
        period: timedelta,
        vendors: Collection[str],
    ) -> None:
        """A turn every ``period`` (zero: only when asked for) for those of ``vendors``."""
        self._leases = leases
        self._turns = turns
        self._admission = admission
        self._clock = clock
        self._period = period
        self._vendors = vendors
        self._stopping = asyncio.Event()

    async def run(self, *, sweep_seconds: float) -> None:
        """Look for due connectors until `stop` is called; then let each turn end at a page."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not self._stopping.is_set():
                running = {task for task in running if not task.done()}
                for lease in await self._take(_AT_A_TIME - len(running)):
                    running.add(asyncio.create_task(self._guarded(lease)))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), sweep_seconds)
        finally:
            await asyncio.gather(*running, return_exceptions=True)

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stopping.set()
        self._admission.stop()

    async def reconcile_due(self) -> int:
        """Give every connector that is due its turn, one after the other; return how many."""
        leases = await self._leases.take(1000, self._vendors)
        for lease in leases:
            await self.reconcile(lease)
        return len(leases)

    async def reconcile(self, lease: ReconcileLease) -> None:
        """Reconcile a connector, and say when it is looked at again.

        Nothing is raised for what a vendor or a plugin does: it ends up on the connector, in words.
        """
        with suppress(LeaseLost):
            async with kept_alive(lambda: self._leases.renew(lease), self._leases.lasting):
                try:
                    again_at = await self._turns.take(lease)
                except LeaseLost:
                    raise  # another process goes on with it
                except PutOff as put_off:
                    await self._leases.give_back(lease, put_off.until)
                except CasebridgeError as error:
                    await self._fail(lease, error)
                except Exception as error:
                    log.exception("reconciling connector %s broke off", lease.connector_id)
                    await self._fail(lease, error)
                else:
                    now = self._clock()
                    planned = next_run(now, self._period) if self._period else None
                    moments = [at for at in (planned, again_at) if at is not None]
                    await self._leases.give_back(lease, min(moments, default=None))

    async def _take(self, room: int) -> list[ReconcileLease]:
        if room <= 0:
            return []
        try:
            return await self._leases.take(room, self._vendors)
        except DatabaseUnavailable as error:
            log.warning("looking for connectors to reconcile failed: %s; trying again", error)
            return []
        except Exception:
            log.exception("looking for connectors to reconcile failed; trying again")
            return []

    async def _guarded(self, lease: ReconcileLease) -> None:
        try:
            await self.reconcile(lease)
        except Exception:
            log.exception("reconciling connector %s ends with its lease", lease.connector_id)

    async def _fail(self, lease: ReconcileLease, error: Exception) -> None:
        """Note a failure in words; the cursor stays, so that the next turn goes on from there."""
        now = self._clock()
        told = str(error) if isinstance(error, CasebridgeError) else _broke_off(error)
        log.info("reconciling connector %s: %s", lease.connector_id, told)
        retry_after = error.retry_after if isinstance(error, PushError) else None
        again_at = retry_run(now, self._period, retry_after)
        async with self._leases.commit(lease) as (_, row):
            row.reconcile_error = told
            if not isinstance(error, VendorUnavailable | RateLimited):
                row.changes_listing = None  # its next page may be the cause
            if isinstance(error, PushError) and error.pauses_connector:
                trip_breaker(row, error, now)
                again_at = now  # once it is resumed
            elif isinstance(error, RateLimited):
                again_at = keep_quiet(row, error, now)
        await self._leases.give_back(lease, again_at)


def _broke_off(error: Exception) -> str:
    return f"broke off ({type(error).__name__}); the service's log tells more"
