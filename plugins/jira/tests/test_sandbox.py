"""The whole way over real HTTP, against the stand-in Jira: Cloud and Data Center."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    CaseStatus,
    Connector,
    DestinationNotFound,
    OutcomeUnknown,
    ProjectedComment,
    RateLimited,
    StatusChange,
    TicketNotFound,
    TransitionRejected,
    UnexpectedResponse,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_sandbox import Fault, JiraSandbox, RunningSandbox, running

from casebridge_jira import JiraConfig


pytestmark = pytest.mark.anyio

Connect = Callable[..., Connector[JiraConfig]]
Jira = RunningSandbox[JiraSandbox]


@pytest.fixture(scope="module")
def _jira() -> Iterator[Jira]:
    with running(JiraSandbox()) as jira:
        yield jira


@pytest.fixture(params=["cloud", "data_center"])
def deployment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def jira(_jira: Jira, deployment: str) -> Jira:
    _jira.control.reset()
    _jira.control.change_scenario(deployment=deployment)
    return _jira


@pytest.fixture
def connector(jira: Jira, deployment: str, online: Connect) -> Connector[JiraConfig]:
    return online(settings_for(jira, deployment))


def settings_for(jira: Jira, deployment: str) -> dict[str, object]:
    token = "jira-sandbox-token"
    common = {"base_url": jira.url, "project": "SEC", "deployment": deployment}
    if deployment == "cloud":
        return {**common, "email": "bridge@example.com", "api_token": token}
    return {**common, "personal_token": token}


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
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict(jira)
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    ticket = await hooks.push_status_change(connector, ref, done)
    assert ticket.status.name == "Done"
    assert visited(jira) == ["In Progress", "In Review", "Done"]
    assert jira.control.ticket("SEC-1").fields["resolution"] == "Done"
    back = StatusChange(status=CaseStatus.OPEN, native="To Do")
    assert (await hooks.push_status_change(connector, ref, back)).status.name == "To Do"
    assert visited(jira)[3:] == ["In Progress", "To Do"]


async def test_a_walk_that_was_cut_goes_on_where_it_stands(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict(jira)
    jira.control.arm("cut_after", operation="transition", skip=1)
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(OutcomeUnknown):
        await hooks.push_status_change(connector, ref, done)
    ticket = await hooks.push_status_change(connector, ref, done)
    assert ticket.status.name == "Done"
    assert visited(jira) == ["In Progress", "In Review", "Done"]


async def test_a_missing_field_is_named_with_its_values(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    strict(jira)
    jira.control.change_scenario(resolutions=["Erledigt", "Doppelt"])
    done = StatusChange(status=CaseStatus.RESOLVED, native="Done")
    with pytest.raises(TransitionRejected, match='"Erledigt", "Doppelt"') as refused:
        await hooks.push_status_change(connector, ref, done)
    assert refused.value.missing_fields == ("resolution",)
    fields = {"done": {"resolution": {"name": "Erledigt"}, "comment": "never sent"}}
    config = msgspec.structs.replace(connector.config, transition_fields=fields)
    ticket = await hooks.push_status_change(replaced(connector, config), ref, done)
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


async def test_a_comment_is_posted_and_found_by_its_key(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.comment("SEC-1", f"Did you see {comment.key}?", by="Ben Responder")
    assert await hooks.find_comment(connector, ref, comment.key) == ()
    posted = await hooks.push_comment(connector, ref, comment)
    assert await hooks.find_comment(connector, ref, comment.key) == (posted,)


@pytest.mark.parametrize("public", [False, True])
async def test_comments_are_internal_on_service_projects(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    comment: ProjectedComment,
    *,
    public: bool,
) -> None:
    jira.control.change_scenario(service_desk=True)
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    config = msgspec.structs.replace(connector.config, comments_public=public)
    await hooks.push_comment(replaced(connector, config), ref, comment)
    assert [each.internal for each in jira.control.ticket("SEC-1").comments] == [not public]


@pytest.mark.parametrize("kind", ["cut_after", "stored_error", "cut_midway", "truncated_json"])
async def test_after_a_cut_create_the_ticket_is_found(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    kind: str,
) -> None:
    jira.control.arm(kind, operation="create")
    with pytest.raises(OutcomeUnknown) as unclear:
        await hooks.push_case(connector, projection)
    assert unclear.value.uncertain
    found = await hooks.find_ticket(connector, projection.correlation_key)
    assert [each.ref.key for each in found] == ["SEC-1"]


@pytest.mark.parametrize(
    ("kind", "operation", "error"),
    [
        ("html_ok", "create", OutcomeUnknown),
        ("cut_before", "create", OutcomeUnknown),
        ("rate_limited", "create", RateLimited),
        ("html_ok", "search", UnexpectedResponse),
        ("cut_before", "search", VendorUnavailable),
        ("status", "search", VendorUnavailable),
    ],
)
async def test_what_goes_wrong_has_its_own_error(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    projection: CaseProjection,
    kind: str,
    operation: str,
    error: type[Exception],
) -> None:
    jira.control.arm(kind, operation=operation, retry_after=7)
    with pytest.raises(error) as failed:
        if operation == "create":
            await hooks.push_case(connector, projection)
        else:
            await hooks.find_ticket(connector, projection.correlation_key)
    if kind == "rate_limited":
        assert isinstance(failed.value, RateLimited)
        assert failed.value.retry_after == 7
    assert "token" not in str(failed.value)
    assert jira.control.tickets() == []


async def test_a_lagging_index_hides_the_ticket_for_a_while(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    jira.control.change_scenario(search_lag_searches=2)
    await hooks.push_case(connector, projection)
    seen = [await hooks.find_ticket(connector, projection.correlation_key) for _ in range(4)]
    assert [len(tickets) for tickets in seen][0] == 0
    assert [len(tickets) for tickets in seen][-1] == 1


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
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    config = msgspec.structs.replace(connector.config, priorities={projection.severity: "High"})
    chosen = replaced(connector, config)
    pushed = await hooks.push_case(chosen, projection)
    assert pushed.notes == ()
    assert jira.control.ticket("SEC-1").fields["priority"] == "High"
    jira.control.change_scenario(create_screen=["description", "labels"])
    pushed = await hooks.push_case(chosen, projection)
    assert pushed.ticket.ref.key == "SEC-2"
    assert "priority left out" in pushed.notes[0]


async def test_a_wrong_project_or_type_is_named(
    hooks: VendorHooks, connector: Connector[JiraConfig], projection: CaseProjection
) -> None:
    for change in ({"project": "NOPE"}, {"issue_type": "Nope"}):
        config = msgspec.structs.replace(connector.config, **change)
        with pytest.raises(DestinationNotFound, match=next(iter(change.values()))) as failed:
            await hooks.push_case(replaced(connector, config), projection)
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


async def test_a_deleted_ticket_is_gone(
    hooks: VendorHooks, connector: Connector[JiraConfig], jira: Jira, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(connector, projection)).ticket.ref
    jira.control.delete("SEC-1")
    with pytest.raises(TicketNotFound):
        await hooks.fetch_ticket(connector, ref)


async def test_changes_are_listed_page_by_page(
    hooks: VendorHooks,
    connector: Connector[JiraConfig],
    jira: Jira,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("casebridge_jira.listing.PAGE", 2)
    keys = [jira.control.create_ticket(f"Number {n}").key for n in range(5)]
    jira.control.move(keys[0], "Done", by="Ben Responder")
    since, page, seen = datetime.now(UTC) - timedelta(minutes=5), None, []
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


def strict(jira: Jira) -> None:
    """Put the strict workflow in force for the tickets that are there."""
    deployment = jira.control.scenario()["deployment"]
    jira.control.use_preset("strict")
    jira.control.change_scenario(deployment=deployment)


def visited(jira: Jira) -> list[str | None]:
    """Return the names of the statuses that SEC-1 came to, in order."""
    return [
        change.after_text
        for entry in jira.control.ticket("SEC-1").history
        for change in entry.changes
        if change.field == "status"
    ]


def replaced(connector: Connector[JiraConfig], config: JiraConfig) -> Connector[JiraConfig]:
    """Return the connector with another configuration."""
    return Connector(
        id=connector.id,
        tenant_id=connector.tenant_id,
        vendor=connector.vendor,
        config=config,
        http=connector.http,
    )
