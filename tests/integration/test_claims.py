"""Claims, on both databases: one worker per ref, and nothing written by a worker that lost it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from casebridge.engine.claims import Claim, Claims, LeaseLost
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

Opened = Callable[[str], Database]
LEASE = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


@dataclass
class Watch:
    """A clock that a test moves."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Scene:
    """One connector with refs that are due, and a worker's claims on them."""

    database: Database
    watch: Watch
    connector: ConnectorRow
    refs: list[RefRow]
    claims: Claims = field(init=False)

    def __post_init__(self) -> None:
        self.claims = self.worker(self.database)

    def worker(self, database: Database) -> Claims:
        return Claims(database, self.watch, lease=LEASE)

    async def take(self, limit: int = 10) -> list[Claim]:
        return await self.claims.take(limit, ("acme",))

    async def set_ref(self, **values: Any) -> None:
        async with self.database.write() as session:
            await session.execute(update(RefRow).values(**values))

    async def set_connector(self, **values: Any) -> None:
        async with self.database.write() as session:
            await session.execute(update(ConnectorRow).values(**values))

    async def ref(self, number: int = 0) -> RefRow:
        async with self.database.read() as session:
            return await session.get_one(RefRow, self.refs[number].id)


@pytest.fixture
async def scene(database: Database) -> Scene:
    """Five cases with a ref each, all due at noon."""
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector = await add_connector(session, tenant)
        refs = [
            await add_ref(session, await add_case(session, tenant), connector) for _ in range(5)
        ]
    return Scene(database, Watch(), connector, refs)


async def test_each_ref_is_claimed_once_however_many_ask(scene: Scene, opened: Opened) -> None:
    url = scene.database.url.render_as_string(hide_password=False)
    workers = [scene.worker(opened(url)) for _ in range(4)]

    taken = await asyncio.gather(
        *(worker.take(2, ("acme",)) for worker in workers for _ in range(3))
    )

    claimed = [claim.ref_id for claims in taken for claim in claims]
    assert len(claimed) == len(set(claimed))
    rest = await scene.take()
    assert sorted(claimed + [claim.ref_id for claim in rest]) == [ref.id for ref in scene.refs]


async def test_a_claimed_ref_is_not_claimed_again_while_the_lease_lasts(scene: Scene) -> None:
    await scene.take()
    await scene.set_ref(due_at=NOON)
    scene.watch.now += LEASE

    assert await scene.take() == []


async def test_no_more_are_claimed_than_asked_for(scene: Scene) -> None:
    assert len(await scene.take(2)) == 2


async def test_a_ref_is_left_alone_until_its_time_has_come(scene: Scene) -> None:
    await scene.set_ref(due_at=NOON + SECOND)
    early = await scene.take()
    scene.watch.now += SECOND

    assert early == []
    assert len(await scene.take()) == 5


async def test_a_ref_with_nothing_to_do_is_left_alone(scene: Scene) -> None:
    await scene.set_ref(due_at=None)

    assert await scene.take() == []


async def test_a_claim_takes_the_wake_up_and_one_that_comes_later_survives(scene: Scene) -> None:
    (claim, *_) = await scene.take()
    assert (await scene.ref()).due_at is None

    await scene.set_ref(due_at=NOON)
    await scene.claims.release(claim)

    assert [again.ref_id for again in await scene.take()] == [claim.ref_id]


async def test_an_abandoned_lease_is_taken_over_without_a_wake_up(scene: Scene) -> None:
    before = await scene.take()
    scene.watch.now += LEASE + SECOND

    after = await scene.take()

    assert [claim.ref_id for claim in after] == [claim.ref_id for claim in before]
    assert {claim.token for claim in after}.isdisjoint({claim.token for claim in before})


async def test_a_renewed_lease_is_not_abandoned(scene: Scene) -> None:
    (claim, *_) = await scene.take(1)
    await scene.set_ref(due_at=None)
    scene.watch.now += LEASE

    renewed = await scene.claims.renew(claim)
    scene.watch.now += LEASE

    assert renewed
    assert await scene.take() == []


async def test_the_holder_of_a_claim_writes(scene: Scene) -> None:
    (claim, *_) = await scene.take()

    async with scene.claims.commit(claim) as (_, ref, case):
        ref.external_key = "T-1"
        assert case.id == ref.case_id == claim.case_id

    assert (await scene.ref()).external_key == "T-1"


async def test_whoever_lost_the_claim_writes_nothing(scene: Scene) -> None:
    (stale, *_) = await scene.take()
    scene.watch.now += LEASE + SECOND
    (current, *_) = await scene.take()

    with pytest.raises(LeaseLost):
        async with scene.claims.commit(stale) as (_, ref, _):
            ref.external_key = "T-stale"

    assert (await scene.ref()).external_key is None
    assert not await scene.claims.renew(stale)
    await scene.claims.release(stale)
    assert (await scene.ref()).lease_token == current.token


async def test_a_released_claim_is_worth_nothing(scene: Scene) -> None:
    (claim, *_) = await scene.take()
    await scene.claims.release(claim)

    with pytest.raises(LeaseLost):
        async with scene.claims.commit(claim):
            pytest.fail("the block ran under a claim that was given back")


RESTING: dict[str, dict[str, object]] = {
    "paused": {"paused_at": NOON, "paused_reason": "the credential is refused"},
    "disabled": {"enabled": False},
    "removed": {"removed_at": NOON},
    "asked to be quiet": {"quiet_until": NOON + LEASE + SECOND},
    "without its plugin": {"vendor": "other"},
}


@pytest.mark.parametrize("what", RESTING)
async def test_nothing_is_claimed_of_a_connector_that_is(scene: Scene, what: str) -> None:
    await scene.set_connector(**RESTING[what])

    assert await scene.take() == []


@pytest.mark.parametrize("what", RESTING)
async def test_nothing_is_taken_over_of_a_connector_that_is(scene: Scene, what: str) -> None:
    await scene.take()
    scene.watch.now += LEASE
    await scene.set_connector(**RESTING[what])
    scene.watch.now += SECOND / 2

    assert await scene.take() == []


async def test_a_connector_is_called_again_once_the_quiet_time_is_over(scene: Scene) -> None:
    await scene.set_connector(quiet_until=NOON + SECOND)
    assert await scene.take() == []

    scene.watch.now += SECOND

    assert len(await scene.take()) == 5


async def test_a_resting_connector_holds_up_no_other(scene: Scene) -> None:
    async with scene.database.write() as session:
        tenant = await add_tenant(session)
        paused = await add_connector(session, tenant, paused_at=NOON)
        for _ in range(3):
            case = await add_case(session, tenant)
            await add_ref(session, case, paused, due_at=NOON - timedelta(days=1))

    taken = await scene.take(5)

    assert [claim.ref_id for claim in taken] == [ref.id for ref in scene.refs]
