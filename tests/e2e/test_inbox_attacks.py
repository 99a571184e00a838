"""Authentic deliveries in the wrong hands: recorded, changed, re-aimed, cut, out of order."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casebridge_core.signatures import sign
from casebridge_sandbox import RunningSandbox
from tests.letters import INBOX, Mailbox, jira_moved
from tests.stage import MovableClock, Service, eventually

Vendor = RunningSandbox[Any]


@pytest.fixture
def case(service: Service, jira: Vendor, clock: MovableClock) -> str:
    """A case whose issue was made some minutes ago; Jira itself sends nothing."""
    service.add_jira(jira)
    jira.control.set_webhooks()
    case = service.api.create_case()
    service.api.linked(case)
    clock.advance(minutes=5)
    return case


@pytest.fixture
def mailbox(service: Service) -> Mailbox:
    return Mailbox.mint(service)


def moved(service: Service, case: str, status: str, *, seconds: float = 60) -> bytes:
    """Return Jira's body for a move of the case's issue, so many seconds after it was made."""
    issue = str(service.api.ticket(case, "jira")["external_id"])
    return jira_moved(issue, status, at=datetime.now(UTC) + timedelta(seconds=seconds))


def test_a_recorded_delivery_resolves_no_case_twice_under_whatever_delivery_id(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    body = moved(service, case, "Done")
    signature = {"X-Hub-Signature": sign(mailbox.secret, body)}
    first = mailbox.post(body, signature | {"X-Atlassian-Webhook-Identifier": "first"})
    assert first.json()["applied"] is True
    service.api.move(case, "open")
    eventually(lambda: service.api.ticket(case, "jira")["last_pushed_status"] == "open")

    for forged in ({}, {"X-Atlassian-Webhook-Identifier": "another"}):
        again = mailbox.post(body, signature | forged).json()
        assert (again["applied"], again["reason"]) == (False, "duplicate_delivery")
    assert service.api.status(case) == "open"


def test_an_older_delivery_that_comes_later_moves_nothing(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    older = moved(service, case, "In Progress", seconds=10)
    newer = moved(service, case, "Done", seconds=20)
    assert mailbox.deliver(newer)["applied"] is True

    late = mailbox.deliver(older)

    assert (late["applied"], late["reason"]) == (False, "stale")
    assert service.api.status(case) == "resolved"


def test_a_delivery_is_good_for_the_token_that_it_was_signed_for_and_no_other(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    other = Mailbox.mint(service)
    body = moved(service, case, "Done")
    signed = {"X-Hub-Signature": sign(mailbox.secret, body)}

    answer = other.post(body, signed)

    assert answer.status_code == 401
    assert service.api.status(case) == "open"


def test_a_tenant_cannot_move_the_case_of_another(
    shared_service: Service, service: Service, case: str
) -> None:
    body = moved(service, case, "Done")
    with shared_service.fresh_tenant() as stranger:
        answer = Mailbox.mint(stranger).deliver(body)

    assert (answer["applied"], answer["reason"]) == (False, "unlinked_ticket")
    assert service.api.status(case) == "open"


@pytest.mark.parametrize("cut", [1, 40])
def test_a_body_that_was_cut_short_on_its_way_is_not_authentic(
    service: Service, mailbox: Mailbox, case: str, cut: int
) -> None:
    body = moved(service, case, "Done")
    signed = {"X-Hub-Signature": sign(mailbox.secret, body)}

    assert mailbox.post(body[:-cut], signed).status_code == 401
    assert mailbox.post(body + b" ", signed).status_code == 401
    assert service.api.status(case) == "open"


def test_a_connection_that_breaks_in_the_middle_of_a_body_leaves_nothing(
    service: Service, mailbox: Mailbox, case: str
) -> None:
    body = moved(service, case, "Done")
    head = (
        f"POST {INBOX}/{mailbox.token_id} HTTP/1.1\r\nHost: x\r\n"
        f"X-Hub-Signature: {sign(mailbox.secret, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = service.url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode() + body[:-1])

    assert mailbox.stored() == []
    assert mailbox.deliver(body)["applied"] is True
    assert [stored for stored, _ in mailbox.stored()] == [body]
