"""What operators do with connectors in the console, done in Chromium."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from casebridge_sandbox import RunningSandbox
from tests.browser.test_flows import has_stayed, stay
from tests.browser.test_pages import look
from tests.stage import Service

Vendor = RunningSandbox[Any]


def test_a_connector_is_added_checked_mapped_and_filled(
    page: Page, service: Service, jira: Vendor
) -> None:
    for number in range(3):
        service.api.linked(service.api.create_case(f"Before the second Jira, {number}"))
    page.goto("/connectors")
    page.get_by_role("link", name="Add a connector").click()
    page.get_by_role("link", name="Jira").click()
    page.get_by_label("Name required").fill("Second Jira")
    page.get_by_label("Address").fill(jira.url)
    page.get_by_label("Project key").fill("SEC")
    page.get_by_label("E-mail").fill("bridge@example.com")
    page.get_by_label("API token").fill("jira-sandbox-token")
    look(page, "connector-form")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Second Jira")).to_be_visible()
    connector = page.url

    page.get_by_role("button", name="Check the connection").click()
    expect(page.locator(".health")).to_have_text("Everything that the connector needs is there.")
    look(page, "connector-check")
    page.get_by_role("link", name="Back to Second Jira").click()

    page.get_by_role("link", name="Status maps").click()
    page.get_by_role("button", name="Ask the vendor").click()
    page.get_by_label("What contained is in the ticket").fill("In Review")
    page.get_by_label("What In Review means").select_option("contained")
    page.get_by_label("What contained is in the ticket").press("Enter")
    expect(page.get_by_text("1 of 5 statuses would not come back")).to_be_visible()
    look(page, "connector-statuses-preview")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("The status maps are saved.")

    page.get_by_role("link", name="Backfill").click()
    page.get_by_role("button", name="Switch backfill on").click()
    page.get_by_role("button", name="Start", exact=True).click()
    stay(page)
    expect(page.locator(".state-done")).to_be_visible()
    assert has_stayed(page)
    expect(page.locator(".figure")).to_contain_text("3 of 3 minted")

    page.goto(connector)
    page.locator("summary", has_text="Pause").click()
    page.get_by_label("Reason").fill("Jira is moved tonight")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Jira is moved tonight")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".head .pill")).to_have_text("active")
