"""`casebridge keys`, beside a running service that never stops, on both databases."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from casebridge.persistence.database import Database
from casebridge.persistence.schema import Row
from casebridge.services.key_file import KeyFile, new_key
from casebridge.services.resealing import PLACES, Resealing
from casebridge.services.vault import Vault
from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox
from tests.postgres import PostgresServer
from tests.shell import Shell
from tests.stage import Service, running_service

Vendor = RunningSandbox[Any]
_KILLED = """
import os, sys
from casebridge.cli import main
from casebridge.services.vault import Vault
left, seal = int(sys.argv[1]), Vault.seal
def mortal(self, *args, **kwargs):
    global left
    if left == 0:
        os._exit(9)
    left -= 1
    return seal(self, *args, **kwargs)
Vault.seal = mortal
main(["keys", "rotate"])
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A running service, and the terminal of whoever may read its files."""

    service: Service
    shell: Shell
    database_url: str

    @property
    def key_file(self) -> Path:
        return self.service.data_dir / "casebridge.key"

    def fill(self, jira: Vendor) -> tuple[str, Mailbox]:
        """Store a connector's credential and a token's secret."""
        return self.service.add_jira(jira), Mailbox.mint(self.service)

    def works(self, connector: str, mailbox: Mailbox) -> None:
        """See that the service opens what is stored, as it does day by day."""
        assert self.service.api.post(f"/v1/connectors/{connector}/check")["ok"]
        assert mailbox.deliver(b'{"strange": 1}')["reason"] == "unrecognised_payload"
        stranger = Mailbox(self.service, "tok_nobody", "guess")
        assert stranger.post(b'{"strange": 1}').status_code == 401

    def uses(self) -> dict[str, int]:
        """How many values are sealed with the key that seals now, and with all others."""
        rows = self.shell.json("keys", "list")
        assert [row["use"] for row in rows].count("seals") == 1
        return {
            "now": sum(row["values"] for row in rows if row["use"] == "seals"),
            "before": sum(row["values"] for row in rows if row["use"] != "seals"),
        }

    def reveal(self, connector: str) -> Any:
        """Open a connector's configuration as a process would that starts now."""
        opened = asyncio.run(_opened(self.database_url, self.key_file))
        return json.loads(opened[f"connector:{connector}"])


async def _opened(url: str, key_file: Path) -> dict[str, bytes]:
    database, vault = Database(url), Vault.from_settings("", key_file)
    try:
        values = [value async for value in Resealing(database, vault).values()]
    finally:
        await database.close()
    return {value.context: vault.open(value.sealed, context=value.context) for value in values}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept") / "data"
    environment = {"CASEBRIDGE_DATA_DIR": str(folder)}
    url = f"sqlite+aiosqlite:///{folder / 'casebridge.db'}"
    with ExitStack() as stack:
        if request.param == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = server.create_database("rotated")
            stack.callback(server.drop_database, "rotated")
            environment["CASEBRIDGE_DATABASE_URL"] = url
        service = stack.enter_context(running_service(folder, database_url=url))
        yield Kept(service, Shell(environment), url)


@pytest.fixture
def stored(kept: Kept, jira: Vendor) -> tuple[str, Mailbox]:
    return kept.fill(jira)


def test_a_running_service_goes_on_under_the_new_key(
    kept: Kept, stored: tuple[str, Mailbox], jira: Vendor
) -> None:
    before = sum(kept.uses().values())

    done = kept.shell.json("keys", "rotate")

    assert (done["new_key"], done["values"], done["failures"]) == (True, before, [])
    kept.works(*stored)
    kept.fill(jira)
    assert kept.uses()["before"] == 0
    assert kept.uses()["now"] > before


def test_an_old_key_is_retired_once_nothing_needs_it(
    kept: Kept, stored: tuple[str, Mailbox], jira: Vendor
) -> None:
    kept.shell.says("keys", "rotate")
    assert "a moment ago" in kept.shell.fails("keys", "retire")
    os.utime(kept.key_file, (0, 0))

    retired = kept.shell.json("keys", "retire")["retired"]

    assert retired
    assert len(kept.key_file.read_text().split()) == 1
    kept.works(*stored)
    kept.works(*kept.fill(jira))
    assert kept.uses()["before"] == 0


def test_a_rotation_that_is_killed_half_way_is_finished_by_the_next(
    kept: Kept, stored: tuple[str, Mailbox]
) -> None:
    kept.shell.says("keys", "rotate")
    every = kept.uses()["now"]
    killed = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", _KILLED, "1"],
        env={**os.environ, **kept.shell.environment},
        check=False,
    )
    assert killed.returncode == 9
    assert kept.uses() == {"now": 1, "before": every - 1}
    kept.works(*stored)
    os.utime(kept.key_file, (0, 0))
    assert "still need an old key" in kept.shell.fails("keys", "retire")

    done = kept.shell.json("keys", "rotate")

    assert (done["new_key"], done["values"]) == (False, every - 1)
    kept.works(*stored)
    assert kept.uses() == {"now": every, "before": 0}


def test_a_rotation_that_had_only_made_its_key_makes_no_other(
    kept: Kept, stored: tuple[str, Mailbox]
) -> None:
    file = KeyFile(kept.key_file)
    file.replace((new_key(), *file.read()))

    assert kept.shell.json("keys", "rotate")["new_key"] is False
    kept.works(*stored)


def test_what_is_changed_during_rotations_is_not_lost(
    kept: Kept, stored: tuple[str, Mailbox]
) -> None:
    connector, mailbox = stored
    api = kept.service.api

    def edit() -> list[str]:
        given = []
        for number in range(8):
            given.append(f"token {number}")
            api.patch(f"/v1/connectors/{connector}", {"config": {"api_token": given[-1]}})
            api.post(f"/v1/inbox-tokens/{mailbox.token_id}/rotate", {"overlap_hours": 1})
            assert kept.reveal(connector)["api_token"] == given[-1]
        return given

    with ThreadPoolExecutor(1) as pool:
        edits = pool.submit(edit)
        rotations = 0
        while not edits.done():
            kept.shell.says("keys", "rotate")
            rotations += 1

    assert rotations
    assert kept.reveal(connector)["api_token"] == edits.result()[-1]


def test_one_rotation_at_a_time(kept: Kept) -> None:
    folder = os.open(kept.service.data_dir, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        assert "another process" in kept.shell.fails("keys", "rotate")
    finally:
        os.close(folder)


def test_every_sealed_column_is_sealed_anew() -> None:
    columns = {
        (table.name, column.name)
        for table in Row.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed")
    }

    assert {(place.row.__tablename__, place.column) for place in PLACES} == columns
