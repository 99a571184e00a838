"""Reconciling with several workers: one at a connector at a time, and relieved when it dies."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox import RunningSandbox
from casebridge_sandbox.webhooks import WebhookFaults
from tests.engines.crew import Crew, busiest
from tests.stage import eventually

Vendor = RunningSandbox[Any]


def lose_a_move(crew: Crew, jira: Vendor) -> tuple[str, str]:
    """Connect a Jira whose webhook of a resolved ticket is lost; return connector and case."""
    connector = crew.service.add_jira(jira)
    case = crew.service.api.create_case()
    key = crew.service.api.linked(case)["jira"]["key"]
    jira.control.webhook_faults(WebhookFaults(drop=1.0))
    jira.control.advance_clock(60)  # past the grace that fresh changes have
    jira.control.move(key, "Done")
    return connector, case


def test_a_connector_is_reconciled_by_one_worker_at_a_time(crew: Crew, jira: Vendor) -> None:
    connector, case = lose_a_move(crew, jira)
    api, path = crew.service.api, f"/v1/connectors/{connector}"
    jira.control.arm("delay", "search", seconds=0.2, count=None)

    def listed_three_times() -> bool:
        api.post(f"{path}/reconcile")
        return len(jira.control.requests("search")) >= 3

    eventually(listed_three_times)

    assert busiest(jira, "search") == 1
    assert api.status(case) == "resolved"
    kinds = [row["kind"] for row in api.timeline(case)]
    assert kinds.count("status_changed") == 1


def test_a_worker_that_dies_in_a_run_is_relieved(crew: Crew, jira: Vendor) -> None:
    first, second = crew.two_workers()
    connector, case = lose_a_move(crew, jira)
    api, path = crew.service.api, f"/v1/connectors/{connector}"
    jira.control.arm("delay", "search", seconds=2.0)
    second.freeze()
    api.post(f"{path}/reconcile")
    eventually(lambda: not jira.control.faults())

    first.kill()
    second.thaw()

    eventually(lambda: api.status(case) == "resolved")
    eventually(lambda: api.get(path)["reconcile"]["reconciled_at"])
