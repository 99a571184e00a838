"""Wake-ups: atomic with what they tell of, quick, and cheap while there is nothing to tell."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from casebridge.engine.distributed import DistributedEngine
from casebridge.engine.embedded import EmbeddedEngine, Engine
from casebridge.persistence.database import Database
from casebridge.persistence.turns import Urgency
from casebridge.services.clock import utc_now
from tests.engines.scene import NEVER, Refused, Scene, note_statements


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open an empty database of the newest revision."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def scene(engine_name: str, database: Database) -> Scene:
    """The engine that is tested, not running yet."""

    def engine(sweep: float) -> Engine:
        if engine_name == "embedded":
            return EmbeddedEngine(workers=4, sweep_seconds=sweep, urgency=Urgency())
        return DistributedEngine(database, utc_now, workers=4, sweep_seconds=sweep)

    return Scene(engine, database)


async def test_a_create_that_is_rolled_back_leaves_nothing_and_wakes_nobody(scene: Scene) -> None:
    async with scene.running() as engine:
        await scene.make_due(engine)
        await scene.until(lambda: len(scene.converged) == 1)
        looks = scene.looks

        with pytest.raises(Refused):
            await scene.make_due(engine, fail=True)
        ref = await scene.make_due(engine)
        await scene.until(lambda: ref in scene.converged)

        assert scene.converged[1:] == [ref]
        # A look for the wake-up, and one because a place became free.
        assert scene.looks - looks <= 3
    assert await scene.count("case_external_refs") == 2


async def test_a_wake_up_is_heard_at_once_and_not_at_the_next_sweep(scene: Scene) -> None:
    async with scene.running() as engine:
        refs = [await scene.make_due(engine) for _ in range(5)]

        await scene.until(lambda: set(refs) <= set(scene.converged))


async def test_a_lost_wake_up_is_made_good_by_the_sweep(scene: Scene) -> None:
    async with scene.running(sweep=0.05):
        ref = await scene.make_due(_Deaf())

        await scene.until(lambda: ref in scene.converged)


async def test_a_doubled_and_a_late_wake_up_change_nothing(scene: Scene) -> None:
    async with scene.running() as engine:
        ref = await scene.make_due(engine)
        await scene.until(lambda: ref in scene.converged)

        for _ in range(3):
            async with scene.database.write() as session:
                await engine.wake(session, [ref, ref], utc_now())
        last = await scene.make_due(engine)
        await scene.until(lambda: last in scene.converged)

        assert scene.converged == [ref, last]


async def test_nothing_to_do_costs_few_statements(scene: Scene) -> None:
    statements = note_statements(scene.database)
    async with scene.running(sweep=0.02):
        before, looks = len(statements), scene.looks

        await scene.until(lambda: scene.looks >= looks + 40)

        assert 0 < len(statements) - before <= 4 * (scene.looks - looks)


class _Deaf(EmbeddedEngine):
    """An engine whose wake-ups reach nobody."""

    def __init__(self) -> None:
        super().__init__(workers=1, sweep_seconds=NEVER, urgency=Urgency())
