"""Stored events and unmapped statuses from end to end, by command and with the sandbox."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from casebridge.services.clock import utc_now
from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox, jira_moved
from tests.shell import Shell, shell_of
from tests.stage import Service, eventually, running_service

Vendor = RunningSandbox[Any]
ORACLE = "Awaiting the Oracle"


@pytest.fixture
def shell(service: Service) -> Shell:
    return shell_of(service)


def ticket_id(service: Service, case: str) -> str:
    return str(service.api.ticket(case, "jira")["external_id"])


def test_events_are_listed_shown_and_replayed_by_command(
    shell: Shell, service: Service, mailbox: Mailbox, case: str
) -> None:
    known = mailbox.deliver(jira_moved(ticket_id(service, case), "In Progress"))["event_id"]
    unknown = mailbox.deliver(jira_moved("999999", "Done"))["event_id"]

    assert [row["id"] for row in shell.json("event", "list")] == [unknown, known]
    listed = shell.says("event", "list", "--reason", "unlinked_ticket", "--connector", "jira")
    assert unknown in listed
    assert known not in listed
    assert shell.json("event", "list", "--applied", "--case", case)[0]["id"] == known
    assert shell.json("event", "list", "--until", "2026-01-01T00:00") == []
    shown = shell.says("event", "show", known)
    for words in (
        "applied",
        "x-hub-signature",
        "user-agent",
        '"changelog"',
        ticket_id(service, case),
    ):
        assert words in shown
    assert mailbox.secret not in shown
    again = shell.says("event", "replay", known)
    assert re.match(rf"{known}: last_known_status \(evt_\w+\)", again)
    everything = shell.says("event", "replay", "--reason", "unlinked_ticket", "--vendor", "jira")
    assert everything.strip() == "1 replayed: 0 applied, 1 unlinked_ticket"


def test_a_replay_is_called_with_an_event_or_a_filter(shell: Shell) -> None:
    assert "either an event" in shell.fails("event", "replay", code=2)
    assert "either an event" in shell.fails("event", "replay", "evt_x", "--vendor", "jira", code=2)
    assert "no event 'evt_x'" in shell.fails("event", "replay", "evt_x")
    assert "moment" in shell.fails("event", "list", "--since", "yesterday", code=2)
    assert "allowed values" in shell.fails("event", "list", "--reason", "because")


def test_a_status_that_only_this_jira_has_is_mapped_and_the_case_follows(
    shell: Shell, service: Service, mailbox: Mailbox, case: str
) -> None:
    told = mailbox.deliver(jira_moved(ticket_id(service, case), ORACLE))
    assert told["reason"] == "unmapped_status"

    (listed,) = shell.json("unmapped", "list", "--connector", "jira")
    assert ORACLE in shell.says("unmapped", "list")
    mapped = shell.says("unmapped", "map", listed["id"], "contained")

    assert mapped.strip() == f"{ORACLE} means contained: 1 cases moved"
    assert service.api.status(case) == "contained"
    assert service.api.linked(case)["jira"]["status"] == ORACLE
    assert shell.json("unmapped", "list") == []
    assert shell.json("unmapped", "list", "--state", "mapped")[0]["mapped_to"] == "contained"
    conflict = shell.fails("unmapped", "map", listed["id"], "closed")
    assert "means contained already" in conflict
    (row,) = [r for r in service.api.timeline(case) if r["kind"] == "status_changed"]
    assert row["event_id"] == told["event_id"]


def test_a_status_is_dismissed_by_command(
    shell: Shell, service: Service, mailbox: Mailbox, case: str
) -> None:
    mailbox.deliver(jira_moved(ticket_id(service, case), ORACLE))
    (listed,) = shell.json("unmapped", "list")

    assert shell.says("unmapped", "dismiss", listed["id"]).strip() == f"{ORACLE} is dismissed"
    assert "no such status" in shell.says("unmapped", "list")
    assert shell.json("unmapped", "list", "--state", "all")[0]["state"] == "dismissed"


def test_a_human_who_is_quicker_than_our_commit_is_heard(service: Service, jira: Vendor) -> None:
    """The ticket's creation is answered late, and meanwhile somebody resolves it."""
    service.add_jira(jira)
    jira.control.arm("slow_answer", "create", seconds=1.0)
    created = service.api.create_case()
    key = eventually(lambda: [ticket.key for ticket in jira.control.tickets()])[0]

    jira.control.move(key, "Done")

    service.api.linked(created)
    jira.control.wait_until_idle()
    early = service.api.get("/v1/inbox-events", reason="unlinked_ticket")["items"]
    assert len(early) >= 2
    assert service.api.status(created) == "resolved"
    assert jira.control.ticket(key).status == "Done"


def in_a_year() -> datetime:
    return utc_now() + timedelta(days=365)


def test_payloads_past_their_retention_are_purged_when_the_service_starts(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        event = Mailbox.mint(service).deliver(b'{"hello": 1}')["event_id"]
        assert service.api.get(f"/v1/inbox-events/{event}")["body"] == '{"hello": 1}'

    with running_service(tmp_path, clock=in_a_year) as service:
        kept = eventually(
            lambda: [
                found
                for found in [service.api.get(f"/v1/inbox-events/{event}")]
                if found["purged_at"] is not None
            ]
        )

    assert (kept[0]["body"], kept[0]["headers"]) == (None, None)
    assert kept[0]["reason"] == "unrecognised_payload"
