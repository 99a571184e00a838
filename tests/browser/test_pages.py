"""Every page in Chromium: for a screen reader, in light and in dark, and on a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from casebridge_sandbox import RunningSandbox
from tests.browser.screenshots import keep
from tests.integration.routes import Operation, operations
from tests.letters import Mailbox, jira_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]
PAGES = [
    each for each in operations() if each.is_page and each.method == "GET" and not each.is_stream
]
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
CASE = {
    "severity": "critical",
    "summary": "lsass was read by an unsigned process; then web-01 called 203.0.113.9.",
    "detection_rules": ["Credential dumping from lsass"],
    "entities": [{"kind": "host", "value": "web-01"}],
}


@pytest.fixture(scope="module")
def ids(shared_service: Service, jira: Vendor) -> dict[str, str]:
    """One of everything that a page can be about."""
    api = shared_service.api
    case = api.create_case("Credential theft on web-01", **CASE)
    ticket = api.linked(case)["jira"]
    mailbox = Mailbox.mint(shared_service, name="a token with a long-name-" + "n" * 60)
    mailbox.deliver(jira_moved(ticket["external_id"], "In Progress"))
    event = mailbox.deliver(jira_moved(ticket["external_id"], "Awaiting the Oracle"))["event_id"]
    mailbox.deliver(jira_moved("999999", "Done"))
    Mailbox.mint(shared_service, scheme="static_url")
    jira.control.arm("status", "create", status=400)
    stuck = api.create_case("Stuck-in-the-middle-of-" + "x" * 150, severity="low")
    api.ticket_in(stuck, "jira", "dead")
    api.http.put("/v1/feature-flags", json={"name": "backfill", "enabled": True})
    backfill = api.post(f"/v1/connectors/{ticket['connector_id']}/backfills", {})
    return {
        "backfill_id": backfill["id"],
        "case_id": case,
        "connector_id": ticket["connector_id"],
        "event_id": event,
        "status_id": api.get("/v1/unmapped-statuses")[0]["id"],
        "ticket_id": ticket["id"],
        "token_id": mailbox.token_id,
    }


@pytest.mark.parametrize("operation", PAGES, ids=str)
def test_a_page_reads_well_in_light_in_dark_and_on_a_phone(
    reader: Page, ids: dict[str, str], operation: Operation
) -> None:
    name = re.sub(r"\W+", "-", re.sub(r"{.*?}", "one", operation.path)).strip("-")
    answer = reader.goto(operation.at(ids))

    assert answer is not None
    assert answer.ok
    look(reader, name)


@pytest.mark.usefixtures("ids")
def test_the_pages_that_no_menu_leads_to_read_well(reader: Page) -> None:
    reader.goto("/cases?search=nothing-is-called-that")
    look(reader, "cases-none-found")
    reader.goto("/tokens")
    reader.get_by_label("Name").fill("fresh")
    reader.get_by_label("Deliveries prove").select_option("static_url")
    reader.get_by_role("button", name="Mint").click()
    look(reader, "token-fresh")
    reader.goto("/sign-in")
    look(reader, "sign-in")


def look(page: Page, name: str) -> None:
    """Check and keep the page as it is shown in light, in dark and 390 pixels wide."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    keep(page, f"{name}-light")
    page.emulate_media(color_scheme="dark")
    assert violations(page, COLOURS) == []
    keep(page, f"{name}-dark")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    keep(page, f"{name}-phone")
    page.set_viewport_size({"width": 1400, "height": 900})
    page.emulate_media(color_scheme="light")


def violations(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """Return what axe finds fault with: the rule, and the first element that breaks it."""
    found = Axe().run(page, options=options or {"resultTypes": ["violations"]}).response
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]
