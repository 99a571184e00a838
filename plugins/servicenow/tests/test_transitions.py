"""Status changes: what is written, what is left alone, and what a refusal is told as."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from casebridge_core import (
    CaseStatus,
    Connector,
    InvalidRequest,
    StatusChange,
    TicketRef,
    TransitionRejected,
    VendorHooks,
)
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

SYS_ID = "9d385017c611228701d22104cc95c371"

ServiceNow = Connector[ServiceNowConfig]
Rows = Callable[..., dict[str, Any]]
Sent = Callable[[httpx.Request], dict[str, str]]
Errors = Callable[..., dict[str, Any]]


def to(status: CaseStatus, native: str, *, forced: bool = False) -> StatusChange:
    return StatusChange(status=status, native=native, reason="isolated", forced=forced)


RESOLVE = to(CaseStatus.RESOLVED, "6")


async def test_resolving_fills_what_the_data_policy_wants_and_reads_back(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    row: Rows,
    sent: Sent,
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("2")})
    httpx_mock.add_response(method="PATCH", json={"result": row("6")})
    httpx_mock.add_response(method="GET", json={"result": row("6")})

    ticket = await hooks.push_status_change(connector, ref, RESOLVE)

    patch = httpx_mock.get_requests()[1]
    assert sent(patch) == {
        "state": "6",
        "incident_state": "6",
        "close_code": "Solution provided",
        "close_notes": "The security case is resolved. Reference: cb-case-7-c1",
    }
    assert ticket.status.matches("6")


async def test_the_close_code_and_notes_of_a_person_are_kept(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    row: Rows,
    sent: Sent,
) -> None:
    filled = row("2", close_code="Known error", close_notes="Patched by Ann.")
    httpx_mock.add_response(method="GET", json={"result": filled}, is_reusable=True)
    httpx_mock.add_response(method="PATCH", json={"result": row("6")}, is_reusable=True)

    await hooks.push_status_change(connector, ref, RESOLVE)
    await hooks.push_status_change(connector, ref, to(CaseStatus.RESOLVED, "6", forced=True))

    first, second = httpx_mock.get_requests(method="PATCH")
    assert sent(first) == {"state": "6", "incident_state": "6"}
    assert sent(second)["close_code"] == "Solution provided"


async def test_a_ticket_that_is_there_is_left_alone(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef, row: Rows
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("6")})

    ticket = await hooks.push_status_change(connector, ref, RESOLVE)

    assert ticket.status.id == "6"
    assert len(httpx_mock.get_requests()) == 1


async def test_an_incident_that_servicenow_closed_is_past_resolved(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef, row: Rows
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("7")})

    ticket = await hooks.push_status_change(connector, ref, to(CaseStatus.CLOSED, "6"))

    assert ticket.status.id == "7"


async def test_what_the_vendor_kept_is_returned_and_not_what_was_sent(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef, row: Rows
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("1")}, is_reusable=True)
    httpx_mock.add_response(method="PATCH", json={"result": row("2")})

    ticket = await hooks.push_status_change(connector, ref, to(CaseStatus.TRIAGE, "2"))

    assert ticket.status.id == "1"


async def test_a_label_of_the_status_map_is_looked_up_in_the_instance(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
    sent: Sent,
) -> None:
    connector = connector_with(table="sn_si_incident")
    choices = [{"value": "10", "label": "Draft"}, {"value": "18", "label": "Contain"}]
    before = {
        "sys_id": SYS_ID,
        "number": "SIR1",
        "state": {"value": "10", "display_value": "Draft"},
    }
    after = before | {"state": {"value": "18", "display_value": "Contain"}}
    httpx_mock.add_response(method="GET", json={"result": before})
    httpx_mock.add_response(method="GET", json={"result": choices})
    httpx_mock.add_response(method="PATCH", json={"result": after})
    httpx_mock.add_response(method="GET", json={"result": after})

    ticket = await hooks.push_status_change(connector, ref, to(CaseStatus.CONTAINED, "Contain"))

    (patch,) = httpx_mock.get_requests(method="PATCH")
    assert sent(patch) == {"state": "18"}
    assert ticket.status.matches("Contain")


async def test_a_label_that_the_instance_lacks_is_told_with_those_it_has(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef, row: Rows
) -> None:
    httpx_mock.add_response(json={"result": row("2")})
    httpx_mock.add_response(json={"result": [{"value": "2", "label": "In Progress"}]})

    with pytest.raises(TransitionRejected) as rejected:
        await hooks.push_status_change(connector, ref, to(CaseStatus.CONTAINED, "Containing"))

    assert rejected.value.allowed == ("In Progress (2)",)


async def test_hold_reason_goes_with_on_hold(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
    row: Rows,
    sent: Sent,
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("2")}, is_reusable=True)
    httpx_mock.add_response(method="PATCH", json={"result": row("3")})

    await hooks.push_status_change(
        connector_with(hold_reason="4"), ref, to(CaseStatus.CONTAINED, "3")
    )

    (patch,) = httpx_mock.get_requests(method="PATCH")
    assert sent(patch) == {"state": "3", "incident_state": "3", "hold_reason": "4"}


@pytest.mark.parametrize(
    ("detail", "missing"),
    [
        (
            "Data Policy Exception: Following fields are mandatory: Close code, Resolution notes",
            ("close_code", "close_notes"),
        ),
        ("Data Policy Exception: Short description is mandatory", ("short_description",)),
        (
            "Data Policy Exception: Close code is mandatory, Close notes is mandatory",
            ("close_code", "close_notes"),
        ),
        (
            "Data Policy Exception: Resolution code and notes are mandatory",
            ("close_code", "close_notes"),
        ),
        ("Data Policy Exception: Root cause is mandatory", ("root cause",)),
        ("Operation against file 'incident' was aborted by Business Rule 'Guard^abc'", ()),
    ],
)
async def test_a_rule_of_the_instance_rejects_a_transition(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    detail: str,
    missing: tuple[str, ...],
    row: Rows,
    error: Errors,
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("2")})
    httpx_mock.add_response(method="PATCH", status_code=403, json=error("Operation Failed", detail))
    codes = [{"value": "Duplicate", "label": "Duplicate"}]
    httpx_mock.add_response(
        url=re.compile(".*/sys_choice"), json={"result": codes}, is_optional=True
    )

    with pytest.raises(TransitionRejected) as rejected:
        await hooks.push_status_change(connector, ref, RESOLVE)

    assert rejected.value.missing_fields == missing
    assert "take INC0010001 from In Progress to Resolved" in str(rejected.value)
    assert detail in str(rejected.value)
    offered = "close_code is one of: Duplicate." in str(rejected.value)
    assert offered is ("close_code" in missing)
    assert not rejected.value.retryable
    assert not rejected.value.pauses_connector


async def test_a_ticket_nobody_started_is_resolved_by_way_of_in_progress(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    row: Rows,
    sent: Sent,
    error: Errors,
) -> None:
    refusal = error("Operation Failed", "was aborted by Business Rule 'State model^abc'")
    httpx_mock.add_response(method="GET", json={"result": row("1")})
    httpx_mock.add_response(method="PATCH", status_code=403, json=refusal)
    httpx_mock.add_response(method="PATCH", json={"result": row("2")})
    httpx_mock.add_response(method="PATCH", json={"result": row("6")})
    httpx_mock.add_response(method="GET", json={"result": row("6")})

    ticket = await hooks.push_status_change(connector, ref, RESOLVE)

    assert ticket.status.id == "6"
    assert [sent(r)["state"] for r in httpx_mock.get_requests(method="PATCH")] == ["6", "2", "6"]


async def test_a_closed_incident_says_why_it_stays(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    row: Rows,
    error: Errors,
) -> None:
    refusal = error("Operation Failed", "ACL Exception Update Failed due to security constraints")
    httpx_mock.add_response(method="GET", json={"result": row("7")})
    httpx_mock.add_response(method="PATCH", status_code=403, json=refusal)

    with pytest.raises(TransitionRejected, match="INC0010001 is Closed"):
        await hooks.push_status_change(connector, ref, to(CaseStatus.TRIAGE, "2"))


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("Failed API level ACL Validation", "grant it a role"),
        ("ACL Exception Update Failed due to security constraints", "access rule"),
    ],
)
async def test_a_missing_right_is_neither_a_bad_credential_nor_a_rejected_transition(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    detail: str,
    told: str,
    row: Rows,
    error: Errors,
) -> None:
    httpx_mock.add_response(method="GET", json={"result": row("2")})
    httpx_mock.add_response(
        method="PATCH", status_code=403, json=error("User Not Authorized", detail)
    )

    with pytest.raises(InvalidRequest, match=told) as refused:
        await hooks.push_status_change(connector, ref, RESOLVE)

    assert not refused.value.pauses_connector
    assert detail in str(refused.value)
