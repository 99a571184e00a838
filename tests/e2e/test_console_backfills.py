"""A backfill in the console: planned first, switched on, started, watched, paused, cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]
RAMP = {"first": "2", "most": "4"}


@pytest.fixture
def on(service: Service, jira: Vendor) -> str:
    """The plan of a Jira connector with five cases that were there before it."""
    for number in range(5):
        service.api.create_case(f"Case <{number}>")
    return f"/connectors/{service.add_jira(jira)}/backfill"


@pytest.fixture
def ready(admin: Browser, on: str) -> str:
    """The same, with the feature switched on."""
    admin.submit(f"{on}/switch-on", on=on)
    return on


def test_the_plan_comes_first_and_the_feature_is_switched_on(admin: Browser, on: str) -> None:
    planned = admin.open(on).text

    assert "Would mint <strong>5</strong> tickets" in planned
    assert "<strong>less than a minute</strong> at your limits" in planned
    assert "Switch backfill on" in planned
    assert "Start</button>" not in planned
    assert admin.submit(on, on=on, **RAMP).status_code == 409
    assert "Start</button>" in admin.submit(f"{on}/switch-on", on=on).text


def test_a_backfill_runs_to_its_end_and_says_how_far_it_is(
    admin: Browser, service: Service, jira: Vendor, ready: str
) -> None:
    started = admin.submit(ready, on=ready, **RAMP)
    path = started.url.path

    assert path.startswith("/backfills/bkf_")
    assert "<progress" in started.text
    done = eventually(lambda: text if "state-done" in (text := admin.open(path).text) else None)
    assert "<strong>5</strong> of 5 minted" in done
    assert 'value="100.0"' in done
    assert "data-refresh" not in done
    assert "http-equiv" not in done
    assert len(jira.control.tickets()) == 5
    planned = admin.open(ready).text
    assert "There is nothing to do" in planned
    assert f'href="{path}"' in planned


def test_a_backfill_is_paused_resumed_and_cancelled(
    admin: Browser, jira: Vendor, ready: str
) -> None:
    jira.control.arm("status", "create", status=503, count=None)
    started = admin.submit(ready, on=ready, **RAMP)
    path = started.url.path
    assert "data-refresh" in started.text
    assert 'http-equiv="refresh"' in started.text
    assert f'href="{path}">see how far' in admin.open(ready).text

    paused = admin.submit(f"{path}/pause", on=path)
    assert "state-paused" in paused.text
    assert "paused by api (tester)" in paused.text
    assert "state-running" in admin.submit(f"{path}/resume", on=path).text
    cancelled = admin.submit(f"{path}/cancel", on=path)
    assert "state-cancelled" in cancelled.text
    assert f"{path}/resume" not in cancelled.text
    assert admin.submit(f"{path}/cancel", on=ready).status_code == 409


@pytest.mark.parametrize(
    ("ramp", "problem"),
    [
        ({"first": "9", "most": "3"}, "At most: must not be less"),
        ({"first": "many"}, "At first: Expected"),
        ({"first": "0"}, "At first: Expected"),
        ({"tolerance": "0"}, "Tolerance: Expected"),
    ],
)
def test_a_ramp_that_cannot_be_is_told_and_stays_in_the_form(
    admin: Browser, ready: str, ramp: dict[str, str], problem: str
) -> None:
    answer = admin.submit(ready, on=ready, **ramp)

    assert answer.status_code == 400
    assert problem in answer.text
    for name, value in ramp.items():
        assert f'name="{name}" inputmode="numeric" required value="{value}"' in answer.text
    if "tolerance" not in ramp:
        assert problem in admin.open(ready, **ramp).text


def test_what_stands_in_the_way_is_said(admin: Browser, service: Service, ready: str) -> None:
    connector = ready.split("/")[2]
    service.api.post(f"/v1/connectors/{connector}/pause", {"reason": "it is <moved>"})

    planned = admin.open(ready).text

    assert "it is &lt;moved&gt;" in planned
    assert "<button disabled>Start" in planned


@pytest.mark.parametrize(("scope", "plans"), [(Scope.READ, 403), (Scope.WRITE, 200)])
def test_only_administrators_start(
    browser: Browser, service: Service, on: str, scope: Scope, plans: int
) -> None:
    browser.sign_in(service.new_key(scope)[0])

    shown = browser.open(on)

    assert shown.status_code == plans
    assert "Switch backfill on" not in shown.text
    assert browser.submit(on, on="/connectors", **RAMP).status_code == 403
