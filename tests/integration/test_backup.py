"""Copies of the embedded database: whole under writes, and refused where they are not."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from casebridge.persistence import backup
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now
from tests.integration.desk import open_desk
from tests.integration.rows import add_case, add_connector, add_ref, add_tenant
from tests.migrated import migrated_file
from tests.shell import PROGRAM, Shell

_ADD = "INSERT INTO tenants (public_id, name, created_at) VALUES (?, ?, '2026-03-01 12:00:00')"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an empty database."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated_file(), folder / "casebridge.db")
    return folder


@pytest.fixture
def here(data: Path) -> Shell:
    return Shell({"CASEBRIDGE_DATA_DIR": str(data)})


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM tenants ORDER BY id")]


@contextmanager
def written_all_the_time(path: Path) -> Iterator[threading.Event]:
    """Commit pairs of rows without a pause; the event is set once some are there."""
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            for number in range(1_000_000):
                if stop.is_set():
                    break
                connection.execute("BEGIN IMMEDIATE")
                for half in "ab":
                    connection.execute(_ADD, (f"{number}{half}", f"{number}{half}"))
                connection.execute("COMMIT")
                if number > 50:
                    begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(60)
    try:
        yield begun
    finally:
        stop.set()
        thread.join()


def test_a_backup_under_writes_is_the_database_of_one_moment(
    data: Path, here: Shell, tmp_path: Path
) -> None:
    source, sizes = data / "casebridge.db", []

    with written_all_the_time(source):
        for number in range(3):
            told = here.json("db", "backup", str(tmp_path / f"{number}.db"))
            sizes.append(len(names(tmp_path / f"{number}.db")))
            assert told["size"] == (tmp_path / f"{number}.db").stat().st_size

    assert sizes == sorted(sizes)
    assert all(size > 0 and size % 2 == 0 for size in sizes)
    assert len(names(source)) >= sizes[-1]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.db")} == {0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.db", "1.db", "2.db", "data"]


def test_a_backup_says_what_else_to_keep_and_writes_over_nothing(
    data: Path, here: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "kept.db"

    said = here.says("db", "backup", str(file))

    assert f"the master keys ({data / 'casebridge.key'})" in said
    before = file.read_bytes()
    assert "already" in here.fails("db", "backup", str(file))
    assert file.read_bytes() == before
    assert "nothing can be written" in here.fails("db", "backup", str(tmp_path / "no" / "x.db"))


def test_on_postgresql_the_tools_are_named(here: Shell, tmp_path: Path) -> None:
    there = {"CASEBRIDGE_DATABASE_URL": "postgresql+asyncpg://user:hush@nowhere/casebridge"}

    for verb in ("backup", "restore"):
        said = here.fails("db", verb, str(tmp_path / "x.db"), environment=there)
        assert "pg_dump" in said
        assert "hush" not in said


_HALF_WAY = """
import sys, time
from pathlib import Path
from casebridge.persistence import backup

def stop_here(path, **_):
    print("half-way", flush=True)
    time.sleep(3600)

backup.examine = stop_here
backup.back_up(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_backup_that_is_killed_half_way_leaves_no_file_of_that_name(
    data: Path, here: Shell, tmp_path: Path
) -> None:
    source, file = data / "casebridge.db", tmp_path / "kept.db"
    command = (sys.executable, "-c", _HALF_WAY, str(source), str(file))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        assert process.stdout.readline() == b"half-way\n"
        process.kill()

    assert not file.exists()
    here.says("db", "backup", str(file))
    assert backup.examine(file).cases == 0


def test_a_full_disk_is_told_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()

    told = subprocess.run(  # noqa: S603 - our own
        (*PROGRAM, "db", "backup", str(folder / "kept.db")),
        env={"CASEBRIDGE_DATA_DIR": str(data)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert "cannot be copied: the disk" in told.stderr
    assert list(folder.iterdir()) == []


def test_a_restored_database_is_the_backup_and_the_one_before_is_kept(
    data: Path, here: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "kept.db"
    with open_desk(data) as desk:
        case = desk.admin.create_case("Before")
        here.says("db", "backup", str(file))
        desk.admin.create_case("After")
        assert "open; stop them" in here.fails("db", "restore", str(file))
        assert len(desk.admin.ask("GET", "/v1/cases")["items"]) == 2

    told = here.json("db", "restore", str(file))

    with open_desk(data) as desk:
        assert [each["id"] for each in desk.admin.ask("GET", "/v1/cases")["items"]] == [case["id"]]
    kept = Path(told["moved_to"])
    assert backup.examine(kept).cases == 2
    assert sorted(path.name for path in data.glob("*.db*")) == ["casebridge.db", kept.name]
    assert (data / "casebridge.db").stat().st_mode & 0o777 == 0o600


async def test_tickets_that_may_have_been_minted_since_are_looked_for(
    data: Path, tmp_path: Path
) -> None:
    place, file = data / "casebridge.db", tmp_path / "kept.db"
    database = Database(f"sqlite+aiosqlite:///{place}")
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector, case = await add_connector(session, tenant), await add_case(session, tenant)
        await add_ref(session, case, connector)
    await database.close()
    await asyncio.to_thread(backup.back_up, place, file)
    now = utc_now()

    await asyncio.to_thread(backup.restore, file, place, now, bool)

    with closing(sqlite3.connect(place)) as connection:
        query = "SELECT create_attempted_at FROM case_external_refs"
        assert connection.execute(query).fetchone() == (f"{now:%Y-%m-%d %H:%M:%S.%f}",)


def test_a_restore_makes_a_database_where_there_is_none(
    here: Shell, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "kept.db"
    here.says("db", "backup", str(file))
    elsewhere = Shell({"CASEBRIDGE_DATA_DIR": str(tmp_path / "new")})

    told = elsewhere.json("db", "restore", str(file))

    assert told["moved_to"] is None
    assert names(tmp_path / "new" / "casebridge.db") == names(data / "casebridge.db")


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 1000)


def _nothing(path: Path) -> None:
    path.touch()


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def _strange(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")


def _of_tomorrow(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_garbage, "no database that can be read"),
        (_nothing, "not one of Casebridge"),
        (_cut_off, "is damaged"),
        (_strange, "not one of Casebridge"),
        (_of_tomorrow, "'9999', which this release does not know"),
        (Path.unlink, "there is no file"),
    ],
)
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    data: Path, here: Shell, tmp_path: Path, spoil: Any, told: str
) -> None:
    place, file = data / "casebridge.db", tmp_path / "kept.db"
    shutil.copy(place, file)
    if spoil is _nothing:
        file.unlink()
    spoil(file)
    before = place.read_bytes()

    assert told in here.fails("db", "restore", str(file))

    assert place.read_bytes() == before
    assert [path.name for path in data.iterdir()] == ["casebridge.db"]


def test_a_database_that_is_past_reading_is_replaced_and_kept(
    data: Path, here: Shell, tmp_path: Path
) -> None:
    place, file = data / "casebridge.db", tmp_path / "kept.db"
    here.says("db", "backup", str(file))
    _garbage(place)
    before = place.read_bytes()

    told = json.loads(here.says("db", "restore", str(file), "--json"))

    assert Path(told["moved_to"]).read_bytes() == before
    assert backup.examine(place).revision == told["revision"]
