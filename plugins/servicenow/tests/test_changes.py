"""Listing what changed, for webhooks that were lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from casebridge_core import (
    CaseProjection,
    Connector,
    InvalidRequest,
    ProjectedComment,
    TicketRef,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig, changes
from casebridge_servicenow.client import ServiceNowClient

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
        listed: list[str] = []
        page: str | None = None
        while True:
            answer = await changes.list_changes(ServiceNowClient(vendor), since, page, size=size)
            listed += [event.external_id for event in answer.events]
            page = answer.next_page
            if page is None:
                break

        assert sorted(listed) == sorted(ref.external_id for ref in refs)


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
