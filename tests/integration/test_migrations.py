"""Migrations, on both databases: from nothing to now, in agreement with the models, and back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select

from casebridge.persistence.connectors import RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import configuration, upgrade
from casebridge.persistence.schema import Row
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

Opened = Callable[[str], Database]


async def on(database: Database, work: Callable[[Connection], Any]) -> Any:
    async with database.write() as session:
        return await (await session.connection()).run_sync(work)


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, Row.metadata))


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_an_empty_database_gets_every_table(opened: Opened, empty_url: str) -> None:
    database = opened(empty_url)

    await upgrade(database)

    assert await on(database, tables) == {*Row.metadata.tables, "alembic_version"}


async def test_models_and_migrations_agree(database: Database) -> None:
    assert await on(database, differences) == []


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    await upgrade(database)

    assert await on(database, differences) == []


async def test_every_migration_can_be_undone_and_done_again(opened: Opened, empty_url: str) -> None:
    database = opened(empty_url)
    await upgrade(database)

    await on(database, lambda sync: command.downgrade(configuration(sync), "base"))
    left = await on(database, tables)
    await upgrade(database)

    assert left == {"alembic_version"}
    assert await on(database, differences) == []


async def test_what_was_known_of_tickets_is_known_after_the_upgrade(database: Database) -> None:
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector = await add_connector(session, tenant)
        ada = {"assignee_id": "u-17", "assignee_name": "Ada", "assignee_email": "ada@example.com"}
        for who in ("u-17", "u-18", None):
            case = await add_case(session, tenant, **ada)
            await add_ref(
                session,
                case,
                connector,
                assignee_id=who,
                assignee_seen_at=NOON,
                status_seen_at=NOON,
            )

    await on(database, lambda sync: command.downgrade(configuration(sync), "0001"))
    await upgrade(database)

    async with database.read() as session:
        refs = (await session.scalars(select(RefRow).order_by(RefRow.id))).all()
    assert [(ref.assignee_name, ref.assignee_email, ref.assigned_at) for ref in refs] == [
        ("Ada", "ada@example.com", NOON),
        (None, None, NOON),
        (None, None, None),
    ]
    assert {ref.key_seen_at for ref in refs} == {NOON}


_UPGRADER = """
import asyncio, sys
import alembic.command
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import upgrade

async def main():
    database = Database(sys.argv[1])
    async with database.read() as session:
        await session.connection()
    print("ready", flush=True)
    sys.stdin.readline()
    await upgrade(database)
    await database.close()

asyncio.run(main())
"""


async def test_processes_that_start_together_migrate_once(opened: Opened, empty_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _UPGRADER,
            empty_url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))

    assert [process.returncode for process in processes] == [0, 0], ends
    assert await on(opened(empty_url), differences) == []


async def test_a_start_without_anything_to_migrate_does_not_load_alembic(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alembic", None)  # to import it fails

    await upgrade(database)
