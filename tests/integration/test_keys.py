"""Whose API key it is: asked once by many at once, remembered shortly, told of no stranger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event

from casebridge.persistence.database import Database
from casebridge.services.faults import Unauthenticated
from casebridge.services.tenants import Principal, Scope, Tenants
from tests.integration.rows import NOON


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Collect the statements that are executed."""
    seen: list[str] = []

    def see(_c: object, _u: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", see)


@pytest.fixture
def time() -> list[datetime]:
    """The moment at which it is; a test may set another."""
    return [NOON]


@pytest.fixture
def tenants(database: Database, time: list[datetime]) -> Tenants:
    return Tenants(database, lambda: time[0])


async def whose(tenants: Tenants, key: str) -> Principal | None:
    try:
        return await tenants.authenticate(key)
    except Unauthenticated:
        return None


async def test_many_who_ask_at_once_ask_the_database_together(
    database: Database, tenants: Tenants
) -> None:
    mine = await tenants.issue_key((await tenants.create("mine")).id, "robot", Scope.READ)
    yours = await tenants.issue_key((await tenants.create("yours")).id, "person", Scope.ADMIN)
    with counted(database) as statements:
        told = await asyncio.gather(
            *(whose(tenants, key) for _ in range(30) for key in (mine, yours, "cbk_stranger"))
        )

    assert len(statements) == 1
    assert [who and (who.label, who.may(Scope.ADMIN)) for who in told] == [
        ("api (robot)", False),
        ("api (person)", True),
        None,
    ] * 30


async def test_a_revoked_key_is_remembered_by_others_for_five_seconds(
    database: Database, tenants: Tenants, time: list[datetime]
) -> None:
    tenant = await tenants.create("mine")
    key = await tenants.issue_key(tenant.id, "robot", Scope.READ)
    assert await whose(tenants, key)
    elsewhere = Tenants(database, lambda: time[0])
    [row] = await elsewhere.list_keys(tenant.id)
    await elsewhere.revoke_key(tenant.id, row.public_id)

    assert await whose(elsewhere, key) is None
    assert await whose(tenants, key)
    time[0] += timedelta(seconds=5)
    assert await whose(tenants, key) is None
