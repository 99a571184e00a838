"""Status changes over real HTTP, through open and strict workflows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    OutcomeUnknown,
    StatusChange,
    TransitionRejected,
    VendorHooks,
)
from casebridge_jira import JiraConfig
from casebridge_sandbox import JiraSandbox, RunningSandbox

pytestmark = pytest.mark.anyio

Jira = RunningSandbox[JiraSandbox]
Rewire = Callable[..., Connector[JiraConfig]]


async def test_the_status_goes_there_and_back(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    for status in (CaseStatus.TRIAGE, CaseStatus.RESOLVED, CaseStatus.OPEN):
        native = hooks.native_status(connector, status) or ""
        change = StatusChange(status=status, native=native)
        ticket = await hooks.push_status_change(connector, ref, change)
        assert ticket.status.matches(native)
        assert jira.control.ticket("SEC-1").status == native
        moves = len(jira.control.requests("transition"))
        assert await hooks.push_status_change(connector, ref, change) == ticket
        assert len(jira.control.requests("transition")) == moves


async def test_a_path_is_walked_and_the_resolution_filled(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    strict_workflow: Callable[[], None],
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict_workflow()
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    ticket = await hooks.push_status_change(connector, ref, done)
    assert ticket.status.name == "Done"
    assert visited(jira) == ["In Progress", "In Review", "Done"]
    assert jira.control.ticket("SEC-1").fields["resolution"] == "Done"
    back = StatusChange(status=CaseStatus.OPEN, native="To Do")
    assert (await hooks.push_status_change(connector, ref, back)).status.name == "To Do"
    assert visited(jira)[3:] == ["In Progress", "To Do"]


async def test_a_walk_that_was_cut_goes_on_where_it_stands(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    strict_workflow: Callable[[], None],
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict_workflow()
    jira.control.arm("cut_after", operation="transition", skip=1)
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(OutcomeUnknown):
        await hooks.push_status_change(connector, ref, done)
    ticket = await hooks.push_status_change(connector, ref, done)
    assert ticket.status.name == "Done"
    assert visited(jira) == ["In Progress", "In Review", "Done"]


async def test_a_missing_field_is_named_with_its_values(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    strict_workflow: Callable[[], None],
    rewire: Rewire,
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict_workflow()
    jira.control.change_scenario(resolutions=["Erledigt", "Doppelt"])
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(TransitionRejected, match='"Erledigt", "Doppelt"') as refused:
        await hooks.push_status_change(connector, ref, done)
    assert refused.value.missing_fields == ("resolution",)
    fields = {"done": {"resolution": {"name": "Erledigt"}, "comment": "never sent"}}
    chosen = rewire(connector, transition_fields=fields)
    ticket = await hooks.push_status_change(chosen, ref, done)
    assert ticket.status.name == "Done"


async def test_a_transition_that_did_not_take_is_rejected(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.arm("not_done", operation="transition")
    change = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(TransitionRejected, match='still stands in "To Do"'):
        await hooks.push_status_change(connector, ref, change)


async def test_without_the_permission_no_transition_is_offered(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.change_scenario(denied_permissions=["TRANSITION_ISSUES"])
    change = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(TransitionRejected, match="Transition issues"):
        await hooks.push_status_change(connector, ref, change)


def visited(jira: Jira) -> list[str | None]:
    """Return the names of the statuses that SEC-1 came to, in order."""
    return [
        change.after_text
        for entry in jira.control.ticket("SEC-1").history
        for change in entry.changes
        if change.field == "status"
    ]
