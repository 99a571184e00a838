"""The console's pages about connectors, without scripts: cards, failures, checks and pauses."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


@pytest.fixture
def connector(service: Service, jira: Vendor) -> str:
    return service.add_jira(jira)


def state(service: Service, connector: str) -> str:
    return str(service.api.get(f"/v1/connectors/{connector}")["state"])


def test_a_card_tells_how_a_connector_does(
    admin: Browser, service: Service, connector: str, jira: Vendor
) -> None:
    fresh = admin.open("/connectors").text
    case = service.api.create_case()
    service.api.linked(case)

    used = eventually(lambda: text if "<svg" in (text := admin.open("/connectors").text) else None)

    assert "Not used yet" in fresh
    assert f'href="/connectors/{connector}"' in fresh
    assert "Nothing went out" in fresh
    assert "All tickets are where their cases are" in used
    assert "1 pushed" in used
    for word in (jira.url, "Last success", "8 tickets at a time", "closed"):
        assert word in used
    assert "jira-sandbox-token" not in used + admin.open(f"/connectors/{connector}").text


def test_without_connectors_the_page_says_what_that_means(admin: Browser) -> None:
    assert "no case gets a ticket" in admin.open("/connectors").text


def test_dead_letters_are_listed_with_reason_and_replayed_together(
    admin: Browser, service: Service, connector: str, jira: Vendor
) -> None:
    jira.control.arm("status", "create", status=400, count=2)
    cases = [service.api.create_case(f"Stuck <b>{number}</b>") for number in range(2)]
    for case in cases:
        service.api.ticket_in(case, "jira", "dead")
    on = f"/connectors/{connector}"

    shown = admin.open(on).text
    listed = admin.open("/connectors").text
    replayed = admin.submit(f"{on}/replay", on=on)

    assert "2 tickets are given up" in shown
    assert "Replay all 2 dead" in shown
    assert "Stuck &lt;b&gt;0" in shown
    assert "less than a minute, 1 attempt" in shown
    assert "2 dead" in listed
    assert "tried again: 2." in replayed.text
    for case in cases:
        service.api.linked(case)
    assert "Replay all" not in admin.open(on).text


def test_a_check_is_shown_line_by_line_with_its_cures(
    admin: Browser, connector: str, jira: Vendor
) -> None:
    on = f"/connectors/{connector}"
    well = admin.submit(f"{on}/check", on=on)
    jira.control.change_scenario(api_token="renewed")

    failing = admin.submit(f"{on}/check", on=on)

    assert well.status_code == failing.status_code == 200
    assert "Everything that the connector needs is there" in well.text
    assert "In Progress" in well.text
    assert "Something is missing" in failing.text
    assert 'class="stuck"' in failing.text
    assert 'class="prose cure"' in failing.text


def test_a_connector_is_paused_with_a_reason_and_resumed(
    admin: Browser, service: Service, connector: str
) -> None:
    on = f"/connectors/{connector}"

    nameless = admin.submit(f"{on}/pause", on=on, reason="  ")
    paused = admin.submit(f"{on}/pause", on=on, reason="Jira is <moved>")

    assert nameless.status_code == 400
    assert "Jira is &lt;moved&gt;" in paused.text
    assert "Paused by hand" in paused.text
    assert state(service, connector) == "paused"
    assert "Resume" in paused.text
    admin.submit(f"{on}/resume", on=on)
    assert state(service, connector) == "active"


def test_a_connector_is_disabled_removed_and_restored(
    admin: Browser, service: Service, connector: str
) -> None:
    on = f"/connectors/{connector}"

    assert "Disabled: nothing is pushed" in admin.submit(f"{on}/disable", on=on).text
    assert "Not used yet" in admin.submit(f"{on}/enable", on=on).text
    removed = admin.submit(f"{on}/remove", on=on)
    assert removed.url.path == "/connectors"
    assert "Removed" in removed.text
    assert admin.open(on).status_code == 404
    restored = admin.submit(f"{on}/restore", on="/connectors")
    assert restored.url.path == on
    assert state(service, connector) == "active"


def test_what_changed_is_asked_for_and_tickets_are_resynced(
    admin: Browser, service: Service, connector: str, jira: Vendor
) -> None:
    case = service.api.create_case()
    service.api.linked(case)
    on = f"/connectors/{connector}"

    asked = admin.submit(f"{on}/reconcile", on=on)
    resynced = admin.submit(f"{on}/resync", on=on)

    assert "is being asked" in asked.text
    assert "brought into line: 1." in resynced.text
    assert "&lt;" not in admin.open(on, told="<script>", count=3).text


def test_the_breaker_is_open_when_the_vendor_refuses_the_credential(
    admin: Browser, service: Service, connector: str, jira: Vendor
) -> None:
    jira.control.change_scenario(api_token="renewed")
    service.api.ticket_in(service.api.create_case(), "jira", "paused")

    shown = admin.open(f"/connectors/{connector}").text

    assert "The breaker is open" in shown
    assert "401" in shown
    assert "when resumed" in shown


@pytest.mark.parametrize(
    ("scope", "checks", "pauses"), [(Scope.READ, 403, 403), (Scope.WRITE, 200, 403)]
)
def test_the_keys_scope_decides_what_one_may_do(
    browser: Browser, service: Service, connector: str, scope: Scope, checks: int, pauses: int
) -> None:
    browser.sign_in(service.new_key(scope)[0])
    on = f"/connectors/{connector}"

    shown = browser.open(on).text

    assert browser.submit(f"{on}/check", on=on).status_code == checks
    assert browser.submit(f"{on}/pause", on=on, reason="no").status_code == pauses
    assert ("Check the connection" in shown) is (scope is Scope.WRITE)
    assert "Remove" not in shown
