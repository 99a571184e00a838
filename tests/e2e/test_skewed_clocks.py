"""A vendor whose webhooks tell a later time than its tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox, jira_moved
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]


def test_a_webhook_from_the_future_costs_one_push_and_no_loop(
    service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)
    case = service.api.create_case()
    ticket = service.api.linked(case)["jira"]
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    body = jira_moved(ticket["external_id"], "In Progress", at=ahead)
    assert Mailbox.mint(service).deliver(body)["applied"]

    service.api.move(case, "resolved")

    eventually(lambda: jira.control.ticket("SEC-1").status == "Done")
    service.api.linked(case)
    pushed = [row for row in service.api.timeline(case) if row["kind"] == "status_pushed"]
    assert [row["text"] for row in pushed] == ["pushed resolved to SEC-1: Done"]
    assert len(jira.control.requests("transition")) == 1
