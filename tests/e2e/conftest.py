"""Fixtures of the end-to-end tests: one service for each module, one tenant for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stage import Service, running_service


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the installed plugins, for every test of a module."""
    with running_service(tmp_path_factory.mktemp("service") / "data") as running_one:
        yield running_one


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The module's service, for a tenant that has nothing yet."""
    with shared_service.fresh_tenant() as tenant:
        yield tenant
