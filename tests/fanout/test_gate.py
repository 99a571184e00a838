"""A connector's limits, shared by all workers, and that nobody's limit is anybody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from casebridge.domain.identifiers import CASE, REF, correlation_key, new_id
from casebridge.engine.claims import Claims
from casebridge.engine.embedded import EmbeddedEngine
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.turns import Urgency
from casebridge_core import CaseStatus, Connector
from tests.fanout.bench import LEASE, Bench, Counter
from tests.fanout.desks import QUIET_SECONDS, Clock, Desk, Trouble

BUSY = [CaseStatus.TRIAGE] * 12


@pytest.fixture
def alpha(alpha: Desk) -> Desk:
    """A vendor that answers in no time."""
    alpha.call_seconds = 0.0
    return alpha


@pytest.fixture
def beta(beta: Desk) -> Desk:
    """Another vendor that answers in no time."""
    beta.call_seconds = 0.0
    return beta


@asynccontextmanager
async def web_server(clock: Clock) -> AsyncIterator[tuple[str, list[datetime]]]:
    """Answer every request with 204; tell the address, and when by the clock each one came."""
    seen: list[datetime] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            seen.append(clock())
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"http://{host}:{port}", seen


def call_over_http(*desks: Desk) -> None:
    """Let every call of a vendor be a request to its connector's address."""

    async def request(connector: Connector[Any], operation: str) -> None:
        await connector.http.get(f"{connector.config.base_url}/{operation}")

    for desk in desks:
        desk.on_call = request


async def work_through(bench: Bench) -> None:
    """Work until nothing is left, moving the clock to whatever comes next."""
    while True:
        await bench.converge()
        moment = await bench.next_moment()
        if moment is None:
            return
        bench.clock.now = moment


def most_within(times: list[datetime], window: timedelta) -> int:
    """Return the most calls that fall into any window of a length."""
    return max(sum(start <= at < start + window for at in times) for start in times)


async def test_calls_per_minute_hold_over_many_tickets(
    bench: Bench, noon: Clock, alpha: Desk
) -> None:
    call_over_http(alpha)
    async with web_server(noon) as (url, seen):
        counter = await bench.open_counter()
        await counter.connect(alpha, url=url, calls_per_minute=60)
        for status in BUSY:
            await counter.create_case(status=status)

        await work_through(bench)

    assert len(alpha.issues) == len(BUSY)
    assert len(seen) == len(alpha.calls) > 2 * len(BUSY)
    allowed_at_once, largest_step = 10, 2
    for seconds in (1, 10, 60):
        most = seconds + allowed_at_once + largest_step
        assert most_within(seen, timedelta(seconds=seconds)) <= most
    assert seen[-1] - seen[0] <= timedelta(seconds=2 * len(seen)), "the limit is used"


async def test_the_calls_of_a_connection_check_count_too(
    bench: Bench, noon: Clock, alpha: Desk
) -> None:
    call_over_http(alpha)
    async with web_server(noon) as (url, _):
        counter = await bench.open_counter()
        connector = await counter.connect(alpha, url=url, calls_per_minute=6)
        for _ in range(5):
            await bench.connectors.check(counter.who, connector)

        await counter.create_case()
        await bench.converge()

        assert alpha.writes() == []
        noon.advance(minutes=1)
        await bench.converge()
        assert len(alpha.writes("create")) == 1


async def test_a_plugin_that_asks_to_slow_down_quiets_its_connector_and_no_other(
    bench: Bench, noon: Clock, alpha: Desk, beta: Desk
) -> None:
    async def near_the_limit(connector: Connector[Any], operation: str) -> None:
        if operation == "create":
            connector.slow_down(30.0)

    alpha.on_call = near_the_limit
    counter = await bench.open_counter()
    connector = await counter.connect(alpha)
    await counter.connect(beta)
    for status in (CaseStatus.TRIAGE, CaseStatus.OPEN):
        await counter.create_case(status=status)

    await bench.converge()

    assert [call.operation for call in alpha.writes()] == ["create"]
    assert [call.operation for call in beta.writes()] == ["create", "transition", "create"]
    card = await bench.connectors.get(counter.who, connector)
    assert card.quiet_until == noon() + timedelta(seconds=30)
    assert card.last_failure is None
    noon.advance(seconds=29)
    await bench.converge()
    assert len(alpha.writes()) == 1
    alpha.on_call = None
    noon.advance(seconds=1)
    await bench.converge()
    assert len(alpha.issues) == 2


async def test_retry_after_quiets_its_connector_and_no_other(
    bench: Bench, noon: Clock, alpha: Desk, beta: Desk
) -> None:
    counter = await bench.open_counter()
    await counter.connect(alpha)
    await counter.connect(beta)
    alpha.arm("create", Trouble.LIMITED)
    for _ in range(4):
        await counter.create_case()

    await bench.converge()

    assert len(alpha.writes()) == 1
    assert len(beta.issues) == 4
    noon.advance(seconds=QUIET_SECONDS - 1)
    await bench.converge()
    assert len(alpha.writes()) == 1
    noon.advance(seconds=1)
    await bench.converge()
    assert len(alpha.issues) == 4


async def test_a_connector_at_its_limit_holds_back_no_other(
    bench: Bench, noon: Clock, alpha: Desk, beta: Desk
) -> None:
    call_over_http(alpha, beta)
    async with web_server(noon) as (url, _):
        counter = await bench.open_counter()
        await counter.connect(alpha, url=url, calls_per_minute=1)
        await counter.connect(beta, url=url)
        for _ in range(8):
            await counter.create_case()

        await bench.converge()

    assert len(alpha.issues) <= 1
    assert len(beta.issues) == 8


