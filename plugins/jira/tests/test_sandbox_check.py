"""Accounts, changes and connection checks over real HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from casebridge_core import (
    CaseStatus,
    CheckLine,
    ConnectionReport,
    Connector,
    Secret,
    Severity,
    StatusOverrides,
    TicketEvent,
    VendorHooks,
)
from casebridge_jira import Deployment, JiraConfig
from casebridge_sandbox import JiraSandbox, RunningSandbox

pytestmark = pytest.mark.anyio

Jira = RunningSandbox[JiraSandbox]
Rewire = Callable[..., Connector[JiraConfig]]


async def test_changes_are_listed_page_by_page(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("casebridge_jira.changes.PAGE", 2)
    keys = [jira.control.create_ticket(f"Number {n}").key for n in range(5)]
    jira.control.move(keys[0], "Done", by="Ben Responder")
    seen: list[TicketEvent] = []
    since, page = datetime.now(UTC) - timedelta(minutes=5), None
    while True:
        changes = await hooks.list_changes(connector, since, page)
        seen += changes.events
        page = changes.next_page
        if page is None:
            break
    assert {event.key for event in seen} == set(keys)
    moved = next(event for event in seen if event.key == keys[0])
    assert moved.status is not None
    assert moved.status.name == "Done"
    assert moved.site == jira.url.removeprefix("http://")
    assert moved.occurred_at is not None


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/Los_Angeles", "Pacific/Auckland"])
async def test_a_moment_is_the_same_moment_in_every_account_s_time_zone(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, zone: str
) -> None:
    jira.control.change_scenario(time_zone=zone)
    jira.control.create_ticket("Phishing mail")
    now = datetime.now(UTC)
    for since, found in ((now - timedelta(minutes=2), 1), (now + timedelta(minutes=2), 0)):
        changes = await hooks.list_changes(connector, since, None)
        assert len(changes.events) == found


async def test_comments_that_a_search_leaves_out_are_read_as_well(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(search_comments=2)
    for number, count in ((1, 2), (2, 5)):
        key = jira.control.create_ticket(f"Number {number}").key
        for each in range(count):
            jira.control.comment(key, f"Note {each}", by="Ben Responder")
    changes = await hooks.list_changes(connector, datetime.now(UTC) - timedelta(minutes=2), None)
    assert sorted(len(event.comments) for event in changes.events) == [2, 5]
    assert len(jira.control.requests("list_comments")) == 1


async def test_the_account_is_the_one_that_webhooks_name(
    hooks: VendorHooks, connector: Connector[JiraConfig], deployment: str
) -> None:
    account = await hooks.identify_account(connector)
    assert account.id == ("bridge-account" if deployment == "cloud" else "bridge")


async def test_a_sound_connection_has_no_failing_line(
    hooks: VendorHooks, connector: Connector[JiraConfig]
) -> None:
    report = await hooks.check_connection(connector)
    assert [line for line in report.lines if line.ok is False] == []
    assert {"To Do", "In Progress", "Done"} <= {status.name for status in report.statuses}
    assert report.account is not None


async def test_each_failing_line_has_its_cure(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(
        denied_permissions=["ADD_COMMENTS"],
        create_screen=["description", "duedate"],
        required_fields=["duedate"],
    )
    report = await hooks.check_connection(connector)
    failing = {line.name: line.cure for line in report.lines if line.ok is False}
    assert set(failing) == {"may comment", "labels", "required field Duedate"}
    assert all(failing.values())


async def test_a_wrong_deployment_is_told_before_anything_else(
    hooks: VendorHooks, connector: Connector[JiraConfig], deployment: str, rewire: Rewire
) -> None:
    other = "data_center" if deployment == "cloud" else "cloud"
    report = await hooks.check_connection(rewire(connector, deployment=Deployment(other)))
    assert [line.name for line in report.lines if line.ok is False] == ["deployment"]
    assert not report.ok


async def test_a_refused_credential_is_a_line_with_its_cure(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(api_token="another")
    report = await hooks.check_connection(connector)
    (failing,) = [line for line in report.lines if line.ok is False]
    assert failing.name == "account"
    assert failing.cure


async def test_a_status_that_the_workflow_lacks_is_to_be_mapped(
    hooks: VendorHooks, connector: Connector[JiraConfig]
) -> None:
    own = StatusOverrides(outbound={CaseStatus.CLOSED: "Archived", CaseStatus.OPEN: "10000"})
    report = await hooks.check_connection(dataclasses.replace(connector, statuses=own))
    (failing,) = [line for line in report.lines if line.ok is False]
    assert failing.name == "status Archived"
    assert "Done (10002)" in failing.cure


async def test_an_unreachable_jira_is_one_line(
    hooks: VendorHooks, connector: Connector[JiraConfig], rewire: Rewire
) -> None:
    report = await hooks.check_connection(rewire(connector, base_url="http://127.0.0.1:9"))
    assert [(line.name, line.ok) for line in report.lines] == [("reachable", False)]


def failing(report: ConnectionReport) -> dict[str, str]:
    return {line.name: line.cure for line in report.lines if line.ok is False}


def line_of(report: ConnectionReport, name: str) -> CheckLine:
    return next(line for line in report.lines if line.name == name)


async def test_clocks_that_differ_are_told_with_their_side(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(clock_ahead_seconds=600)
    report = await hooks.check_connection(connector)
    assert set(failing(report)) == {"clock"}
    assert "ahead of ours" in line_of(report, "clock").detail


async def test_an_address_that_jira_does_not_go_by_is_told(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, rewire: Rewire
) -> None:
    other = jira.url.replace("127.0.0.1", "localhost")
    report = await hooks.check_connection(rewire(connector, base_url=other))
    assert jira.url in line_of(report, "address").detail
    assert report.ok


async def test_the_webhook_is_looked_at_where_an_administrator_may(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    assert line_of(await hooks.check_connection(connector), "webhook").ok is None
    inbox = "http://127.0.0.1:9/v1/inbox/itsm/tok_1"
    jira.control.send_webhooks_to(inbox, secret="s3cret")
    assert line_of(await hooks.check_connection(connector), "webhook").ok is True
    jira.control.send_webhooks_to(inbox)
    assert "secret" in failing(await hooks.check_connection(connector))["webhook"]
    jira.control.send_webhooks_to(f"{inbox}/the-secret")
    report = await hooks.check_connection(connector)
    assert line_of(report, "webhook").ok is True
    assert "the-secret" not in str(report)
    jira.control.change_scenario(denied_permissions=["ADMINISTER"])
    line = line_of(await hooks.check_connection(connector), "webhook")
    assert line.ok is None
    assert "cannot be told" in line.detail


@pytest.mark.parametrize("deployment", ["data_center"])
async def test_a_jira_that_cannot_sign_is_told_and_its_webhooks_are_found(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(version="9.12.1")
    jira.control.send_webhooks_to("http://127.0.0.1:9/v1/inbox/itsm/tok_1/the-secret")
    report = await hooks.check_connection(connector)
    assert report.ok
    assert "static_url" in line_of(report, "signature").cure
    assert line_of(report, "webhook").ok is True


@pytest.mark.parametrize("deployment", ["cloud"])
async def test_a_cloud_id_of_no_site_is_told(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, rewire: Rewire
) -> None:
    token = Secret("jira-sandbox-token")
    chosen = rewire(
        connector, api_token=None, personal_token=token, cloud_id="another", gateway_url=jira.url
    )
    report = await hooks.check_connection(chosen)
    assert set(failing(report)) == {"reachable"}
    assert "cloud id" in failing(report)["reachable"]


async def test_what_the_project_offers_is_told_for_the_maps(
    hooks: VendorHooks, connector: Connector[JiraConfig], rewire: Rewire
) -> None:
    report = await hooks.check_connection(connector)
    assert "Highest (1), High (2)" in line_of(report, "priorities").detail
    assert {(status.id, status.name) for status in report.statuses} >= {("10002", "Done")}
    wrong = rewire(connector, priorities={Severity.HIGH: "Urgent"})
    cure = failing(await hooks.check_connection(wrong))["priority Urgent"]
    assert "Highest (1)" in cure


async def test_a_required_field_with_a_default_is_no_fault(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira
) -> None:
    jira.control.change_scenario(required_fields=["duedate"], default_fields=["duedate"])
    assert (await hooks.check_connection(connector)).ok


async def test_fields_that_a_transition_asks_for_are_told(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    rewire: Rewire,
) -> None:
    def asked(report: ConnectionReport) -> list[CheckLine]:
        return [line for line in report.lines if line.name.startswith("transition")]

    jira.control.create_ticket("Phishing mail")
    workflow = jira.sandbox.scenario.workflow
    edge = {"id": "9", "name": "Finish", "to": "10002", "screen": ["duedate"]}
    edge |= {"required": ["duedate"], "sources": [workflow.initial]}
    statuses = [{"id": s.id, "name": s.name, "category": s.category} for s in workflow.statuses]
    jira.control.change_scenario(
        workflow={"statuses": statuses, "initial": workflow.initial, "transitions": [edge]}
    )
    (line,) = asked(await hooks.check_connection(connector))
    assert line.ok is None
    assert "duedate" in line.detail
    assert "transition_fields" in line.cure
    settled = rewire(connector, transition_fields={"Done": {"duedate": "2026-12-24"}})
    assert asked(await hooks.check_connection(settled)) == []
