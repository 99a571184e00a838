"""Fixtures of the end-to-end tests: one service for each module, one tenant for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.letters import Mailbox
from tests.roundup import Person, Tracker, running_roundup
from tests.stage import MovableClock, Service, running_service


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    """The service's clock: the time of day, until a test moves it forward."""
    return MovableClock()


@pytest.fixture(scope="module")
def patience() -> float:
    """How long the service waits for a vendor's answer, in seconds."""
    return 20.0


@pytest.fixture(scope="module")
def shared_service(
    tmp_path_factory: pytest.TempPathFactory, clock: MovableClock, patience: float
) -> Iterator[Service]:
    """A service with the installed plugins, for every test of a module."""
    folder = tmp_path_factory.mktemp("service") / "data"
    with running_service(
        folder, clock=clock, sweep_seconds=0.1, vendor_timeout_seconds=patience
    ) as running_one:
        yield running_one


@pytest.fixture
def service(shared_service: Service) -> Iterator[Service]:
    """The module's service, for a tenant that has nothing yet."""
    with shared_service.fresh_tenant() as tenant:
        yield tenant


@pytest.fixture
def browser(service: Service) -> Iterator[Browser]:
    """A browser with which nobody has signed in."""
    with Browser(service) as opened:
        yield opened


@pytest.fixture
def admin(browser: Browser, service: Service) -> Browser:
    """A browser with which the tenant's administrator has."""
    browser.sign_in(service.key())
    return browser


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    """An inbox token of the tenant, and the means to deliver with it."""
    return Mailbox.mint(service)


@pytest.fixture
def case(service: Service, jira: RunningSandbox[Any]) -> str:
    """A case with a ticket at Jira, which itself sends nothing."""
    service.add_jira(jira)
    jira.control.set_webhooks()
    created = service.api.create_case()
    service.api.linked(created)
    return created


@pytest.fixture(scope="session")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tracker]:
    """A Roundup tracker; each test has cases of its own in it."""
    with running_roundup(tmp_path_factory.mktemp("roundup")) as running_one:
        yield running_one


@pytest.fixture
def joe(tracker: Tracker) -> Iterator[Person]:
    """Somebody who works in the tracker."""
    with tracker.acting("joe") as person:
        yield person
