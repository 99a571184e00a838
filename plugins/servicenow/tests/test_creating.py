"""What a new ticket holds, and what is said of what ServiceNow did not store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    Severity,
    StatusChange,
    TransitionRejected,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]


async def test_extra_fields_are_filled_from_the_projection(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    sandbox.control.change_scenario(extra_columns=["u_case", "u_origin"])
    extra = {"u_case": "{severity}  {case_id}:\r\n{deep_link}", "u_origin": "bridge"}
    evil = msgspec.structs.replace(projection, title="{deep_link} ^ORactive=true")

    created = await hooks.push_case(connect(extra_fields=extra), evil)

    stored = sandbox.control.ticket(created.ticket.ref.key).fields
    assert stored["u_case"] == "high  case-7:\r\nhttps://soc.example.com/cases/case-7"
    assert stored["u_origin"] == "bridge"
    assert stored["short_description"] == "{deep_link} ^ORactive=true"
    assert created.notes == ()


@pytest.mark.parametrize("severity", Severity)
async def test_every_priority_can_be_reached(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    severity: Severity,
) -> None:
    case = msgspec.structs.replace(projection, severity=severity)

    created = await hooks.push_case(vendor, case)

    stored = sandbox.control.ticket(created.ticket.ref.key).fields
    impact, urgency = int(str(stored["impact"])), int(str(stored["urgency"]))
    assert impact + urgency - 1 == list(Severity).index(severity) + 1


@pytest.mark.parametrize(
    ("dropped", "notes"),
    [
        (["correlation_id"], ["correlation_id was not stored"]),
        (["correlation_display"], ["correlation_display was not stored"]),
        (["category", "description"], ["came back empty: category, description"]),
        (["impact"], ["came back with another value: impact"]),
        (["u_none"], []),
    ],
)
async def test_what_was_dropped_without_a_word_is_told(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
    dropped: list[str],
    notes: list[str],
) -> None:
    sandbox.control.change_scenario(dropped_columns=dropped)

    created = await hooks.push_case(connect(category="security"), projection)

    assert len(created.notes) == len(notes)
    for told, wanted in zip(created.notes, notes, strict=True):
        assert told.startswith(wanted)


async def test_a_key_that_was_cut_is_told_and_not_found(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    vendor = connect()
    created = await hooks.push_case(vendor, projection)
    sandbox.control.edit(created.ticket.ref.key, {"correlation_id": "cb-case"})

    assert await hooks.find_ticket(vendor, projection.correlation_key) == ()
    fetched = await hooks.fetch_ticket(vendor, created.ticket.ref)
    assert fetched.correlation_key == "cb-case"


async def test_holding_for_the_caller_needs_a_comment_that_somebody_asked_for(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    hold = StatusChange(status=CaseStatus.CONTAINED, native="3")
    silent: dict[str, Any] = {"hold_reason": "1"}
    ref = (await hooks.push_case(connect(), projection)).ticket.ref

    with pytest.raises(TransitionRejected) as rejected:
        await hooks.push_status_change(connect(**silent), ref, hold)
    assert rejected.value.missing_fields == ("comments",)
    assert sandbox.control.ticket(ref.key).comments == ()

    asking = connect(**silent, hold_comment="Please call the security desk.")
    ticket = await hooks.push_status_change(asking, ref, hold)

    assert ticket.status.name == "On Hold"
    (told,) = sandbox.control.ticket(ref.key).comments
    assert (told.text, told.internal) == ("Please call the security desk.", False)
