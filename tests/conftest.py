"""Fixtures of the system's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from casebridge_sandbox import JiraSandbox, RunningSandbox, ServiceNowSandbox, running
from tests.stage import Service, running_service


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
