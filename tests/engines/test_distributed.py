"""What only the distributed engine has: the queue, its tables, and its connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from casebridge.engine import distributed
from casebridge.engine.distributed import DistributedEngine
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now
from tests.engines.scene import NEVER, Refused, Scene

QUEUE = "casebridge_pgqueuer"
LOG = "casebridge_pgqueuer_log"
END_THE_LISTENER = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND query ~ 'pgqueuer|LISTEN|notify'
"""


def engine_on(database: Database, sweep: float = NEVER) -> DistributedEngine:
    return DistributedEngine(database, utc_now, workers=4, sweep_seconds=sweep)


@pytest.fixture
async def database(migrated_postgres_url: str) -> AsyncIterator[Database]:
    """Open an empty database of the newest revision, with the queue's tables."""
    opened = Database(migrated_postgres_url)
    await engine_on(opened).prepare()
    yield opened
    await opened.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(lambda sweep: engine_on(database, sweep), database)


async def test_processes_that_start_together_make_the_tables_once(postgres_url: str) -> None:
    databases = [Database(postgres_url) for _ in range(4)]

    await asyncio.gather(*(engine_on(database).prepare() for database in databases))
    await engine_on(databases[0]).prepare()

    for database in databases:
        await database.close()


async def test_one_nudge_goes_out_for_a_transaction_however_many_refs_are_due(
    scene: Scene,
) -> None:
    engine = engine_on(scene.database)

    async with scene.database.write() as session:
        await engine.wake(session, list(range(1000)), utc_now())
    async with scene.database.write() as session:
        await engine.wake(session, [], utc_now())

    assert await scene.count(QUEUE) == 1


async def test_a_nudge_is_enqueued_in_the_callers_transaction(scene: Scene) -> None:
    with pytest.raises(Refused):
        await scene.make_due(engine_on(scene.database), fail=True)

    assert await scene.count(QUEUE) == await scene.count(LOG) == 0


async def test_a_nudge_waits_for_the_worker_that_comes_later(scene: Scene) -> None:
    await scene.make_due(engine_on(scene.database))

    async with scene.running():
        await scene.until(lambda: len(scene.converged) == 1)
        await scene.emptied(QUEUE)


async def test_a_nudge_for_later_is_heard_then(scene: Scene) -> None:
    async with scene.running() as engine:
        ref = await scene.make_due(engine)
        await scene.until(lambda: ref in scene.converged)
        looks = scene.looks

        async with scene.database.write() as session:
            await engine.wake(session, [ref], utc_now() + timedelta(seconds=0.5))

        await scene.until(lambda: scene.looks > looks)


async def test_what_the_queue_notes_of_finished_nudges_does_not_pile_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "_TIDY_SECONDS", 0.05)

    async with scene.running() as engine:
        for _ in range(5):
            await scene.make_due(engine)
        await scene.until(lambda: len(scene.converged) == 5)
        await scene.emptied(QUEUE)
        await scene.emptied(LOG)


async def test_a_lost_connection_is_made_anew_and_nothing_is_missed(scene: Scene) -> None:
    async with scene.running() as engine:
        first = await scene.make_due(engine)
        await scene.until(lambda: first in scene.converged)

        async with scene.database.write() as session:
            ended = await session.scalars(text(END_THE_LISTENER))
        assert ended.all() == [True]
        second = await scene.make_due(engine)

        await scene.until(lambda: second in scene.converged)
