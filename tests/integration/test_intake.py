"""Cases that come at once share a transaction, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.tenants import TenantRow
from casebridge.services.fanout import FanOut
from casebridge.services.intake import Intake, NewCase
from casebridge.services.tenants import Principal, Scope
from casebridge_core import ConnectorCatalog
from casebridge_core.discovery import Discovery
from tests.integration.rows import NOON, add_connector, add_tenant


class WakeUps:
    """Remembers who was woken."""

    def __init__(self) -> None:
        self.refs: list[int] = []

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        self.refs += refs


@pytest.fixture
def wakeups() -> WakeUps:
    return WakeUps()


@pytest.fixture
def intake(database: Database, wakeups: WakeUps) -> Intake:
    return Intake(
        database,
        FanOut(ConnectorCatalog(Discovery()), wakeups),
        lambda: NOON,
        "https://soc.example",
    )


def principal(tenant: TenantRow) -> Principal:
    scopes = frozenset({Scope.WRITE})
    return Principal(
        tenant_id=tenant.id, tenant=tenant.public_id, scopes=scopes, label=tenant.public_id
    )


async def two_tenants(database: Database) -> tuple[TenantRow, TenantRow]:
    """Make a tenant with two connectors, and one with one."""
    async with database.write() as session:
        first, second = await add_tenant(session), await add_tenant(session)
        for tenant in (first, first, second):
            await add_connector(session, tenant)
    return first, second


async def test_each_of_many_at_once_has_its_refs_and_its_line(
    database: Database, intake: Intake, wakeups: WakeUps
) -> None:
    first, second = await two_tenants(database)
    commits = 0

    def count(_: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(database.engine.sync_engine, "commit", count)

    created = await asyncio.gather(
        *(
            intake.create(
                principal(first if number % 2 else second), NewCase(title=f"case {number}")
            )
            for number in range(40)
        )
    )

    assert commits < 10
    assert [each.case.title for each in created] == [f"case {number}" for number in range(40)]
    for number, each in enumerate(created):
        case, refs = each.case, each.refs
        owner = first if number % 2 else second
        assert case.tenant_id == owner.id
        assert len(refs) == (2 if number % 2 else 1)
        assert {connector.tenant_id for _, connector in refs} == {owner.id}
        assert {ref.case_id for ref, _ in refs} == {case.id}
    async with database.read() as session:
        stored = {row.id: row for row in await session.scalars(select(RefRow))}
        lines = (await session.scalars(select(TimelineRow))).all()
    assert sorted(stored) == sorted(wakeups.refs)
    assert {ref.id for each in created for ref, _ in each.refs} == set(stored)
    assert {ref.id: ref.public_id for each in created for ref, _ in each.refs} == {
        row.id: row.public_id for row in stored.values()
    }
    assert sorted(line.case_id for line in lines) == sorted(each.case.id for each in created)
    labels = {each.case.id: each.case.tenant_id for each in created}
    assert all(line.tenant_id == labels[line.case_id] for line in lines)


async def test_one_that_cannot_be_stored_fails_alone(database: Database, intake: Intake) -> None:
    first, _ = await two_tenants(database)
    nobody = Principal(
        tenant_id=first.id + 1000, tenant="ten_gone", scopes=frozenset(), label="nobody"
    )
    callers = [principal(first), principal(first), nobody, principal(first)]

    ends = await asyncio.gather(
        *(intake.create(who, NewCase(title=str(n))) for n, who in enumerate(callers)),
        return_exceptions=True,
    )

    assert isinstance(ends[2], IntegrityError)
    async with database.read() as session:
        titles = await session.scalars(select(CaseRow.title).order_by(CaseRow.title))
        refs = (await session.scalars(select(RefRow))).all()
        assert list(titles) == ["0", "1", "3"]
    assert len(refs) == 6


async def test_one_who_hangs_up_takes_nobody_along(database: Database, intake: Intake) -> None:
    first, _ = await two_tenants(database)
    tasks = [
        asyncio.create_task(intake.create(principal(first), NewCase(title=str(number))))
        for number in range(5)
    ]
    await asyncio.sleep(0)

    tasks[0].cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(ends[0], asyncio.CancelledError)
    async with database.read() as session:
        titles = set(await session.scalars(select(CaseRow.title)))
    assert titles - {"0"} == {"1", "2", "3", "4"}
