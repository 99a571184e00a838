"""Starting: the settings that choose the engine, and what they demand."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from casebridge import settings
from casebridge.cli import main
from casebridge.settings import InvalidSettings, Settings
from tests.engines.crew import Worker
from tests.shell import PROGRAM
from tests.stage import eventually

POSTGRES = "postgresql+asyncpg://casebridge:hunter2@db.example/casebridge"


def test_the_distributed_engine_demands_postgresql() -> None:
    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({"CASEBRIDGE_ENGINE": "distributed"})

    assert "CASEBRIDGE_ENGINE=distributed needs PostgreSQL" in str(caught.value)
    assert "set CASEBRIDGE_DATABASE_URL to postgresql+asyncpg://" in str(caught.value)


def test_each_engine_is_accepted_with_postgresql() -> None:
    for engine in ("embedded", "distributed"):
        given = {"CASEBRIDGE_ENGINE": engine, "CASEBRIDGE_DATABASE_URL": POSTGRES}

        assert Settings.from_env(given).engine == engine


@pytest.mark.parametrize("engine", ["embedded", "distributed"])
def test_packages_that_are_missing_are_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: None)

    with pytest.raises(InvalidSettings) as caught:
        Settings.from_env({"CASEBRIDGE_ENGINE": engine, "CASEBRIDGE_DATABASE_URL": POSTGRES})

    assert "asyncpg" in str(caught.value)
    assert "pip install casebridge[postgres]" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_sqlite_demands_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: None)

    assert Settings.from_env({}).engine == "embedded"


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_command_says_what_it_cannot_start_with(command: str) -> None:
    result = CliRunner().invoke(main, [command], env={"CASEBRIDGE_ENGINE": "distributed"})

    assert result.exit_code == 1
    assert result.output.startswith("Error: CASEBRIDGE_ENGINE=distributed needs PostgreSQL")


def test_a_worker_that_is_to_leave_the_work_to_others_does_not_start() -> None:
    result = CliRunner().invoke(main, ["worker"], env={"CASEBRIDGE_WORKERS": "0"})

    assert result.exit_code == 1
    assert result.output == "Error: CASEBRIDGE_WORKERS must be at least 1 in a worker\n"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="CASEBRIDGE_ENGINE must be embedded or distributed"):
        Settings.from_env({"CASEBRIDGE_ENGINE": "turbo"})


def test_a_worker_says_in_a_sentence_that_the_database_is_of_a_newer_release(
    tmp_path: Path,
) -> None:
    settings = {"CASEBRIDGE_DATA_DIR": str(tmp_path)}
    assert CliRunner().invoke(main, ["db", "upgrade"], env=settings).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "casebridge.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    worker = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, "worker"],
        check=False,
        env={**os.environ, **settings},
        capture_output=True,
        timeout=60,
    )

    assert worker.returncode == 1
    assert worker.stderr.decode() == (
        "Error: the database is at revision 9999, which this release does not know; install the"
        " release that upgraded it, or restore the backup from before\n"
    )


def test_a_worker_starts_and_stops_as_it_is_installed(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'casebridge.db'}"
    settings = {"data_dir": tmp_path}
    worker = Worker(url, tmp_path / "worker.log", settings, environment=os.environ)
    try:
        eventually(lambda: worker.is_ready)
        assert worker.stop() == 0
    finally:
        worker.kill()
