"""Tickets and comments over real HTTP, against the stand-in Jira: Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    CaseStatus,
    Connector,
    DestinationNotFound,
    ProjectedComment,
    StatusChange,
    VendorHooks,
)
from casebridge_jira import JiraConfig
from casebridge_sandbox import JiraSandbox, RunningSandbox

pytestmark = pytest.mark.anyio

Jira = RunningSandbox[JiraSandbox]
Rewire = Callable[..., Connector[JiraConfig]]


async def test_a_case_becomes_one_ticket_that_is_found_again(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    pushed = await hooks.push_case(connector, projection)
    assert pushed.created
    assert pushed.notes == ()
    ticket = pushed.ticket
    assert ticket.ref.key == "SEC-1"
    assert ticket.ref.external_id.isdecimal()
    assert ticket.ref.url == f"{jira.url}/browse/SEC-1"
    assert ticket.status.name == "To Do"
    assert ticket.correlation_key == projection.correlation_key
    found = await hooks.find_ticket(connector, projection.correlation_key)
    assert [each.ref for each in found] == [ticket.ref]
    assert await hooks.find_ticket(connector, "casebridge.t1.CASE-7.c2") == ()
    assert await hooks.fetch_ticket(connector, ticket.ref) == ticket


async def test_the_ticket_holds_the_projection(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    await hooks.push_case(connector, projection)
    seen = jira.control.ticket("SEC-1")
    assert seen.summary == projection.title
    assert "10.0.0.7" in seen.description
    assert "web-01" in seen.description
    assert projection.correlation_key in seen.description
    assert seen.fields["labels"] == [projection.correlation_key]
    assert [(link.global_id, link.url) for link in seen.links] == [
        (projection.correlation_key, projection.deep_link)
    ]
    assert seen.comments == ()


@pytest.mark.parametrize("public", [False, True])
async def test_comments_are_internal_on_service_projects(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    rewire: Rewire,
    comment: ProjectedComment,
    *,
    public: bool,
) -> None:
    jira.control.change_scenario(service_desk=True)
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    chosen = rewire(connector, comments_public=public)
    await hooks.push_comment(chosen, ref, comment)
    assert [each.internal for each in jira.control.ticket("SEC-1").comments] == [not public]


async def test_a_lagging_index_hides_the_ticket_for_a_while(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.change_scenario(search_lag_searches=2)
    await hooks.push_case(connector, projection)
    seen = [await hooks.find_ticket(connector, projection.correlation_key) for _ in range(4)]
    assert seen[0] == ()
    assert len(seen[-1]) == 1


async def test_a_failed_link_is_a_note(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.arm("status", operation="link", status=403)
    pushed = await hooks.push_case(connector, projection)
    assert pushed.ticket.ref.key == "SEC-1"
    assert len(pushed.notes) == 1
    assert "link back" in pushed.notes[0]


async def test_a_created_ticket_survives_a_failed_read(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.arm("status", operation="fetch", status=503)
    pushed = await hooks.push_case(connector, projection)
    assert pushed.ticket.ref.key == "SEC-1"
    assert "not read back" in pushed.notes[0]


async def test_a_priority_off_the_screen_is_left_out(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    rewire: Rewire,
) -> None:
    chosen = rewire(connector, priorities={projection.severity: "High"})
    pushed = await hooks.push_case(chosen, projection)
    assert pushed.notes == ()
    assert jira.control.ticket("SEC-1").fields["priority"] == "High"
    jira.control.change_scenario(create_screen=["description", "labels"])
    pushed = await hooks.push_case(chosen, projection)
    assert pushed.ticket.ref.key == "SEC-2"
    assert "priority left out" in pushed.notes[0]


async def test_a_wrong_project_or_type_is_named(
    hooks: VendorHooks, connector: Connector[JiraConfig], projection: CaseProjection, rewire: Rewire
) -> None:
    for change in ({"project": "NOPE"}, {"issue_type": "Nope"}):
        chosen = rewire(connector, **change)
        with pytest.raises(DestinationNotFound, match=next(iter(change.values()))) as failed:
            await hooks.push_case(chosen, projection)
        assert failed.value.pauses_connector


async def test_a_refused_credential_is_noticed_everywhere(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.change_scenario(api_token="another")
    change = StatusChange(status=CaseStatus.TRIAGE, native="In Progress")
    for call in (
        hooks.push_case(connector, projection),
        hooks.find_ticket(connector, projection.correlation_key),
        hooks.fetch_ticket(connector, ref),
        hooks.push_status_change(connector, ref, change),
        hooks.push_comment(connector, ref, comment),
        hooks.list_changes(connector, datetime.now(UTC)),
        hooks.identify_account(connector),
    ):
        with pytest.raises(AuthenticationFailed):
            await call


async def test_a_context_path_is_kept(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    rewire: Rewire,
) -> None:
    jira.control.change_scenario(context_path="/jira")
    below = rewire(connector, base_url=f"{jira.url}/jira")
    ticket = (await hooks.push_case(below, projection)).ticket
    assert ticket.ref.url == f"{jira.url}/jira/browse/SEC-1"
    assert await hooks.fetch_ticket(below, ticket.ref) == ticket


async def test_a_ticket_that_moved_to_another_project_keeps_its_id(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.move_project("SEC-1", "OPS")
    (found,) = await hooks.find_ticket(connector, projection.correlation_key)
    moved = await hooks.fetch_ticket(connector, ref)
    assert found == moved
    assert (moved.ref.external_id, moved.ref.key) == (ref.external_id, "OPS-1")
    change = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    assert (await hooks.push_status_change(connector, ref, change)).status.name == "Done"
