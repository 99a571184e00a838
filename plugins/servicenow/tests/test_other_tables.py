"""Security incidents and tables of one's own, over real HTTP, with walks up their ladders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    OutcomeUnknown,
    ProjectedComment,
    StatusChange,
    TransitionRejected,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]
Connect = Callable[..., ServiceNow]

OWN_TABLE: dict[str, Any] = {
    "table": "u_security_task",
    "state_model": "task",
    "field_names": {"short_description": "u_title"},
    "caller_id": None,
}


def change(hooks: VendorHooks, vendor: ServiceNow, status: CaseStatus) -> StatusChange:
    native = hooks.native_status(vendor, status)
    assert native is not None
    return StatusChange(status=status, native=native)


def states(sandbox: Sandbox, key: str) -> list[str]:
    """Return the states that a ticket went through, by label."""
    ticket = sandbox.sandbox.desk.find(key)
    assert ticket is not None
    changes = (each for entry in ticket.history for each in entry.changes)
    return [each.after_text or "" for each in changes if each.field == "status"]


@pytest.fixture
def security(sandbox: Sandbox, connect: Connect) -> ServiceNow:
    """Return a connector to security incidents under NIST Open."""
    connector = connect(table="sn_si_incident", caller_id=None)
    sandbox.control.use_preset("security-incidents")
    return connector


@pytest.fixture
def stateful(sandbox: Sandbox, connect: Connect) -> ServiceNow:
    """Return a connector to security incidents under NIST Stateful."""
    connector = connect(table="sn_si_incident", caller_id=None)
    sandbox.control.use_preset("stateful-security-incidents")
    return connector


@pytest.fixture
def guarded(sandbox: Sandbox, connect: Connect) -> ServiceNow:
    """Return a connector to incidents whose states are guarded."""
    connector = connect()
    sandbox.control.use_preset("strict")
    return connector


async def test_a_security_incident_goes_up_the_ladder_and_back(
    sandbox: Sandbox, hooks: VendorHooks, security: ServiceNow, projection: CaseProjection
) -> None:
    created = await hooks.push_case(security, projection)
    ref = created.ticket.ref

    assert created.notes == ()
    assert ref.key.startswith("SIR")
    assert created.ticket.status.name == "Draft"
    for status in (*CaseStatus, *reversed(CaseStatus)):
        ticket = await hooks.push_status_change(security, ref, change(hooks, security, status))
        assert ticket.status.matches(change(hooks, security, status).native)
        assert hooks.meanings_of(security, ticket.status)[0] is status
    assert states(sandbox, ref.key)[:4] == ["Analysis", "Contain", "Review", "Closed"]


async def test_the_stateful_process_is_walked_step_by_step_and_never_back(
    sandbox: Sandbox, hooks: VendorHooks, stateful: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(stateful, projection)).ticket.ref

    contained = await hooks.push_status_change(
        stateful, ref, change(hooks, stateful, CaseStatus.CONTAINED)
    )
    closed = await hooks.push_status_change(
        stateful, ref, change(hooks, stateful, CaseStatus.CLOSED)
    )

    assert (contained.status.name, closed.status.name) == ("Contain", "Closed")
    walked = ["Analysis", "Contain", "Eradicate", "Recover", "Review", "Closed"]
    assert states(sandbox, ref.key) == walked
    with pytest.raises(TransitionRejected, match="from Closed to Analysis"):
        await hooks.push_status_change(stateful, ref, change(hooks, stateful, CaseStatus.TRIAGE))
    assert states(sandbox, ref.key) == walked


@pytest.mark.parametrize("kind", ["cut_after", "cut_before", "stored_error"])
async def test_a_walk_that_is_cut_goes_on_from_where_it_stands(
    sandbox: Sandbox,
    hooks: VendorHooks,
    stateful: ServiceNow,
    projection: CaseProjection,
    kind: Any,
) -> None:
    ref = (await hooks.push_case(stateful, projection)).ticket.ref
    wanted = change(hooks, stateful, CaseStatus.RESOLVED)
    # The straight way is refused; Analysis is written; the step to Contain is struck.
    sandbox.control.arm(kind, "transition", skip=2)

    with pytest.raises(OutcomeUnknown):
        await hooks.push_status_change(stateful, ref, wanted)
    ticket = await hooks.push_status_change(stateful, ref, wanted)

    assert ticket.status.name == "Review"
    walked = ["Analysis", "Contain", "Eradicate", "Recover", "Review"]
    assert states(sandbox, ref.key) == walked


async def test_a_walk_that_is_refused_half_way_says_where_the_ticket_stands(
    sandbox: Sandbox, hooks: VendorHooks, stateful: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(stateful, projection)).ticket.ref
    workflow: Any = sandbox.control.scenario()["tables"]
    edges = workflow[0]["workflow"]["transitions"]
    workflow[0]["workflow"]["transitions"] = [edge for edge in edges if edge["to"] != "19"]
    sandbox.control.change_scenario(tables=workflow)

    with pytest.raises(TransitionRejected, match="it stands at Contain") as rejected:
        await hooks.push_status_change(stateful, ref, change(hooks, stateful, CaseStatus.CLOSED))

    assert "from Draft to Closed" in str(rejected.value)
    assert (await hooks.fetch_ticket(stateful, ref)).status.name == "Contain"


async def test_an_incident_is_closed_by_way_of_resolved(
    sandbox: Sandbox, hooks: VendorHooks, guarded: ServiceNow, projection: CaseProjection
) -> None:
    sandbox.control.change_scenario(user_is_admin=True)
    ref = (await hooks.push_case(guarded, projection)).ticket.ref
    closing = StatusChange(status=CaseStatus.CLOSED, native="7")

    ticket = await hooks.push_status_change(guarded, ref, closing)

    assert ticket.status.name == "Closed"
    assert states(sandbox, ref.key) == ["In Progress", "Resolved", "Closed"]


async def test_a_held_incident_is_resolved_by_way_of_in_progress(
    sandbox: Sandbox, hooks: VendorHooks, guarded: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(guarded, projection)).ticket.ref
    sandbox.control.move(ref.key, "On Hold", by="Ben Responder")

    ticket = await hooks.push_status_change(
        guarded, ref, change(hooks, guarded, CaseStatus.RESOLVED)
    )

    assert ticket.status.name == "Resolved"
    assert states(sandbox, ref.key) == ["On Hold", "In Progress", "Resolved"]


async def test_a_table_of_ones_own_with_names_of_its_own(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Connect,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    vendor = connect(**OWN_TABLE)
    sandbox.control.use_preset("own-table")
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere", secret="s", token_id="t1")

    created = await hooks.push_case(vendor, projection)
    ref = created.ticket.ref
    found = await hooks.find_ticket(vendor, projection.correlation_key)
    resolved = await hooks.push_status_change(
        vendor, ref, change(hooks, vendor, CaseStatus.RESOLVED)
    )
    posted = await hooks.push_comment(vendor, ref, comment)
    since = datetime.now(UTC) - timedelta(minutes=5)
    (listed,) = (await hooks.list_changes(vendor, since)).events

    assert created.notes == ()
    stored = sandbox.control.ticket(ref.key).fields
    assert stored["short_description"] == "Credential theft on web-01"
    assert [ticket.ref for ticket in found] == [ref]
    assert resolved.status.name == "Closed Complete"
    assert await hooks.find_comment(vendor, ref, comment.key) == (posted,)
    assert listed.status is not None
    assert CaseStatus.RESOLVED in hooks.meanings_of(vendor, listed.status)
    assert listed.comments[0].key == comment.key


async def test_a_setting_that_the_table_lacks_is_noted(
    sandbox: Sandbox, hooks: VendorHooks, connect: Connect, projection: CaseProjection
) -> None:
    settings = OWN_TABLE | {"field_names": {}, "category": "security"}
    vendor = connect(**settings)
    sandbox.control.use_preset("own-table")

    created = await hooks.push_case(vendor, projection)

    assert created.notes == ("came back empty: category, short_description",)
