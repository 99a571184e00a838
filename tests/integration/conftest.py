"""Both databases: empty ones, and ones of the newest revision that each test finds without rows."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from casebridge.persistence.database import Database
from casebridge.persistence.schema import Row
from casebridge.services.clock import Clock, utc_now
from tests.integration.desk import Desk, open_desk
from tests.migrated import migrate, migrated_file
from tests.postgres import PostgresServer

BACKENDS = ("sqlite", "postgresql")
_MIGRATED = "migrated"


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name an empty database, on each of the two."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'casebridge.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def _migrated_on_postgres(postgres_server: PostgresServer) -> str:
    url = postgres_server.create_database(_MIGRATED)
    migrate(url)
    return url


@pytest.fixture(params=BACKENDS)
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database of the newest revision, on each of the two."""
    if request.param == "sqlite":
        path = tmp_path / "casebridge.db"
        shutil.copy(migrated_file(), path)
        return f"sqlite+aiosqlite:///{path}"
    url: str = request.getfixturevalue("_migrated_on_postgres")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    server.clear(_MIGRATED, Row.metadata.tables)
    return url


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[str], Database]]:
    """Open databases by URL; they are closed after the test."""
    databases: list[Database] = []

    def open_one(url: str) -> Database:
        databases.append(Database(url))
        return databases[-1]

    yield open_one
    for database in databases:
        await database.close()


@pytest.fixture
def database(opened: Callable[[str], Database], migrated_url: str) -> Database:
    """Open a database of the newest revision, on each of the two."""
    return opened(migrated_url)


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Tell the service's time; a module that moves it has a fixture of its own."""
    return utc_now


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Desk]:
    """Open a service for all tests of a module, which leave it as they find it."""
    data_dir = tmp_path_factory.mktemp("shared")
    shutil.copy(migrated_file(), data_dir / "casebridge.db")
    with open_desk(data_dir, clock=clock) as opened_one:
        yield opened_one


@pytest.fixture
def desk(shared_desk: Desk) -> Desk:
    """The module's service, for a tenant without cases or connectors."""
    return replace(shared_desk, admin=shared_desk.stranger())


@pytest.fixture(scope="module", params=BACKENDS)
def desk_of_both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """Open a service for all tests of a module, on each of the two databases."""
    data_dir = tmp_path_factory.mktemp("of-both")
    url = ""
    if request.param == "sqlite":
        shutil.copy(migrated_file(), data_dir / "casebridge.db")
    else:
        url = request.getfixturevalue("_migrated_on_postgres")
        request.getfixturevalue("postgres_server").clear(_MIGRATED, Row.metadata.tables)
    with open_desk(data_dir, database_url=url) as opened_one:
        yield opened_one
