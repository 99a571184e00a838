"""What an authentic webhook does: its reasons, its one commit, and its duplicates."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casebridge_core.signatures import sign
from casebridge_sandbox import RunningSandbox
from tests.letters import Mailbox, jira_moved, servicenow_moved
from tests.stage import Service

Vendor = RunningSandbox[Any]


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


@pytest.fixture
def case(service: Service, jira: Vendor, servicenow: Vendor) -> str:
    """A case with both tickets; the vendors themselves send nothing."""
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    for vendor in (jira, servicenow):
        vendor.control.set_webhooks()
    created = service.api.create_case()
    service.api.linked(created)
    return created


def ticket_id(service: Service, case: str, vendor: str = "jira") -> str:
    return str(service.api.ticket(case, vendor)["external_id"])


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_moved_ticket_is_three_rows_of_one_commit(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    answer = mailbox.deliver(jira_moved(ticket_id(service, case), "Done"))

    assert answer["applied"] is True
    assert service.api.status(case) == "resolved"
    rows = service.api.timeline(case, actor_label="itsm-webhook (jira)")
    three = [row for row in rows if row["at"] == rows[-1]["at"]]
    assert [row["kind"] for row in three] == ["status_changed", "inbound_actor", "inbound_payload"]
    assert three[0]["text"] == "open → resolved"
    assert "Ada Analyst moved SEC-1 to Done" in three[1]["text"]
    assert answer["event_id"] in three[2]["text"]
    assert service.api.ticket(case, "jira")["last_inbound_status"] == "resolved"


@pytest.mark.parametrize(
    ("vendor", "body", "reason"),
    [
        ("jira", lambda i: jira_moved(i, "Awaiting the Oracle"), "unmapped_status"),
        ("jira", lambda _: jira_moved("999999", "Done"), "unlinked_ticket"),
        ("jira", lambda _: b'{"hello": "world"}', "unrecognised_payload"),
        ("jira", lambda i: jira_moved(i, "Done", at=later(-3600)), "stale"),
        ("jira", lambda i: jira_moved(i, "To Do"), "last_known_status"),
        ("jira", lambda i: jira_moved(i, "Done", changelog={"items": []}), "no_status_change"),
        (
            "jira",
            lambda i: jira_moved(i, "Done", user={"accountId": "bridge-account"}),
            "own_write",
        ),
        ("servicenow", lambda i: servicenow_moved(i, "42"), "unmapped_status"),
        ("servicenow", lambda _: servicenow_moved("f" * 32, "6"), "unlinked_ticket"),
        (
            "servicenow",
            lambda i: servicenow_moved(i, "6", sys_updated_on="2020-01-01 00:00:00"),
            "stale",
        ),
        (
            "servicenow",
            lambda i: servicenow_moved(i, "6", sys_updated_by="casebridge"),
            "own_write",
        ),
    ],
)
def test_what_changes_nothing_is_answered_with_its_reason(
    service: Service, mailbox: Mailbox, case: str, vendor: str, body: Any, reason: str
) -> None:
    answer = mailbox.deliver(body(ticket_id(service, case, vendor)))

    assert (answer["applied"], answer["reason"]) == (False, reason)
    assert service.api.status(case) == "open"
    service.api.linked(case)


def test_one_token_serves_every_vendor_and_the_body_tells_them_apart(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    moved = mailbox.deliver(jira_moved(ticket_id(service, case), "In Progress"))
    service.api.linked(case)
    resolved = mailbox.deliver(servicenow_moved(ticket_id(service, case, "servicenow"), "6"))

    assert (moved["applied"], resolved["applied"]) == (True, True)
    labels = [r["actor_label"] for r in service.api.timeline(case) if r["kind"] == "status_changed"]
    assert labels == ["itsm-webhook (jira)", "itsm-webhook (servicenow)"]
    assert service.api.status(case) == "resolved"


def test_a_webhook_is_believed_without_a_call_to_its_vendor(
    service: Service, mailbox: Mailbox, case: str, jira: Vendor
) -> None:
    """A vendor may send it before its own commit, and hold it open until the answer."""
    ticket = ticket_id(service, case)
    before = jira.control.requests()

    answer = mailbox.deliver(jira_moved(ticket, "Done"))

    assert answer["applied"] is True
    service.api.linked(case)
    assert jira.control.requests() == before


def test_a_repeated_delivery_is_applied_once(service: Service, mailbox: Mailbox, case: str) -> None:
    body = jira_moved(ticket_id(service, case), "Done")
    assert mailbox.deliver(body)["applied"] is True
    service.api.move(case, "open")

    again = mailbox.deliver(body)

    assert (again["applied"], again["reason"]) == (False, "duplicate_delivery")
    assert service.api.status(case) == "open"


def test_a_repeated_delivery_is_known_by_its_id_though_its_body_differs(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    bodies = [jira_moved(ticket_id(service, case), s) for s in ("Done", "In Progress")]

    answers = []
    for body in bodies:
        headers = {
            "X-Hub-Signature": sign(mailbox.secret, body),
            "X-Atlassian-Webhook-Identifier": "one-and-the-same",
        }
        answers.append(mailbox.post(body, headers).json())

    assert [answer["applied"] for answer in answers] == [True, False]
    assert answers[1]["reason"] == "duplicate_delivery"


def test_the_same_delivery_several_times_at_once_is_applied_once(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    body = jira_moved(ticket_id(service, case), "Done")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(mailbox.deliver, [body] * 8))

    assert sorted(answer["applied"] for answer in answers) == [False] * 7 + [True]
    assert {a["reason"] for a in answers if not a["applied"]} == {"duplicate_delivery"}
    kinds = [row["kind"] for row in service.api.timeline(case)]
    assert kinds.count("status_changed") == 1


@contextmanager
def broken_database(service: Service, trigger: str) -> Iterator[None]:
    """Let the database refuse certain writes for a while."""
    path = service.data_dir / "casebridge.db"

    def run(statement: str) -> None:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute(statement)
            connection.commit()

    run(f"CREATE TRIGGER broken {trigger} BEGIN SELECT RAISE(ABORT, 'disk of rust'); END")
    try:
        yield
    finally:
        run("DROP TRIGGER broken")


@pytest.mark.parametrize(
    "trigger",
    [
        pytest.param("BEFORE INSERT ON inbound_events", id="the event"),
        pytest.param("BEFORE UPDATE OF status ON cases", id="the case"),
        pytest.param(
            "BEFORE INSERT ON timeline WHEN NEW.kind = 'inbound_payload'", id="the last row"
        ),
        pytest.param(
            "BEFORE UPDATE OF last_inbound_status ON case_external_refs", id="the reference"
        ),
    ],
)
def test_a_failure_in_the_middle_leaves_nothing_and_the_next_attempt_succeeds(
    service: Service, mailbox: Mailbox, case: str, trigger: str
) -> None:
    body = jira_moved(ticket_id(service, case), "Done")
    before = service.api.case(case), service.api.timeline(case)

    with broken_database(service, trigger):
        broken = mailbox.post(body)

    assert broken.status_code == 503
    assert broken.headers["retry-after"]
    assert "rust" not in broken.text
    assert (service.api.case(case), service.api.timeline(case)) == before
    assert mailbox.stored() == []
    assert mailbox.deliver(body)["applied"] is True
    assert service.api.status(case) == "resolved"


def test_an_unmapped_status_is_taken_over_once_it_is_mapped_and_sent_again(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    body = jira_moved(ticket_id(service, case), "Awaiting the Oracle")
    assert mailbox.deliver(body)["reason"] == "unmapped_status"
    connector = service.api.ticket(case, "jira")["connector_id"]

    statuses = {"statuses": {"inbound": {"Awaiting the Oracle": "contained"}}}
    service.api.patch(f"/v1/connectors/{connector}", statuses)

    assert mailbox.deliver(body)["applied"] is True
    assert service.api.status(case) == "contained"


def test_the_stored_event_holds_the_body_and_no_secret(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    body = jira_moved(ticket_id(service, case), "Done")
    signature = sign(mailbox.secret, body)

    mailbox.post(body, {"X-Hub-Signature": signature, "Authorization": "Basic c2VjcmV0"})

    ((stored, headers),) = mailbox.stored()
    assert stored == body
    assert signature not in headers
    assert "c2VjcmV0" not in headers
    assert "user-agent" in json.loads(headers)
