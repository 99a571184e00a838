"""The console's pages about what comes in, without scripts: statuses, events, tokens, plugins."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from casebridge.services.tenants import Scope
from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.letters import Mailbox, jira_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]
ORACLE = "Awaiting the <Oracle>"


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


@pytest.fixture
def case(service: Service, jira: Vendor) -> str:
    """A case with a ticket at Jira, which itself sends nothing."""
    service.add_jira(jira)
    jira.control.set_webhooks()
    created = service.api.create_case()
    service.api.linked(created)
    return created


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
    assert "Every status that came in has a meaning" in shown.text
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

    assert "Every status that came in has a meaning" in shown
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
