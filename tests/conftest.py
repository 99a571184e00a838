"""Fixtures of the system's tests."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox, ServiceNowSandbox, running
from tests.postgres import PostgresServer, running_postgres
from tests.stage import Service, running_service
from tests.statements import share_compiled_statements

_numbers = count(1)
share_compiled_statements()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one PostgreSQL for all tests that ask for it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Create an empty database on PostgreSQL."""
    name = f"test_{next(_numbers)}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def _jira() -> Iterator[RunningSandbox[Any]]:
    with running(JiraSandbox()) as vendor:
        yield vendor


@pytest.fixture(scope="module")
def _servicenow() -> Iterator[RunningSandbox[Any]]:
    with running(ServiceNowSandbox()) as vendor:
        yield vendor


@pytest.fixture
def jira(_jira: RunningSandbox[Any]) -> RunningSandbox[Any]:
    """A Jira as it is on the first day."""
    _jira.control.reset()
    return _jira


@pytest.fixture
def servicenow(_servicenow: RunningSandbox[Any]) -> RunningSandbox[Any]:
    """A ServiceNow as it is on the first day."""
    _servicenow.control.reset()
    return _servicenow


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service with an empty database and the installed plugins."""
    with running_service(tmp_path / "data") as running_one:
        yield running_one


@pytest.fixture
def bridged(
    service: Service, jira: RunningSandbox[Any], servicenow: RunningSandbox[Any]
) -> Service:
    """A service that is connected to both vendors, both ways."""
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    return service
