"""Listing what changed, for webhooks that were lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from casebridge_core import (
    CaseProjection,
    Connector,
    InvalidRequest,
    ProjectedComment,
    TicketEvent,
    TicketRef,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig, changes
from casebridge_servicenow.client import ServiceNowClient
from casebridge_servicenow.journal import comments_since

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]


async def test_changes_of_one_second_are_all_listed_whatever_the_page_size(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    keys = [f"cb-case-{number}" for number in range(7)]
    refs: list[TicketRef] = []
    for key in keys:
        changed = msgspec.structs.replace(projection, correlation_key=key)
        refs.append((await hooks.push_case(vendor, changed)).ticket.ref)
    sandbox.control.create_ticket("Not ours")
    since = datetime.now(UTC) - timedelta(minutes=5)

    for size in (1, 2, 3, 7, 50):
        listed = await listed_by(vendor, since, size=size)

        assert sorted(listed) == sorted(ref.external_id for ref in refs)


async def listed_by(vendor: ServiceNow, since: datetime, *, size: int) -> list[str]:
    """Return the ids of what is listed, page by page."""
    listed: list[str] = []
    page: str | None = None
    while True:
        answer = await changes.list_changes(ServiceNowClient(vendor), since, page, size=size)
        listed += [event.external_id for event in answer.events]
        page = answer.next_page
        if page is None:
            return listed


async def test_what_changes_between_two_pages_is_listed_again_and_hides_nothing(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    refs: list[TicketRef] = []
    for number in range(5):
        changed = msgspec.structs.replace(projection, correlation_key=f"cb-case-{number}")
        refs.append((await hooks.push_case(vendor, changed)).ticket.ref)
    client = ServiceNowClient(vendor)
    since = datetime.now(UTC) - timedelta(minutes=5)

    first = await changes.list_changes(client, since, None, size=2)
    seen = [event.external_id for event in first.events]
    sandbox.control.advance_clock(5)
    moved, unseen = seen[0], next(ref for ref in refs if ref.external_id not in seen)
    sandbox.control.move(moved, "Resolved", by="Ben Responder")
    sandbox.control.assign(unseen.key, "Ben Responder")
    rest: list[TicketEvent] = []
    page = first.next_page
    while page is not None:
        answer = await changes.list_changes(client, since, page, size=2)
        rest += answer.events
        page = answer.next_page

    later = [event.external_id for event in rest]
    assert set(seen) | set(later) == {ref.external_id for ref in refs}
    assert later.count(moved) == 1
    assert later.count(unseen.external_id) == 1
    again = next(event for event in rest if event.external_id == moved)
    assert again.status is not None
    assert again.status.matches("Resolved")


async def test_a_page_that_access_rules_made_short_is_not_the_last(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    refs: list[TicketRef] = []
    for number in range(6):
        changed = msgspec.structs.replace(projection, correlation_key=f"cb-case-{number}")
        refs.append((await hooks.push_case(vendor, changed)).ticket.ref)
        sandbox.control.advance_clock(1)
    hidden = [refs[1], refs[4]]
    sandbox.control.change_scenario(hidden_records=[ref.key for ref in hidden])
    since = datetime.now(UTC) - timedelta(minutes=5)

    listed = await listed_by(vendor, since, size=2)

    assert listed == [ref.external_id for ref in refs if ref not in hidden]


async def test_a_listing_whose_condition_was_ignored_is_no_answer(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    sandbox.control.create_ticket("Somebody's")
    vendor = connect(field_names={"correlation_display": "u_origin"})

    with pytest.raises(InvalidRequest, match="cannot be searched by u_origin"):
        await hooks.list_changes(vendor, datetime.now(UTC) - timedelta(minutes=5))


async def test_rows_without_a_time_are_not_taken_for_the_last_ones(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    row: Callable[..., dict[str, Any]],
) -> None:
    httpx_mock.add_response(json={"result": [row(sys_updated_on="")]}, is_reusable=True)

    with pytest.raises(InvalidRequest, match="without sys_updated_on"):
        await hooks.list_changes(connector, datetime.now(UTC))


async def test_a_listing_that_does_not_get_on_comes_to_an_end(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    row: Callable[..., dict[str, Any]],
) -> None:
    httpx_mock.add_response(json={"result": [row()]}, is_reusable=True)

    first = await hooks.list_changes(connector, datetime.now(UTC))
    second = await hooks.list_changes(connector, datetime.now(UTC), first.next_page)

    assert first.next_page is not None
    assert second.next_page is None


async def test_no_comment_is_lost_among_those_of_one_second(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    written = {sandbox.control.comment(ref.key, f"Note {n}").id for n in range(7)}
    since = datetime.now(UTC) - timedelta(minutes=5)

    for size in (1, 2, 3, 7, 50):
        spoken = await comments_since(ServiceNowClient(vendor), [ref.external_id], since, size=size)

        listed = [comment.external_id for comment in spoken[ref.external_id]]
        assert len(listed) == 7
        assert set(listed) == written


async def test_a_comment_whose_webhook_was_lost_is_listed(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    ours = await hooks.push_comment(vendor, ref, comment)
    sandbox.control.advance_clock(1)
    theirs = sandbox.control.comment(ref.key, "Any news?", by="Ben Responder")
    since = datetime.now(UTC) - timedelta(minutes=5)

    (event,) = (await hooks.list_changes(vendor, since)).events
    sandbox.control.change_scenario(denied_tables=["sys_journal_field"])
    (silent,) = (await hooks.list_changes(vendor, since)).events

    assert [(c.external_id, c.key) for c in event.comments] == [
        (ours.external_id, comment.key),
        (theirs.id, None),
    ]
    assert event.comments[1].internal is False
    assert silent.comments == ()


async def test_a_listed_change_is_the_ticket_as_it_is_now(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.move(ref.key, "Resolved", by="Ben Responder")
    sandbox.control.assign(ref.key, "Ben Responder")

    page = await hooks.list_changes(vendor, datetime.now(UTC) - timedelta(minutes=5))

    (event,) = page.events
    assert event.status is not None
    assert event.status.matches("Resolved")
    assert event.assignee
    assert event.assignee.name == "Ben Responder"
    assert event.actor is None
    assert event.site in vendor.config.hosts()
    assert await hooks.list_changes(vendor, datetime.now(UTC) + timedelta(hours=1)) == (
        type(page)(events=())
    )


async def test_a_strange_page_is_refused(hooks: VendorHooks, vendor: ServiceNow) -> None:
    with pytest.raises(InvalidRequest):
        await hooks.list_changes(vendor, datetime.now(UTC), "sys_id=1^NQactive=true")
