"""Sessions on both databases: durable, serial where they write, and true to their word."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.cases import CaseRow
from casebridge.persistence.database import Database, after_commit
from casebridge.persistence.tenants import TenantRow
from casebridge.services.clock import utc_now
from casebridge.services.tenants import FIRST_KEY_FILE, Tenants
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

Opened = Callable[[str], Database]


class Interrupted(Exception):
    """Something goes wrong inside a transaction."""


async def break_off(session: AsyncSession, done: list[str]) -> None:
    after_commit(session, lambda: done.append("never"))
    await add_tenant(session)
    raise Interrupted


async def names(database: Database) -> set[str]:
    async with database.read() as session:
        return set(await session.scalars(select(TenantRow.name)))


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
async def test_sqlite_is_set_up_to_keep_what_it_took(
    database: Database, pragma: str, value: object
) -> None:
    async with database.read() as session:
        read = await session.scalar(text(f"PRAGMA {pragma}"))
    async with database.write() as session:
        written = await session.scalar(text(f"PRAGMA {pragma}"))

    assert read == written == value


@pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)
async def test_on_sqlite_a_writing_session_holds_the_lock_from_its_first_look(
    database: Database, opened: Opened
) -> None:
    other = opened(str(database.url))

    async with database.write() as writer, other.read() as rival:
        await writer.execute(text("SELECT 1"))
        await rival.execute(text("PRAGMA busy_timeout = 0"))
        with pytest.raises(OperationalError, match="locked"):
            await rival.execute(text("UPDATE tenants SET name = name"))

    async with other.write() as session:
        await add_tenant(session)


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
async def test_the_folder_of_an_sqlite_file_is_its_owners_alone(
    opened: Opened, empty_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "deep" / "down"

    opened(f"sqlite+aiosqlite:///{folder / 'casebridge.db'}").create_folder()

    assert folder.stat().st_mode & 0o777 == 0o700


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.parametrize("empty_url", ["sqlite"], indirect=True)
async def test_in_an_open_folder_the_files_are_their_owners_alone(
    opened: Opened, empty_url: str, tmp_path: Path
) -> None:
    os.chmod(tmp_path, 0o755)  # noqa: PTH101, S103 - in no time, and on purpose
    database = opened(empty_url)
    database.create_folder()
    async with database.write() as session:
        await session.execute(text("CREATE TABLE anything (id INTEGER)"))
        made = modes(tmp_path)

    assert set(made) == {"casebridge.db", "casebridge.db-wal", "casebridge.db-shm"}
    assert set(made.values()) == {0o600}


async def test_what_a_writing_session_did_is_there_when_it_ends(database: Database) -> None:
    async with database.write() as session:
        tenant = await add_tenant(session)

    assert tenant.name in await names(database)


async def test_an_error_takes_everything_back_and_nothing_follows(database: Database) -> None:
    done: list[str] = []

    with pytest.raises(Interrupted):
        async with database.write() as session:
            await break_off(session, done)

    assert await names(database) == set()
    assert done == []


async def test_a_reading_session_leaves_nothing_behind(database: Database) -> None:
    async with database.read() as session:
        await add_tenant(session)

    assert await names(database) == set()


async def test_after_commit_runs_when_the_rows_can_be_seen(database: Database) -> None:
    done: list[str] = []

    async with database.write() as session:
        after_commit(session, lambda: done.append("first"))
        after_commit(session, lambda: done.append("second"))
        await add_tenant(session)
        assert done == []

    assert done == ["first", "second"]


async def test_after_commit_does_not_run_when_the_commit_itself_fails(database: Database) -> None:
    done: list[str] = []
    async with database.write() as session:
        taken = await add_tenant(session)

    def add_a_namesake(session: AsyncSession) -> None:
        after_commit(session, lambda: done.append("never"))
        session.add(TenantRow(public_id="ten_2", name=taken.name, created_at=NOON))

    with pytest.raises(IntegrityError):
        async with database.write() as session:
            add_a_namesake(session)

    assert done == []


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as session:
            await add_case(session, TenantRow(id=1))


async def test_a_ticket_is_bound_once_and_a_case_once_at_each_connector(
    database: Database,
) -> None:
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector = await add_connector(session, tenant)
        bound, free = [await add_case(session, tenant) for _ in range(2)]
        await add_ref(session, bound, connector, external_id="10001")

    for case, external_id in ((free, "10001"), (bound, "10002")):
        with pytest.raises(IntegrityError):
            async with database.write() as session:
                await add_ref(session, case, connector, external_id=external_id)


async def test_concurrent_writers_lose_nothing(database: Database, opened: Opened) -> None:
    second = opened(database.url.render_as_string(hide_password=False))
    async with database.write() as session:
        case = await add_case(session, await add_tenant(session))

    async def raise_the_version(through: Database) -> None:
        async with through.write() as session:
            query = select(CaseRow).where(CaseRow.id == case.id).with_for_update()
            row = (await session.scalars(query)).one()
            await asyncio.sleep(0)
            row.version += 1

    await asyncio.gather(
        *(raise_the_version(through) for _ in range(20) for through in (database, second))
    )

    async with database.read() as session:
        assert await session.scalar(select(CaseRow.version)) == 41


async def test_a_reader_is_not_held_up_by_a_writer(database: Database) -> None:
    async with database.write() as session:
        await add_tenant(session)
        assert await asyncio.wait_for(names(database), 5) == set()


async def test_a_moment_comes_back_in_utc(database: Database) -> None:
    in_tokyo = datetime(2026, 3, 1, 21, tzinfo=timezone(timedelta(hours=9)))

    async with database.write() as session:
        session.add(TenantRow(public_id="ten_1", name="acme", created_at=in_tokyo))

    async with database.read() as session:
        stored = await session.scalar(select(TenantRow.created_at))
    assert stored == in_tokyo
    assert stored is not None
    assert stored.tzinfo is UTC


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(StatementError, match="without a time zone"):
        async with database.write() as session:
            session.add(TenantRow(public_id="ten_1", name="acme", created_at=naive))


async def test_processes_that_start_together_make_one_first_tenant(
    database: Database, opened: Opened, tmp_path: Path
) -> None:
    url = database.url.render_as_string(hide_password=False)
    starters = [Tenants(opened(url), utc_now) for _ in range(3)]

    made = await asyncio.gather(
        *(tenants.bootstrap(tmp_path / str(n)) for n, tenants in enumerate(starters))
    )

    async with database.read() as session:
        assert await session.scalar(select(func.count(TenantRow.id))) == 1
    (file,) = [path for path in made if path is not None]
    key = file.read_text().strip()
    assert file.name == FIRST_KEY_FILE
    assert (await starters[0].authenticate(key)).label == "api (first admin)"


async def test_a_process_that_stands_still_keeps_nothing_locked(
    postgres_url: str, opened: Opened
) -> None:
    async with opened(postgres_url).read() as session:
        limit = await session.scalar(text("SHOW idle_in_transaction_session_timeout"))

    assert limit == "10s"
