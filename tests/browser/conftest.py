"""Fixtures of the browser tests: Chromium, and a service with a Jira behind it, for each module."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from casebridge_sandbox import JiraSandbox, RunningSandbox, running
from tests.stage import DEADLINE_SECONDS, Service, running_service

Vendor = RunningSandbox[Any]
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_MILLISECONDS = DEADLINE_SECONDS * 1000


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one tenant, whose administrator looks at the console."""
    folder = tmp_path_factory.mktemp("service") / "data"
    with running_service(folder, sweep_seconds=0.1) as running_one:
        yield running_one


@pytest.fixture(scope="module")
def jira(shared_service: Service) -> Iterator[Vendor]:
    """A Jira that is connected both ways."""
    with running(JiraSandbox()) as vendor:
        shared_service.add_jira(vendor)
        yield vendor


@pytest.fixture
def service(shared_service: Service, jira: Vendor) -> Service:
    """The module's service, with its Jira."""
    return shared_service


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, without a window; closed after the module, since its loop bars others' way."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is here: install it (on Debian: the package chromium)")
    rights = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=rights)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(chromium: Browser, service: Service) -> Iterator[BrowserContext]:
    """Open a browser with which nobody has signed in; no page of it may log an error."""
    expect.set_options(timeout=_MILLISECONDS)
    opened = chromium.new_context(base_url=service.url, viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(_MILLISECONDS)
    opened.grant_permissions(["clipboard-read", "clipboard-write"])
    errors: list[str] = []
    opened.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    opened.on("weberror", lambda told: errors.append(str(told.error)))
    yield opened
    opened.close()
    assert errors == []


@pytest.fixture
def context(chromium: Browser, service: Service) -> Iterator[BrowserContext]:
    """A browser with which nobody has signed in."""
    with watched(chromium, service) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext, service: Service) -> Page:
    """A page of a browser with which the administrator has signed in."""
    context.request.post("/sign-in", form={"key": service.key()})
    return context.new_page()


@pytest.fixture(scope="module")
def reader(chromium: Browser, shared_service: Service) -> Iterator[Page]:
    """The same for a module that looks at one page after the other."""
    with watched(chromium, shared_service) as opened:
        opened.request.post("/sign-in", form={"key": shared_service.key()})
        yield opened.new_page()
