"""The service is killed or stopped in the middle of its work, and takes it up again."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.processes import free_port, service_process
from tests.stage import Service, eventually, running_service

Vendor = RunningSandbox[Any]

CASE = {"status": "resolved", "agent_summary": "Likely a web shell."}


def assert_right(service: Service, case: str, *vendors: Vendor) -> None:
    """Wait for the tickets, and see that each is there once and says what the case says."""
    service.api.linked(case)
    for vendor in vendors:
        (ticket,) = vendor.control.tickets()
        assert ticket.category == "done"
        assert len(ticket.comments) == 1


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        pytest.param("create", "delay", id="before the vendor creates"),
        pytest.param("create", "slow_answer", id="after the vendor created"),
        pytest.param("comment", "slow_answer", id="after the vendor took the comment"),
    ],
)
def test_a_killed_service_leaves_one_ticket_and_loses_nothing(
    tmp_path: Path, jira: Vendor, servicenow: Vendor, operation: str, kind: Any
) -> None:
    port = free_port()
    with service_process(tmp_path / "data", port) as first:
        first.service.add_jira(jira)
        first.service.add_servicenow(servicenow)
        for vendor in (jira, servicenow):
            vendor.control.arm(kind, operation, seconds=1.0)
        case = first.service.api.create_case(**CASE)
        eventually(lambda: not jira.control.faults() and not servicenow.control.faults())

        first.kill()

    with service_process(tmp_path / "data", port) as second:
        assert_right(second.service, case, jira, servicenow)


@pytest.mark.parametrize("kind", ["delay", "slow_answer"])
def test_a_service_killed_in_the_middle_of_a_walk_goes_on_where_the_ticket_is(
    tmp_path: Path, jira: Vendor, servicenow: Vendor, kind: Any
) -> None:
    port = free_port()
    with service_process(tmp_path / "data", port) as first:
        for vendor in (jira, servicenow):
            vendor.control.use_preset("strict")
        servicenow.control.change_scenario(require_caller=False)
        first.service.add_jira(jira)
        first.service.add_servicenow(servicenow)
        case = first.service.api.create_case(agent_summary="Likely a web shell.")
        first.service.api.linked(case)
        for vendor in (jira, servicenow):
            vendor.control.arm(kind, "transition", skip=1, seconds=1.0)
        first.service.api.move(case, "resolved")
        eventually(lambda: not jira.control.faults() and not servicenow.control.faults())

        first.kill()

    with service_process(tmp_path / "data", port) as second:
        assert_right(second.service, case, jira, servicenow)
        assert second.service.api.status(case) == "resolved"


def test_a_create_whose_answer_was_never_sent_is_answered_after_a_restart(tmp_path: Path) -> None:
    port = free_port()
    request: dict[str, Any] = {
        "headers": {"Idempotency-Key": "alert-4711"},
        "json": {"title": "Web shell"},
    }
    with (
        service_process(tmp_path / "data", port) as first,
        socket.create_connection(("127.0.0.1", port)) as wire,
    ):
        built = first.service.api.http.build_request("POST", "/v1/cases", **request)
        lines = [f"{name}: {value}" for name, value in built.headers.items()]
        head = "\r\n".join(["POST /v1/cases HTTP/1.1", *lines, "", ""])
        wire.sendall(head.encode() + built.content)
        eventually(lambda: first.service.rows("SELECT 1 FROM cases"))
        first.kill()  # nobody has read a byte of the answer

    with service_process(tmp_path / "data", port) as second:
        answer = second.service.api.http.post("/v1/cases", **request)
        cases = second.service.rows("SELECT public_id FROM cases")

    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (201, "true")
    assert cases == [(answer.json()["id"],)]


def test_a_service_killed_between_two_comments_posts_each_once(
    tmp_path: Path, jira: Vendor, servicenow: Vendor
) -> None:
    action = {"action": "Isolate host", "target": "web-01", "outcome": "isolated"}
    port = free_port()
    with service_process(tmp_path / "data", port) as first:
        first.service.add_jira(jira)
        first.service.add_servicenow(servicenow)
        for vendor in (jira, servicenow):
            # what the first one asked for comes before its lease is over
            vendor.control.arm("delay", "comment", skip=1, seconds=0.4)
        case = first.service.api.create_case(**CASE)
        first.service.api.post(f"/v1/cases/{case}/containment-actions", action)
        eventually(lambda: not jira.control.faults() and not servicenow.control.faults())

        first.kill()

    with service_process(tmp_path / "data", port) as second:
        second.service.api.linked(case)
        for vendor in (jira, servicenow):
            (ticket,) = vendor.control.tickets()
            texts = sorted(comment.text for comment in ticket.comments)
            assert [text.partition("\n")[0] for text in texts] == [
                "Agent summary",
                "Containment: Isolate host on web-01",
            ]


def test_a_service_that_is_asked_to_stop_finishes_what_it_has_begun(
    tmp_path: Path, jira: Vendor
) -> None:
    port = free_port()
    with service_process(tmp_path / "data", port) as first:
        first.service.add_jira(jira)
        jira.control.arm("slow_answer", "create", seconds=1.0)
        case = first.service.api.create_case(**CASE)
        eventually(jira.control.tickets)

        first.stop()

        busy = "SELECT external_key FROM case_external_refs WHERE lease_token IS NULL"
        assert first.service.rows(busy) == [("SEC-1",)]
    with service_process(tmp_path / "data", port) as second:
        assert_right(second.service, case, jira)
    assert jira.control.requests("search") == []


def test_a_restart_takes_up_what_was_pending(
    tmp_path: Path, jira: Vendor, servicenow: Vendor
) -> None:
    with running_service(tmp_path / "data", workers=0) as idle:
        idle.add_jira(jira)
        idle.add_servicenow(servicenow)
        case = idle.api.create_case(**CASE)
        assert {t["state"] for t in idle.api.case(case)["tickets"]} == {"pending"}

    with running_service(tmp_path / "data") as second:
        assert_right(second, case, jira, servicenow)


def test_a_restart_takes_up_what_was_failing(tmp_path: Path, jira: Vendor) -> None:
    with running_service(tmp_path / "data") as first:
        first.add_jira(jira)
        jira.control.arm("rate_limited", "create", retry_after=1)
        case = first.api.create_case(**CASE)
        first.api.ticket_in(case, "jira", "failing")

    with running_service(tmp_path / "data") as second:
        assert_right(second, case, jira)
