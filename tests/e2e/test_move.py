"""From the embedded database to PostgreSQL: every row as it was, and the service goes on there."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from casebridge.persistence.database import Database
from casebridge.persistence.schema import every_table
from casebridge_sandbox import RunningSandbox
from tests.integration.population import ROWS, populate
from tests.letters import Mailbox, jira_moved
from tests.migrated import migrated_file
from tests.shell import Shell
from tests.stage import running_service

Vendor = RunningSandbox[Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose database has rows in every table."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated_file(), folder / "casebridge.db")
    on(embedded(folder), populate)
    return folder


@pytest.fixture
def here(data: Path) -> Shell:
    return Shell({"CASEBRIDGE_DATA_DIR": str(data)})


def embedded(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'casebridge.db'}"


def on(url: str, work: Callable[[Connection], Any]) -> Any:
    async def working() -> Any:
        database = Database(url)
        try:
            async with database.write() as session:
                return await (await session.connection()).run_sync(work)
        finally:
            await database.close()

    return asyncio.run(working())


def everything(connection: Connection) -> dict[str, list[Any]]:
    """Return every row of every table in the types of the models, which are the same on both."""
    return {
        table.name: [tuple(row) for row in connection.execute(table.select().order_by(table.c.id))]
        for table in every_table()
    }


def test_every_row_of_every_table_is_there_as_it_was(
    data: Path, here: Shell, postgres_url: str
) -> None:
    before = on(embedded(data), everything)

    told = here.json("db", "move", "--to", postgres_url)

    assert {each["table"]: each["rows"] for each in told["tables"]} == dict.fromkeys(before, ROWS)
    assert on(postgres_url, everything) == before == on(embedded(data), everything)
    on(postgres_url, populate)  # new rows get ids of their own
    assert len(on(postgres_url, everything)["timeline"]) == 2 * ROWS
    again = here.fails("db", "move", "--to", postgres_url)
    assert "the target has rows in" in again


_HALF_WAY = """
import sys, time
from casebridge.persistence import moving

async def stop_here(*_):
    print("half-way", flush=True)
    time.sleep(3600)

moving._compared = stop_here
from casebridge.cli import main
main()
"""


def test_a_move_that_is_killed_half_way_left_nothing_and_is_run_again(
    data: Path, here: Shell, postgres_url: str
) -> None:
    command = (sys.executable, "-c", _HALF_WAY, "db", "move", "--to", postgres_url)
    environment = {"CASEBRIDGE_DATA_DIR": str(data)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        assert process.stdout.readline() == b"half-way\n"
        process.kill()

    told = here.says("db", "move", "--to", postgres_url)

    assert f"{ROWS * len(every_table())} rows are in" in told


def test_the_service_goes_on_where_it_was(tmp_path: Path, jira: Vendor, postgres_url: str) -> None:
    folder = tmp_path / "service"
    here = Shell({"CASEBRIDGE_DATA_DIR": str(folder)})
    with running_service(folder) as service:
        service.add_jira(jira)
        jira.control.set_webhooks()
        old = service.api.create_case("Minted before")
        ticket = service.api.linked(old)["jira"]
        mailbox = Mailbox.mint(service)
        assert "open; stop them" in here.fails("db", "move", "--to", postgres_url)
    with running_service(folder, workers=0) as service:
        pending = service.api.create_case("Not minted yet")

    here.says("db", "move", "--to", postgres_url)

    with running_service(folder, database_url=postgres_url) as service:
        service.api.linked(pending)
        letter = jira_moved(ticket["external_id"], "Done")
        assert replace(mailbox, service=service).post(letter).json()["applied"] is True
        assert service.api.status(old) == "resolved"
        service.api.linked(service.api.create_case("New"))
    assert len(jira.control.tickets()) == 3


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("sqlite+aiosqlite:///hush.db", "must begin with postgresql+asyncpg://"),
        ("postgresql+asyncpg://user:hush@host:port/x", "--to is no URL"),
        ("postgresql+asyncpg://user:hush@127.0.0.1:1/x", "the target cannot be used"),
    ],
)
def test_a_target_that_cannot_be_is_refused_without_its_password(
    here: Shell, to: str, told: str
) -> None:
    result = here.run("db", "move", "--to", to)

    assert (result.exit_code, told in result.output) == (1, True), result.output
    assert "hush" not in result.output
