"""Fixtures of the fan-out's tests: databases, vendors in memory, and a clock that stands still."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.fanout.bench import Bench, open_bench
from tests.fanout.desks import Clock, Desk
from tests.fanout.vendors import jira_like, servicenow_like
from tests.migrated import migrated_file
from tests.stage import MovableClock, Service, running_service

NewDatabase = Callable[[], Path]


@pytest.fixture
def new_database(tmp_path: Path) -> NewDatabase:
    """Make databases of the newest revision, one under one name: each replaces the one before."""
    path = tmp_path / "casebridge.db"

    def copy() -> Path:
        for left in tmp_path.glob("casebridge.db*"):
            left.unlink()
        shutil.copy(migrated_file(), path)
        return path

    return copy


@pytest.fixture
def noon() -> Clock:
    """A clock that stands at noon until a test moves it."""
    return Clock()


@pytest.fixture
def alpha(noon: Clock) -> Desk:
    """A vendor in memory that resembles Jira."""
    return jira_like(noon)


@pytest.fixture
def beta(noon: Clock) -> Desk:
    """A vendor in memory that resembles ServiceNow."""
    return servicenow_like(noon)


@pytest.fixture
async def bench(
    new_database: NewDatabase, noon: Clock, alpha: Desk, beta: Desk
) -> AsyncIterator[Bench]:
    """The host's parts, with both vendors' plugins, worked by hand."""
    async with open_bench(new_database(), noon, alpha, beta) as opened:
        yield opened


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    """The running service's clock: the time of day, until a test moves it forward."""
    return MovableClock()


@pytest.fixture(scope="module")
def shared_service(
    tmp_path_factory: pytest.TempPathFactory, clock: MovableClock
) -> Iterator[Service]:
    """A running service with the installed plugins, for every test of a module."""
    folder = tmp_path_factory.mktemp("service") / "data"
    with running_service(folder, clock=clock, sweep_seconds=0.05) as running_one:
        yield running_one


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The module's service, for a tenant that has nothing yet."""
    with shared_service.fresh_tenant() as tenant:
        yield tenant
