"""The service is killed or stopped in the middle of its work, and takes it up again."""

from __future__ import annotations

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
