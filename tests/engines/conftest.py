"""The engines, each on each database that it runs on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from tests.engines.crew import Crew, running_crew
from tests.migrated import migrate, migrated_file
from tests.postgres import PostgresServer

_numbers = count(1)
KINDS: Final = {
    "embedded on SQLite": ("embedded", "sqlite"),
    "embedded on PostgreSQL": ("embedded", "postgresql"),
    "distributed on PostgreSQL": ("distributed", "postgresql"),
}


@pytest.fixture(scope="package", params=KINDS)
def _crew(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crew]:
    """Run a crew, which looks for work all the time: until another is asked for, or other tests."""
    engine, database = KINDS[request.param]
    folder = tmp_path_factory.mktemp("crew")
    if database == "sqlite":
        url = f"sqlite+aiosqlite:///{folder / 'casebridge.db'}"
        with running_crew(engine, url, folder / "data") as crew:
            yield crew
    else:
        with (
            _database(request, f"crew_{engine}") as url,
            running_crew(engine, url, folder / "data") as crew,
        ):
            yield crew


@contextmanager
def _database(request: pytest.FixtureRequest, name: str) -> Iterator[str]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture(params=KINDS)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Name the engine that a test in this process runs; `database_url` goes with it."""
    return KINDS[request.param][0]


@pytest.fixture
def database_url(request: pytest.FixtureRequest, engine_name: str, tmp_path: Path) -> str:
    """Name a database of the newest revision, of the kind that the engine is tested on."""
    _, database = KINDS[request.node.callspec.params["engine_name"]]
    if database == "sqlite":
        shutil.copy(migrated_file(), tmp_path / "casebridge.db")
        return f"sqlite+aiosqlite:///{tmp_path / 'casebridge.db'}"
    url: str = request.getfixturevalue("migrated_postgres_url")
    return url


@pytest.fixture(scope="session")
def _migrated_database(postgres_server: PostgresServer) -> str:
    migrate(postgres_server.create_database("engines"))
    return "engines"


@pytest.fixture
def migrated_postgres_url(
    postgres_server: PostgresServer, _migrated_database: str
) -> Iterator[str]:
    """Create a database of the newest revision on PostgreSQL."""
    name = f"engines_{next(_numbers)}"
    yield postgres_server.create_database(name, like=_migrated_database)
    postgres_server.drop_database(name)


@pytest.fixture
def crew(_crew: Crew) -> Iterator[Crew]:
    """A service with two workers on one database, without connectors."""
    _crew.two_workers()
    yield _crew
    _crew.clear()
