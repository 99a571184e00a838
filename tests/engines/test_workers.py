"""Workers that are killed, frozen or stopped in the middle of a call to a vendor."""

from __future__ import annotations

from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from tests.engines.crew import LEASE, Crew, Worker
from tests.stage import eventually

Vendor = RunningSandbox[Any]

CASE = {"status": "resolved", "agent_summary": "Likely a web shell."}


@pytest.fixture
def busy(crew: Crew, jira: Vendor) -> tuple[Worker, Worker, str]:
    """A worker that waits for the answer to a create, a frozen one, and the case."""
    busy, frozen = crew.two_workers()
    crew.service.add_jira(jira)
    frozen.freeze()
    jira.control.arm("slow_answer", "create", seconds=2 * LEASE)
    case = crew.service.api.create_case(**CASE)
    eventually(jira.control.tickets)
    return busy, frozen, case


def pushes(crew: Crew, case: str) -> list[Any]:
    """Return what workers wrote to the timeline; webhooks tell of it whenever they arrive."""
    rows = crew.service.api.timeline(case)
    return [row for row in rows if not row["kind"].startswith("inbound")]


def assert_right(crew: Crew, jira: Vendor, case: str, *, within: float = 60.0) -> None:
    """Wait for the ticket, and see that it is there once and says what the case says."""
    eventually(lambda: crew.service.api.ticket(case, "jira")["state"] == "linked", within=within)
    (ticket,) = jira.control.tickets()
    assert ticket.category == "done"
    assert len(ticket.comments) == 1


def test_a_worker_that_was_frozen_cannot_finish_what_another_took_over(
    crew: Crew, jira: Vendor, busy: tuple[Worker, Worker, str]
) -> None:
    frozen, other, case = busy

    frozen.freeze()
    other.thaw()
    assert_right(crew, jira, case)
    told = pushes(crew, case)
    eventually(lambda: jira.control.requests("create"))  # the vendor has answered the frozen one
    other.freeze()
    frozen.thaw()
    another = crew.service.api.create_case("another")
    crew.service.api.linked(another)  # by the one that was frozen: it goes on, with new work

    assert pushes(crew, case) == told
    assert len(jira.control.tickets()) == 2


def test_what_a_killed_worker_had_is_taken_over_after_its_lease(
    crew: Crew, jira: Vendor, busy: tuple[Worker, Worker, str]
) -> None:
    killed, other, case = busy

    killed.kill()
    other.thaw()

    assert_right(crew, jira, case, within=LEASE + 40)


def test_a_worker_that_is_told_to_stop_ends_its_step_and_leaves_the_rest(
    crew: Crew, jira: Vendor, busy: tuple[Worker, Worker, str]
) -> None:
    told, other, case = busy

    code = told.stop()

    assert code == 0
    left = (
        "SELECT external_key FROM case_external_refs r JOIN connectors c ON c.id = r.connector_id"
        " WHERE c.removed_at IS NULL AND r.lease_token IS NULL AND r.due_at IS NOT NULL"
    )
    keys = [key for (key,) in crew.rows(left)]
    assert [ticket.key for ticket in jira.control.tickets()] == keys
    assert jira.control.requests("transition") == []
    other.thaw()
    assert_right(crew, jira, case)
    assert jira.control.requests("search") == []