HALTS = {
    "by the vendor's Retry-After": Trouble.LIMITED,
    "by a refused credential": Trouble.REFUSED_CREDENTIAL,
    "by hand": None,
}


@pytest.mark.parametrize("halt", HALTS)
@pytest.mark.parametrize("during", ["whoami", "create"])
async def test_what_is_under_way_when_its_connector_is_halted_makes_no_further_call(
    bench: Bench, alpha: Desk, halt: str, during: str
) -> None:
    counter = await bench.open_counter()
    connector = await counter.connect(alpha)
    case = await counter.create_case(status=CaseStatus.TRIAGE)
    await counter.create_case()
    claim, other = await bench.take(2)
    trouble = HALTS[halt]

    async def meanwhile(_: Connector[Any], operation: str) -> None:
        if operation != during:
            return
        alpha.on_call = None
        if trouble is None:
            await bench.connectors.pause(counter.who, connector, "maintenance")
        else:
            alpha.arm("whoami", trouble)
            alpha.arm("create", *[trouble] * (during == "create"))
            await bench.convergence.run(other)
            alpha.disarm()

    alpha.on_call = meanwhile
    await bench.convergence.run(claim)

    ours = (await counter.ref(case)).correlation_key
    done = [call.operation for call in alpha.writes() if call.about in {ours, "1"}]
    assert done == (["create"] if during == "create" else [])
    assert (await counter.ref(case)).last_error is None
    await bench.connectors.resume(counter.who, connector)
    await work_through(bench)
    assert sorted(issue.status for issue in alpha.issues.values()) == ["In Progress", "To Do"]


async def test_no_more_than_its_limit_is_in_flight_however_many_workers_there_are(
    bench: Bench, noon: Clock, alpha: Desk
) -> None:
    running, most = 0, 0
    all_are_there = asyncio.Event()

    async def linger(connector: Connector[Any], operation: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        if len(alpha.issues) == 11:
            all_are_there.set()

    alpha.on_call = linger
    counter = await bench.open_counter()
    await counter.connect(alpha, in_flight=3)
    for _ in range(12):
        await counter.create_case()
    engines = [EmbeddedEngine(workers=8, sweep_seconds=0.01, urgency=Urgency()) for _ in range(2)]
    workers = [Claims(bench.database, noon, lease=LEASE) for _ in engines]

    async with asyncio.TaskGroup() as group:
        for engine, claims in zip(engines, workers, strict=True):

            async def take(limit: int, claims: Claims = claims) -> Any:
                return await claims.take(limit, bench.vendors)

            group.create_task(engine.run(take, bench.convergence.run))
        await all_are_there.wait()
        for engine in engines:
            engine.stop()

    assert most <= 3


async def pile_up(counter: Counter, case: str, count: int, **fields: Any) -> None:
    """Make ``count`` copies of a case, each with a ticket that is due."""
    row, ref = await counter.case(case), await counter.ref(case)
    cases = [{**_fields_of(row), "public_id": new_id(CASE)} for _ in range(count)]
    async with counter.bench.database.write() as session:
        ids = (await session.scalars(insert(CaseRow).returning(CaseRow.id), cases)).all()
        refs = [{**_fields_of(ref), **fields, "case_id": id_} for id_ in ids]
        for each in refs:
            each["public_id"] = new_id(REF)
            each["correlation_key"] = correlation_key(each["public_id"])
        await session.execute(insert(RefRow), refs)


def _fields_of(row: CaseRow | RefRow) -> dict[str, Any]:
    columns = [column.key for column in row.__table__.columns if column.key != "id"]
    return {name: getattr(row, name) for name in columns}


async def test_a_thousand_due_tickets_of_one_tenant_do_not_delay_anothers_new_case(
    bench: Bench, noon: Clock, alpha: Desk
) -> None:
    busy = await bench.open_counter("busy")
    await busy.connect(alpha)
    await pile_up(busy, await busy.create_case(), 1000)
    quiet = await bench.open_counter("quiet")
    await quiet.connect(alpha)
    noon.advance(minutes=5)

    case = await quiet.create_case()
    await bench.converge(at_most=2)

    assert (await quiet.ref(case)).external_id is not None


async def test_new_work_goes_before_backfill(bench: Bench, noon: Clock, alpha: Desk) -> None:
    counter = await bench.open_counter()
    connector = await counter.connect(alpha)
    await pile_up(counter, await counter.create_case(), 50, priority=1)
    await bench.converge(at_most=1)
    noon.advance(minutes=5)

    case = await counter.create_case()
    await bench.converge(at_most=1)

    assert (await counter.ref(case)).external_id is not None
    async with bench.database.read() as session:
        row = await session.scalar(select(ConnectorRow).where(ConnectorRow.public_id == connector))
        waiting = select(func.count()).where(RefRow.due_at.is_not(None), RefRow.priority == 1)
        assert row is not None
        assert await session.scalar(waiting) == 50


async def test_backfill_is_not_starved_for_ever(bench: Bench, alpha: Desk) -> None:
    counter = await bench.open_counter()
    await counter.connect(alpha)
    await counter.create_case()
    async with bench.database.write() as session:
        await session.execute(update(RefRow).values(priority=1))
    await counter.create_case()

    await bench.converge()

    assert len(alpha.issues) == 2
