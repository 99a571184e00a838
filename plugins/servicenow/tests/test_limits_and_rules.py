"""Refusals over real HTTP: limits, rules of the instance, and roles, each told as what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    InvalidRequest,
    RateLimited,
    StatusChange,
    TransitionRejected,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]


async def test_an_hours_requests_that_are_used_up_are_waited_for(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.advance_clock(3601)
    sandbox.control.change_scenario(requests_per_hour=2)

    for _ in range(2):
        await hooks.fetch_ticket(vendor, ref)
    with pytest.raises(RateLimited, match="its 2 requests of this hour") as limited:
        await hooks.fetch_ticket(vendor, ref)

    assert limited.value.retry_after is not None
    assert 3590 <= limited.value.retry_after <= 3600
    sandbox.control.advance_clock(limited.value.retry_after + 1)
    assert (await hooks.fetch_ticket(vendor, ref)).ref == ref


@pytest.mark.parametrize(
    ("native", "forced"), [("3", False), ("8", False), ("1", False), ("6", True)]
)
async def test_a_refusal_by_a_rule_is_final_and_blames_no_credential(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
    native: str,
    *,
    forced: bool,
) -> None:
    vendor = connect(close_code="")
    sandbox.control.use_preset("strict")
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.move(ref.key, "In Progress", by="Ben Responder")
    workflow: Any = sandbox.control.scenario()["tables"]
    workflow[0]["workflow"]["transitions"] = []
    sandbox.control.change_scenario(tables=workflow)

    wanted = StatusChange(status=CaseStatus.CONTAINED, native=native, forced=forced)

    with pytest.raises(TransitionRejected) as rejected:
        await hooks.push_status_change(vendor, ref, wanted)

    assert "aborted by Business Rule 'Refuse a change of state^" in str(rejected.value)
    assert not rejected.value.retryable
    assert not rejected.value.uncertain
    assert not rejected.value.pauses_connector
    assert (await hooks.fetch_ticket(vendor, ref)).status.name == "In Progress"


async def test_a_role_that_is_missing_is_told_as_that(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    sandbox.control.change_scenario(roles=[])

    with pytest.raises(InvalidRequest, match="grant it a role") as refused:
        await hooks.push_case(vendor, projection)

    assert "Failed API level ACL Validation" in str(refused.value)
    assert not refused.value.pauses_connector
    assert sandbox.control.tickets() == []
