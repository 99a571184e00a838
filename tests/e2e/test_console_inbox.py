"""The console's pages about what comes in, without scripts: statuses, events, tokens, plugins."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from casebridge.domain.decision import Reason
from casebridge.services.tenants import Scope
from casebridge.web.console.wording import CURES, MEANINGS
from casebridge_core import Capability, ConnectorCatalog
from casebridge_core.discovery import Discovery, LoadedPlugin, PluginSource
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.integration import acme
from tests.letters import Mailbox, jira_moved
from tests.stage import Service, running_service

Vendor = RunningSandbox[Any]
ORACLE = "Awaiting the <Oracle>"


def move_ticket(service: Service, mailbox: Mailbox, case: str, status: str) -> str:
    """Deliver that the case's ticket took a status; return the event's id."""
    ticket = service.api.ticket(case, "jira")["external_id"]
    return str(mailbox.deliver(jira_moved(ticket, status))["event_id"])


def test_a_status_is_mapped_by_a_form_and_its_case_follows(
    admin: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    move_ticket(service, mailbox, case, ORACLE)
    (listed,) = service.api.get("/v1/unmapped-statuses")
    on = "/unmapped"

    work = admin.open(on).text
    shown = admin.submit(f"{on}/{listed['id']}/map", on=on, status="contained")

    assert html.escape(ORACLE) in work
    assert ORACLE not in work
    assert "1 case moved" in re.sub(r"\s+", " ", shown.text)
    assert "Nothing waits to be mapped" in shown.text
    assert "Mapped lately" in shown.text
    assert service.api.status(case) == "contained"
    other = admin.submit(f"{on}/{listed['id']}/map", on=on, status="closed")
    assert other.status_code == 409
    assert "means contained already" in other.text
    assert admin.submit(f"{on}/{listed['id']}/map", on=on).status_code == 400


def test_a_status_is_dismissed_by_a_form_and_can_be_mapped_all_the_same(
    admin: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    move_ticket(service, mailbox, case, ORACLE)
    (listed,) = service.api.get("/v1/unmapped-statuses")

    shown = admin.submit(f"/unmapped/{listed['id']}/dismiss", on="/unmapped").text

    assert "Nothing waits to be mapped" in shown
    assert html.escape(ORACLE) in shown.partition("<h2>Dismissed</h2>")[2]
    admin.submit(f"/unmapped/{listed['id']}/map", on="/unmapped", status="triage")
    assert service.api.status(case) == "triage"


def test_a_viewer_sees_the_work_list_and_no_forms(
    browser: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    move_ticket(service, mailbox, case, ORACLE)
    browser.sign_in(service.new_key(Scope.READ)[0])

    shown = browser.open("/unmapped").text

    assert html.escape(ORACLE) in shown
    assert "/map" not in shown
    assert "/dismiss" not in shown


def test_an_event_is_shown_with_its_payload_its_outcome_and_its_case(
    admin: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    event = move_ticket(service, mailbox, case, "In Progress")

    shown = admin.open(f"/events/{event}").text

    for text in ("applied", "x-hub-signature", "user-agent", f"/cases/{case}", ">In Progress"):
        assert text in shown
    assert '  "webhookEvent": "jira:issue_updated"' in html.unescape(shown)
    assert mailbox.secret not in shown
    assert f"/events/{event}" in admin.open(f"/cases/{case}").text


@pytest.mark.parametrize(
    "body",
    [b"", b"<script>alert(1)</script>", b"\xff\xfe", b"[" * 5000, b'{"a": "<script>alert(1)"}'],
)
def test_whatever_came_in_is_text_on_the_page(
    admin: Browser, service: Service, mailbox: Mailbox, body: bytes
) -> None:
    mailbox.post(body)
    (event,) = service.api.get("/v1/inbox-events")["items"]

    shown = admin.open(f"/events/{event['id']}")

    assert shown.status_code == 200
    assert "<script>alert" not in shown.text
    assert f"since {MEANINGS[event['reason']]}" in html.unescape(shown.text)


def test_events_are_filtered_and_turned_page_by_page(
    admin: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    known = move_ticket(service, mailbox, case, "In Progress")
    unknown = mailbox.deliver(jira_moved("999999", "Done"))["event_id"]
    connector = service.api.get("/v1/connectors")[0]["id"]
    ticket = service.api.ticket(case, "jira")

    def found(**params: str) -> set[str]:
        answer = admin.open("/events", **params)
        assert answer.status_code == 200, answer.text
        return {event for event in (known, unknown) if f'/events/{event}"' in answer.text}

    assert found() == found(vendor="jira") == found(token_id=mailbox.token_id) == {known, unknown}
    assert found(applied="true") == found(case_id=case) == {known}
    assert found(connector_id=connector, applied="true") == {known}
    assert found(ticket_id=ticket["id"]) == found(external_id=ticket["external_id"]) == {known}
    assert found(applied="false") == found(reason="unlinked_ticket") == {unknown}
    assert found(since="2026-01-01T08:00") == {known, unknown}
    assert found(since="2999-01-01T08:00") == set()
    for wrong in ({"since": "soon"}, {"reason": "odd"}, {"applied": "maybe"}, {"cursor": "odd"}):
        assert admin.open("/events", **wrong).status_code == 400, wrong
    assert admin.open("/events", case_id="case_unknown").status_code == 404

    for number in range(50):
        mailbox.post(str(number).encode())
    first = admin.open("/events").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert f'/events/{known}"' not in first
    assert f'/events/{known}"' in admin.open(html.unescape(older)).text


def test_an_event_is_replayed_by_a_button(
    admin: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    event = move_ticket(service, mailbox, case, "In Progress")
    on = f"/events/{event}"

    shown = admin.submit(f"{on}/replay", on=on)

    assert shown.url.path != on
    assert MEANINGS[Reason.LAST_KNOWN] in shown.text
    assert f'href="{on}"' in shown.text
    assert shown.url.path in admin.open(on).text


def test_all_that_a_filter_leaves_in_is_replayed_and_nothing_without_one(
    admin: Browser, mailbox: Mailbox
) -> None:
    for number in range(51):
        mailbox.deliver(jira_moved(str(number), "Done"))
    on = "/events?reason=unlinked_ticket"

    assert "Replay these" in admin.open(on).text
    assert "Replay these" not in admin.open("/events").text
    first = admin.submit("/events/replay", on=on, reason="unlinked_ticket")
    assert "50 events were replayed, and 0 applied" in first.text
    (rest,) = re.findall(r'name="rest" value="([^"]+)"', first.text)
    last = admin.submit("/events/replay", on=on, reason="unlinked_ticket", rest=rest)
    assert "1 event was replayed, and 0 applied" in last.text
    assert 'name="rest"' not in last.text
    assert admin.submit("/events/replay", on=on, applied="false").status_code == 400


def test_a_viewer_sees_no_events_and_no_way_to_them(
    browser: Browser, service: Service, mailbox: Mailbox, case: str
) -> None:
    event = move_ticket(service, mailbox, case, "In Progress")
    browser.sign_in(service.new_key(Scope.READ)[0])

    assert browser.open("/events").status_code == 403
    assert browser.open(f"/events/{event}").status_code == 403
    assert "/events" not in browser.open(f"/cases/{case}").text


def test_the_words_for_a_reason_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "concepts.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    told = {name: (meaning, cure) for name, meaning, cure in rows if name in set(Reason)}

    assert set(told) == set(Reason) == set(MEANINGS)
    for reason in Reason:
        meaning, cure = told[reason]
        assert MEANINGS[reason] == meaning
        assert CURES.get(reason, "nothing") == cure.partition(":")[0].partition(";")[0]


def test_the_capability_matrix_says_what_each_vendor_can_do(
    admin: Browser, service: Service
) -> None:
    shown = admin.open("/plugins").text
    entries = {each["title"]: each for each in service.api.get("/v1/plugins")["vendors"]}

    rows = re.findall(
        r"<tr>\s*<th scope=\"row\"><strong>(.+?)</strong></th>(.+?)</tr>", shown, re.DOTALL
    )
    assert {title for title, _ in rows} == set(entries)
    for title, cells in rows:
        said = re.findall(r'class="sr">(yes|no)<', cells)
        can = [name for name, word in zip(Capability, said, strict=True) if word == "yes"]
        assert sorted(can) == entries[title]["capabilities"]
        assert f"<code>{entries[title]['plugin']['distribution']}</code>" in shown


def test_what_is_refused_is_shown_with_its_reason_and_what_is_off_as_such(tmp_path: Path) -> None:
    source = PluginSource(name="resting", distribution="casebridge-resting", version="2")
    twice = [
        LoadedPlugin(source=PluginSource(name=name, distribution=name, version="1"), module=acme)
        for name in ("acme", "fork")
    ]
    catalog = ConnectorCatalog(Discovery(loaded=tuple(twice), disabled=(source,)))
    with running_service(tmp_path / "data", catalog=catalog) as service, Browser(service) as seen:
        seen.sign_in(service.key())
        shown = html.unescape(seen.open("/plugins").text)

    refused, _, rest = shown.partition("What each vendor can do")
    for failure in catalog.failures:
        assert str(failure.error) in refused
    assert "No vendor's plugin is installed" in rest
    assert "casebridge-resting" in rest
    assert "CASEBRIDGE_PLUGINS" in rest
