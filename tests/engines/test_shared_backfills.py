"""A backfill whose tickets several workers mint, one of which is killed."""

from __future__ import annotations

from typing import Any

from casebridge_sandbox import RunningSandbox
from tests.engines.crew import Crew
from tests.stage import eventually

Vendor = RunningSandbox[Any]


def test_workers_share_a_backfill_within_its_ramp_and_survive_each_other(
    crew: Crew, jira: Vendor
) -> None:
    first, _ = crew.two_workers()
    api = crew.service.api
    for earlier in api.get("/v1/cases", limit=200)["items"]:
        api.move(earlier["id"], "closed")  # other scenarios of this crew left it open
    cases = [api.create_case(f"Case {number}") for number in range(10)]
    connector = crew.service.add_jira(jira)
    flag = {"name": "backfill", "enabled": True}
    assert api.http.put("/v1/feature-flags", json=flag).is_success
    jira.control.arm("delay", "create", seconds=0.1, count=None)
    body = {"ramp": {"first": 2, "most": 2}}
    backfill = api.post(f"/v1/connectors/{connector}/backfills", body)["id"]
    seen: list[int] = []

    def minted(at_least: int) -> Any:
        found = api.get(f"/v1/backfills/{backfill}")
        seen.append(found["under_way"])
        return found if found["minted"] >= at_least else None

    eventually(lambda: minted(3))
    first.kill()

    assert eventually(lambda: minted(10))["total"] == 10
    assert max(seen) == 2
    keys = {api.linked(case)["jira"]["key"] for case in cases}
    assert {ticket.key for ticket in jira.control.tickets()} == keys
    assert len(jira.control.tickets()) == len(cases)
