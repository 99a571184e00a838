"""Status maps in the console: previewed there and back, edited, and asked of the vendor."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


@pytest.fixture
def on(service: Service, jira: Vendor) -> str:
    """The page of a Jira connector's maps."""
    return f"/connectors/{service.add_jira(jira)}/statuses"


def trip(text: str, status: str) -> str:
    """Return what the page says of one status of the case, without tags."""
    rows = text.split("<tr>")
    row = next(each for each in rows if f'status-{status}">' in each.partition("</th>")[0])
    return html.unescape(re.sub(r"<[^>]+>|\s+", " ", row))


def maps(service: Service, on: str) -> Any:
    return service.api.get(f"/v1{on.removesuffix('/statuses')}")["statuses"]


def test_every_status_that_does_not_survive_is_marked(admin: Browser, on: str) -> None:
    text = admin.open(on).text

    assert "comes back as open" in trip(text, "open")
    assert "case to triage" in trip(text, "contained")
    assert "case to resolved" in trip(text, "closed")
    assert "2 of 5 statuses would not come back" in text


def test_a_preview_changes_nothing_and_saving_does(
    admin: Browser, service: Service, on: str
) -> None:
    form = {
        "out.contained": "In Review",
        "in.1.native": "In Review",
        "in.1.status": "contained",
        "in.2.native": "Waiting for <vendor>",
        "in.2.status": "triage",
        "in.3.native": "ignored",
    }

    preview = admin.submit(on, on=on, go="preview", **form)

    assert "Nothing is saved yet" in preview.text
    assert "comes back as contained" in trip(preview.text, "contained")
    assert "1 of 5" in preview.text
    assert "Waiting for &lt;vendor&gt;" in preview.text
    assert maps(service, on) == {"outbound": {}, "inbound": {}}
    saved = admin.submit(on, on=on, go="save", **form)
    assert "The status maps are saved" in saved.text
    assert maps(service, on) == {
        "outbound": {"contained": "In Review"},
        "inbound": {"In Review": "contained", "Waiting for <vendor>": "triage"},
    }
    assert 'value="In Review"' in admin.open(on).text


def test_a_saved_map_is_what_tickets_are_moved_by(
    admin: Browser, service: Service, jira: Vendor, on: str
) -> None:
    admin.submit(on, on=on, go="save", **{"out.contained": "In Review"})
    case = service.api.create_case(status="contained")

    eventually(lambda: service.api.linked(case)["jira"]["status"] == "In Review")


def test_the_vendor_tells_its_statuses_and_what_it_lacks(admin: Browser, on: str) -> None:
    lacking = {"out.closed": "Archived <forever>"}

    before = admin.submit(on, on=on, go="preview", **lacking)
    asked = admin.submit(on, on=on, go="ask", **lacking)
    live = html.unescape(re.findall(r'name="live" value="([^"]*)"', asked.text)[0])
    again = admin.submit(on, on=on, go="preview", live=live, **{"out.closed": "Nowhere"})

    assert "the vendor has no status" not in before.text
    assert "the vendor has no status Archived <forever>" in trip(asked.text, "closed")
    assert "the vendor has no status Nowhere" in trip(again.text, "closed")
    assert "Archived <forever>" not in asked.text
    assert "data-live" not in asked.text


def test_a_vendor_that_cannot_be_asked_is_told_and_what_was_typed_stays(
    admin: Browser, jira: Vendor, on: str
) -> None:
    jira.control.change_scenario(api_token="another-token-7")

    asked = admin.submit(on, on=on, go="ask", **{"out.closed": "Archived"})

    assert asked.status_code == 400
    assert 'value="Archived"' in asked.text


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"in.1.native": "A", "in.1.status": "moon"}, "moon"),
        (
            {
                "in.1.native": "A",
                "in.1.status": "open",
                "in.2.native": "a ",
                "in.2.status": "open",
            },
            "a is named twice",
        ),
        ({"live": "{", "out.open": "", "in.x.native": "A"}, ""),
    ],
)
def test_odd_forms_are_answered_with_a_page(
    admin: Browser, service: Service, on: str, form: dict[str, str], problem: str
) -> None:
    answer = admin.submit(on, on=on, go="save", **form)

    assert answer.status_code == (400 if problem else 200)
    assert problem in answer.text
    assert maps(service, on) == {"outbound": {}, "inbound": {}}


def test_who_may_only_read_sees_the_maps_and_no_form(
    browser: Browser, service: Service, on: str
) -> None:
    browser.sign_in(service.new_key(Scope.READ)[0])

    shown = browser.open(on).text

    assert "comes back as open" in trip(shown, "open")
    assert "<select" not in shown
    assert browser.submit(on, on=on, go="save").status_code == 403
