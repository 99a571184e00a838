"""A reconciler for a bench, which gives connectors their turns when a test says so, and a scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import update

from casebridge.engine.admission import Admission
from casebridge.engine.gate import Gate
from casebridge.engine.reconcile_leases import ReconcileLeases
from casebridge.engine.reconcile_turn import ReconcileTurns
from casebridge.engine.reconciler import Reconciler
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.readings import Readings
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import Desk
from tests.fanout.issues import Issue

PERIOD: Final = timedelta(minutes=5)
LASTING: Final = timedelta(seconds=60)


def leases_of(bench: Bench, *, period: timedelta = PERIOD) -> ReconcileLeases:
    """Return what deals out the turns."""
    return ReconcileLeases(bench.database, bench.clock, lasting=LASTING, period=period)


def reconciler_of(
    bench: Bench, *, period: timedelta = PERIOD, verify_every: timedelta = timedelta()
) -> Reconciler:
    """Put a reconciler together from the parts of a bench."""
    leases = leases_of(bench, period=period)
    gate = Gate(bench.database, bench.connections, bench.clock)
    admission = Admission(bench.database, gate, bench.clock)
    readings = Readings(bench.fanout, bench.clock)
    turns = ReconcileTurns(
        bench.database,
        bench.connections,
        admission,
        leases,
        readings,
        bench.clock,
        verify_every=verify_every,
    )
    return Reconciler(leases, turns, admission, bench.clock, period=period, vendors=bench.vendors)


@dataclass
class Scene:
    """Cases with settled tickets at one vendor, and a reconciler."""

    bench: Bench
    counter: Counter
    desk: Desk
    connector: str
    reconciler: Reconciler

    async def new_case(self) -> str:
        case = await self.counter.create_case()
        await self.bench.converge()
        return case

    async def issue(self, case: str) -> Issue:
        return self.desk.issues[str((await self.counter.ref(case)).external_id)]

    async def human_moves(self, case: str, native: str) -> None:
        self.bench.clock.advance(seconds=1)
        self.desk.move(await self.issue(case), native)
        self.bench.clock.advance(seconds=1)

    async def a_period_passes(self) -> int:
        self.bench.clock.advance(seconds=PERIOD.total_seconds())
        return await self.reconciler.reconcile_due()

    async def status(self, case: str) -> str:
        return (await self.counter.case(case)).status

    async def row(self) -> ConnectorRow:
        return await self.bench.connectors.get(self.counter.who, self.connector)

    async def told(self, case: str) -> list[tuple[str, str]]:
        rows = await self.counter.timeline(case)
        return [(r.kind, r.text) for r in rows if r.actor_label.startswith("itsm-reconciler")]

    async def set_ref(self, **values: Any) -> None:
        async with self.bench.database.write() as session:
            await session.execute(update(RefRow).values(**values))

    def lists(self) -> int:
        return len(self.desk.writes("list_changes"))


async def open_scene(bench: Bench, desk: Desk, **limits: int | None) -> Scene:
    """Connect a vendor and put a reconciler beside it."""
    counter = await bench.open_counter()
    connector = await counter.connect(desk, url="", **limits)
    return Scene(bench, counter, desk, connector, reconciler_of(bench))
