"""The driver of backfills and what is claimed of them, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.domain.identifiers import BACKFILL, new_id
from casebridge.engine.backfill import BackfillDriver
from casebridge.engine.claims import Claims
from casebridge.persistence.backfills import BackfillRow, FeatureFlagRow
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.fanout import FanOut
from casebridge_core import ConnectorCatalog
from tests.integration import acme
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

Opened = Callable[[str], Database]
ACME = ("acme",)


class NoEngine:
    """Nobody is woken: the rows say what is due."""

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        """Do nothing."""


@dataclass
class Scene:
    """A tenant with twelve open cases, and a backfill of the connector that came after them."""

    database: Database
    tenant: TenantRow
    connector: ConnectorRow
    cases: list[CaseRow]
    backfill: BackfillRow
    fanout: FanOut = field(
        default_factory=lambda: FanOut(ConnectorCatalog.of(acme=acme), NoEngine())
    )

    def driver(self, database: Database | None = None) -> BackfillDriver:
        return BackfillDriver(database or self.database, self.fanout, lambda: NOON, vendors=ACME)

    async def advance(self) -> None:
        """Let a driver that has just been started act once."""
        await self.driver().advance()

    async def refs(self) -> list[RefRow]:
        async with self.database.read() as session:
            return list(await session.scalars(select(RefRow).order_by(RefRow.id)))

    async def mint(self, count: int | None = None) -> None:
        """Play the engine: mint what is reserved."""
        async with self.database.write() as session:
            query = select(RefRow).where(RefRow.external_id.is_(None), RefRow.dead_at.is_(None))
            for ref in await session.scalars(query.order_by(RefRow.id).limit(count)):
                ref.external_id, ref.due_at = ref.public_id, None
                ref.minted_at = NOON

    async def set(self, row: type[Any], **values: Any) -> None:
        async with self.database.write() as session:
            await session.execute(update(row).values(**values))

    async def state(self) -> BackfillRow:
        async with self.database.read() as session:
            return await session.get_one(BackfillRow, self.backfill.id)

    async def run_out(self) -> BackfillRow:
        """Advance and mint until the backfill runs no more."""
        while (row := await self.state()).state == "running":
            await self.advance()
            await self.mint()
        return row


async def add_backfill(
    session: AsyncSession, connector: ConnectorRow, **fields: Any
) -> BackfillRow:
    values: dict[str, Any] = {
        "public_id": new_id(BACKFILL),
        "tenant_id": connector.tenant_id,
        "connector_id": connector.id,
        "state": "running",
        "ramp_first": 3,
        "ramp_most": 3,
        "tolerance": 2,
        "dead_limit": 2,
        "total": 12,
        "last_case_id": 0,
        "actor": "api (operator)",
        "created_at": NOON,
        "started_at": NOON,
        "resumed_at": NOON,
    }
    row = BackfillRow(**{**values, **fields})
    session.add(row)
    await session.flush()
    return row


async def switch_on(session: AsyncSession, tenant: TenantRow) -> None:
    session.add(FeatureFlagRow(tenant_id=tenant.id, name="backfill", enabled=True, changed_at=NOON))
    await session.flush()


@pytest.fixture
async def scene(database: Database) -> Scene:
    async with database.write() as session:
        tenant = await add_tenant(session)
        await switch_on(session, tenant)
        cases = [await add_case(session, tenant) for _ in range(12)]
        connector = await add_connector(session, tenant)
        backfill = await add_backfill(session, connector)
    return Scene(database, tenant, connector, cases, backfill)


async def test_as_many_tickets_are_reserved_as_the_ramp_allows(scene: Scene) -> None:
    await scene.advance()

    refs = await scene.refs()
    assert [ref.case_id for ref in refs] == [case.id for case in scene.cases[:3]]
    assert {(ref.due_at, ref.priority) for ref in refs} == {(NOON, 1)}
    assert {ref.backfill_id for ref in refs} == {scene.backfill.id}


async def test_no_more_are_reserved_while_those_are_under_way(scene: Scene) -> None:
    for _ in range(3):
        await scene.advance()

    assert len(await scene.refs()) == 3


async def test_each_minted_ticket_makes_room_for_another(scene: Scene) -> None:
    await scene.advance()
    await scene.mint(2)

    await scene.advance()

    assert len(await scene.refs()) == 5


async def test_a_ramp_grows_with_what_is_minted(scene: Scene) -> None:
    await scene.set(BackfillRow, ramp_first=1, ramp_most=50)
    seen = []
    for _ in range(4):
        await scene.advance()
        seen.append(sum(ref.external_id is None for ref in await scene.refs()))
        await scene.mint()

    assert seen == [1, 2, 4, 5]


async def test_every_case_gets_one_ticket_and_then_the_backfill_is_done(scene: Scene) -> None:
    row = await scene.run_out()

    assert (row.state, row.finished_at) == ("done", NOON)
    assert Counter(ref.case_id for ref in await scene.refs()) == {c.id: 1 for c in scene.cases}


async def test_a_backfill_without_cases_is_done_at_once(scene: Scene) -> None:
    await scene.set(CaseRow, status="closed")

    await scene.advance()

    assert (await scene.state()).state == "done"
    assert await scene.refs() == []


async def test_closed_cases_and_cases_with_a_ticket_are_left_alone(scene: Scene) -> None:
    async with scene.database.write() as session:
        await add_ref(session, scene.cases[0], scene.connector, external_id="T-1", due_at=None)
        (await session.get_one(CaseRow, scene.cases[1].id)).status = "closed"

    await scene.advance()

    reserved = [ref.case_id for ref in await scene.refs() if ref.backfill_id is not None]
    assert reserved == [case.id for case in scene.cases[2:5]]


async def test_other_tenants_cases_are_none_of_its_business(scene: Scene) -> None:
    async with scene.database.write() as session:
        stranger = await add_tenant(session)
        foreign = await add_case(session, stranger)

    await scene.run_out()

    assert foreign.id not in {ref.case_id for ref in await scene.refs()}


async def test_a_case_that_is_reopened_behind_the_last_one_is_not_forgotten(scene: Scene) -> None:
    async with scene.database.write() as session:
        (await session.get_one(CaseRow, scene.cases[0].id)).status = "closed"
    await scene.advance()
    async with scene.database.write() as session:
        (await session.get_one(CaseRow, scene.cases[0].id)).status = "open"

    await scene.run_out()

    assert {ref.case_id for ref in await scene.refs()} == {case.id for case in scene.cases}


async def test_each_case_says_on_its_timeline_that_a_ticket_was_reserved(scene: Scene) -> None:
    await scene.advance()

    async with scene.database.read() as session:
        rows = (await session.scalars(select(TimelineRow).order_by(TimelineRow.id))).all()
    assert [row.case_id for row in rows] == [case.id for case in scene.cases[:3]]
    assert {row.kind for row in rows} == {"backfill"}
    assert {row.actor_label for row in rows} == {"api (operator)"}
    assert {row.detail["backfill"] for row in rows} == {scene.backfill.public_id}


async def test_one_of_many_drivers_acts_at_a_time(scene: Scene, opened: Opened) -> None:
    url = scene.database.url.render_as_string(hide_password=False)
    drivers = [scene.driver(opened(url)) for _ in range(4)]

    for _ in range(3):
        await asyncio.gather(*(driver.advance() for driver in drivers for _ in range(2)))

    refs = await scene.refs()
    assert len(refs) == len({ref.case_id for ref in refs}) == 3


async def test_a_backfill_that_another_process_has_locked_is_left_to_it(scene: Scene) -> None:
    if scene.database.is_sqlite:
        pytest.skip("on SQLite the whole file has one writer")
    async with scene.database.write() as session:
        await session.execute(
            select(BackfillRow.id).where(BackfillRow.id == scene.backfill.id).with_for_update()
        )
        async with asyncio.timeout(5):
            await scene.advance()

    assert await scene.refs() == []


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (BackfillRow, {"state": "planned"}),
        (BackfillRow, {"state": "paused"}),
        (BackfillRow, {"state": "cancelled"}),
        (FeatureFlagRow, {"enabled": False}),
        (ConnectorRow, {"paused_at": NOON}),
        (ConnectorRow, {"enabled": False}),
        (ConnectorRow, {"removed_at": NOON}),
        (ConnectorRow, {"vendor": "uninstalled"}),
    ],
    ids=str,
)
async def test_nothing_is_reserved_while(
    scene: Scene, row: type[Any], values: dict[str, Any]
) -> None:
    await scene.set(row, **values)

    await scene.advance()

    assert await scene.refs() == []


async def test_a_backfill_whose_tickets_die_pauses_by_itself(scene: Scene) -> None:
    await scene.advance()
    async with scene.database.write() as session:
        await session.execute(
            update(RefRow)
            .where(RefRow.case_id.in_([case.id for case in scene.cases[:2]]))
            .values(dead_at=NOON, due_at=None, last_error="refused")
        )

    await scene.advance()

    row = await scene.state()
    assert row.state == "paused"
    assert "2 tickets are dead letters" in (row.note or "")
    assert len(await scene.refs()) == 3


async def test_a_dead_letter_within_the_tolerance_holds_nothing_up(scene: Scene) -> None:
    await scene.advance()
    async with scene.database.write() as session:
        ref = await session.get_one(RefRow, (await scene.refs())[0].id)
        ref.dead_at, ref.due_at = NOON, None

    row = await scene.run_out()

    assert row.state == "done"
    assert len(await scene.refs()) == 12


async def test_a_ticket_that_is_done_with_is_new_work_from_then_on(scene: Scene) -> None:
    await scene.advance()
    await scene.mint(2)

    await scene.advance()

    assert [ref.priority for ref in await scene.refs()] == [0, 0, 1, 1, 1]


async def test_a_change_of_the_case_makes_its_ticket_new_work(scene: Scene) -> None:
    await scene.advance()

    async with scene.database.write() as session:
        case = await session.get_one(CaseRow, scene.cases[1].id)
        await scene.fanout.schedule(session, case, NOON)

    assert [ref.priority for ref in await scene.refs()] == [1, 0, 1]


async def test_what_is_asked_for_in_bulk_keeps_its_place(scene: Scene) -> None:
    await scene.advance()
    first, second, _ = await scene.refs()

    async with scene.database.write() as session:
        await scene.fanout.schedule_refs(session, [first.id], NOON, bulk=True)
        await scene.fanout.schedule_refs(session, [second.id], NOON)

    assert [ref.priority for ref in await scene.refs()] == [1, 0, 1]


async def test_more_tickets_than_a_statement_has_parameters_can_be_scheduled(scene: Scene) -> None:
    await scene.advance()
    await scene.set(RefRow, due_at=None)
    (_, _, last) = await scene.refs()

    async with scene.database.write() as session:
        await scene.fanout.schedule_refs(session, [*range(-40_000, 0), last.id], NOON)

    assert [ref.due_at for ref in await scene.refs()] == [None, None, NOON]


async def claimed(scene: Scene, limit: int) -> list[int]:
    """Claim as a worker would; return the refs' ids."""
    claims = Claims(scene.database, lambda: NOON, lease=timedelta(seconds=10))
    return [claim.ref_id for claim in await claims.take(limit, ACME)]


async def test_a_new_case_goes_before_the_backfill_of_its_connector(scene: Scene) -> None:
    await scene.advance()
    async with scene.database.write() as session:
        case = await add_case(session, scene.tenant)
        ((new,),) = (await scene.fanout.reserve(session, [case], NOON)).values()

    assert await claimed(scene, 1) == [new[0].id]


async def test_the_backfill_of_one_tenant_does_not_starve_anothers_new_case(scene: Scene) -> None:
    await scene.set(BackfillRow, ramp_first=12, ramp_most=12)
    await scene.advance()
    async with scene.database.write() as session:
        other = await add_tenant(session)
        await add_connector(session, other)
        case = await add_case(session, other)
        ((new,),) = (await scene.fanout.reserve(session, [case], NOON)).values()

    assert new[0].id in await claimed(scene, 2)


async def test_a_backfill_takes_no_place_beyond_its_connectors_limit(scene: Scene) -> None:
    await scene.set(BackfillRow, ramp_first=12, ramp_most=12)
    await scene.set(ConnectorRow, in_flight=2)
    await scene.advance()

    assert len(await claimed(scene, 16)) == 2
