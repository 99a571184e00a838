"""What people do in the console, done in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from casebridge_sandbox import RunningSandbox
from tests.browser.screenshots import keep
from tests.letters import Mailbox, jira_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]
ORACLE = "Awaiting the Oracle"


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


def create(service: Service, title: str) -> tuple[str, Any]:
    """Create a case; return its id and its ticket, which is minted."""
    case = service.api.create_case(title)
    return case, service.api.linked(case)["jira"]


def stay(page: Page) -> None:
    """Mark the page that is open, so that a reload would show."""
    page.evaluate("window.stayed = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stayed === true"))


def test_a_case_is_found_and_moved_and_its_ticket_is_seen_following(
    context: BrowserContext, service: Service, jira: Vendor
) -> None:
    case, ticket = create(service, "Beacon from web-01")
    page = context.new_page()
    page.goto("/")
    page.get_by_label("API key").fill(service.key())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Search").fill("beacon")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Beacon from web-01").click()
    expect(page.get_by_role("link", name=ticket["key"])).to_be_visible()
    stay(page)

    jira.control.move(ticket["key"], "In Progress", by="Ada Analyst")

    expect(page.locator(".head .pill")).to_have_text("triage")
    assert has_stayed(page)
    page.get_by_label("Move to").select_option("resolved")
    page.get_by_label("because").fill("it was a test")
    page.get_by_role("button", name="Move").click()
    expect(page.locator(".head .pill")).to_have_text("resolved")
    expect(page.locator(".ticket dl")).to_contain_text("Done")
    expect(page.locator(".timeline")).to_contain_text("it was a test")
    assert service.api.status(case) == "resolved"
    keep(page, "case-moved")


def test_a_ticket_is_forced_for_a_reason_that_stays(page: Page, service: Service) -> None:
    case, ticket = create(service, "A workflow in the way")
    page.goto(f"/cases/{case}")

    page.get_by_text("Force-sync", exact=True).click()
    page.get_by_label("Reason").fill("the workflow asks for a field that we cannot fill")
    page.get_by_role("button", name=f"Force-sync {ticket['key']}").click()

    expect(page.locator(".timeline")).to_contain_text("asks for a field that we cannot fill")


def test_an_unmapped_status_is_mapped_and_its_case_moves(
    page: Page, service: Service, mailbox: Mailbox
) -> None:
    case, ticket = create(service, "A status of their own")
    mailbox.deliver(jira_moved(ticket["external_id"], ORACLE))
    page.goto("/cases")

    page.get_by_role("link", name="Unmapped statuses").click()
    keep(page, "unmapped-open")
    page.get_by_label(f"What {ORACLE} means").select_option("contained")
    page.get_by_role("button", name="Map").click()

    expect(page.get_by_role("status")).to_contain_text("1 case moved")
    keep(page, "unmapped-mapped")
    assert service.api.status(case) == "contained"


def test_a_token_is_minted_its_secret_copied_and_its_test_event_seen(
    page: Page, service: Service
) -> None:
    page.goto("/tokens")
    page.get_by_label("Name").fill("webhooks of our Jira")
    page.get_by_role("button", name="Mint").click()
    secret = page.locator("#secret").inner_text()
    keep(page, "token-secret")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert secret not in page.url
    page.get_by_role("link", name="I have it").click()
    token = page.url.rpartition("/")[2]
    assert secret not in page.content()

    page.get_by_role("link", name="Wait for a test event").click()
    expect(page.get_by_role("status")).to_contain_text("Waiting for a test event")
    keep(page, "token-waiting")
    stay(page)
    Mailbox(service, token, secret).deliver(jira_moved("999999", "Done"))

    expect(page.get_by_role("status")).to_contain_text("It arrived: Done from jira")
    assert has_stayed(page)
    keep(page, "token-arrived")


def test_an_event_is_found_and_replayed(page: Page, service: Service, mailbox: Mailbox) -> None:
    event = mailbox.deliver(jira_moved("888888", "Done"))["event_id"]
    page.goto("/events")
    page.get_by_label("Reason").select_option("unlinked_ticket")
    page.get_by_label("Token").select_option(mailbox.token_id)
    page.get_by_role("button", name="Filter").click()
    page.locator("tbody a").first.click()
    expect(page.get_by_label("Body")).to_contain_text('"webhookEvent": "jira:issue_updated"')

    page.get_by_role("button", name="Replay").click()

    expect(page.get_by_text("Replay of")).to_be_visible()
    page.get_by_role("link", name=event).click()
    expect(page.get_by_text("Replays")).to_be_visible()
    assert len(service.api.get(f"/v1/inbox-events/{event}")["replays"]) == 1


def test_a_case_is_found_and_moved_by_keyboard_alone(
    context: BrowserContext, service: Service
) -> None:
    case, _ = create(service, "Found without a mouse")
    page = context.new_page()
    page.goto("/")
    page.keyboard.type(service.key())
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cases", exact=True)).to_be_visible()

    tab_to(page, "[name=search]")
    page.keyboard.type("without a mouse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()
    tab_to(page, f"a[href='/cases/{case}']")
    page.keyboard.press("Enter")
    tab_to(page, "select[name=status]")
    page.keyboard.type("res")
    tab_to(page, "form[action$='/status'] button")
    page.keyboard.press("Enter")

    expect(page.locator(".head .pill")).to_have_text("resolved")


def test_without_scripts_everything_is_there_and_works(chromium: Browser, service: Service) -> None:
    case, ticket = create(service, "Seen without scripts")
    with chromium.new_context(base_url=service.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/cases/{case}")
        page.get_by_label("API key").fill(service.key())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("link", name=ticket["key"])).to_be_visible()
        expect(page.locator("time").first).to_contain_text("UTC")

        page.get_by_label("Move to").select_option("closed")
        page.get_by_role("button", name="Move").click()

        expect(page.locator(".head .pill")).to_have_text("closed")
        page.goto("/tokens")
        page.get_by_label("Name").fill("webhooks")
        page.get_by_role("button", name="Mint").click()
        expect(page.locator("#secret")).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    target = page.locator(selector)
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not lead to {selector}")
