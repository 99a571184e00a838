"""What the pages weigh where there is much to show: bytes, requests and elements, never seconds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from casebridge_sandbox import RunningSandbox
from tests.browser.crowd import CASES, ROWS, crowd
from tests.integration.routes import operations
from tests.stage import Service

Vendor = RunningSandbox[Any]
MOST_BYTES = 100_000
"""Of a page with all that it loads, as it is sent: nothing is compressed."""
MOST_REQUESTS = 4
"""The page, its stylesheet, its script and its icon; what is open for news counts apart."""
MOST_ELEMENTS = 2500
LOADED = """() => ["navigation", "resource"].flatMap((kind) =>
  performance.getEntriesByType(kind).map((entry) => [entry.name, entry.decodedBodySize]))"""
PLAIN = [
    each.path
    for each in operations()
    if each.is_page and each.method == "GET" and not each.is_stream and "{" not in each.path
]


@pytest.fixture(scope="module")
def long_case(shared_service: Service, jira: Vendor) -> str:
    """A thousand cases, of which this has a timeline of five hundred rows."""
    return crowd(shared_service.data_dir)


def weigh(page: Page, path: str) -> tuple[int, int, int]:
    """Open a page; return the bytes and the number of its requests, and of its elements."""
    page.goto(path, wait_until="load")
    loaded: list[tuple[str, int]] = page.evaluate(LOADED)
    sizes = [size for address, size in loaded if "/live/" not in address]
    elements: int = page.evaluate("document.querySelectorAll('*').length")
    return sum(sizes), len(sizes), elements


@pytest.mark.usefixtures("long_case")
@pytest.mark.parametrize("path", [*PLAIN, "/cases?search=web-", "/cases?sync=linked"])
def test_a_page_is_light_where_there_is_much_to_show(reader: Page, path: str) -> None:
    size, requests, elements = weigh(reader, path)

    assert 15_000 < size < MOST_BYTES
    assert requests <= MOST_REQUESTS
    assert elements < MOST_ELEMENTS


def test_a_long_timeline_is_light_and_can_be_read_to_its_beginning(
    reader: Page, long_case: str
) -> None:
    size, requests, elements = weigh(reader, f"/cases/{long_case}")
    assert size < MOST_BYTES
    assert requests <= MOST_REQUESTS
    assert elements < MOST_ELEMENTS

    rows = reader.locator(".timeline tbody tr")
    read = rows.count()
    while (older := reader.get_by_role("link", name="Older rows")).count():
        reader.goto(older.get_attribute("href") or "")
        read += rows.count()
    assert read == ROWS


def test_the_oldest_of_a_thousand_cases_is_a_search_or_some_pages_away(reader: Page) -> None:
    reader.goto("/cases?search=web-0000")
    expect(reader.locator(".cases tbody tr")).to_have_count(1)
    reader.goto("/cases")
    assert re.search(rf"{CASES} contained", reader.locator(".counts").inner_text())
    first = reader.locator(".cases tbody tr").first.inner_text()
    reader.get_by_role("link", name="Older cases").click()
    expect(reader.get_by_role("link", name="The newest cases")).to_be_visible()
    reader.get_by_role("link", name="The newest cases").click()
    expect(reader.locator(".cases tbody tr").first).to_have_text(first)
