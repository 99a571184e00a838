"""The whole plugin over real HTTP, against the stand-in ServiceNow and its faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    Delivery,
    InvalidRequest,
    OutcomeUnknown,
    ProjectedComment,
    PushError,
    RateLimited,
    StatusChange,
    TicketEvent,
    TransitionRejected,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from casebridge_sandbox.faults import FaultKind

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]
KEY = "cb-case-7-c1"


def change(hooks: VendorHooks, vendor: ServiceNow, status: CaseStatus) -> StatusChange:
    native = hooks.native_status(vendor, status)
    assert native is not None
    return StatusChange(status=status, native=native)


def received(sandbox: Sandbox, hooks: VendorHooks) -> list[TicketEvent]:
    """Return the events in what the business rule has sent so far."""
    sandbox.control.wait_until_idle()
    events = [
        hooks.detect(Delivery(headers={}, payload=json.loads(attempt.body)))
        for attempt in sandbox.control.deliveries()
    ]
    assert all(event is not None for event in events)
    return [event for event in events if event is not None]


async def test_the_case_goes_up_the_ladder_and_back(
    hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref

    for status in (*CaseStatus, *reversed(CaseStatus)):
        wanted = change(hooks, vendor, status)
        ticket = await hooks.push_status_change(vendor, ref, wanted)
        again = await hooks.push_status_change(vendor, ref, wanted)

        assert ticket.status.matches(wanted.native)
        assert again == ticket
        assert status in hooks.meanings_of(vendor, ticket.status)


async def test_what_a_person_does_comes_in(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere", secret="s", token_id="t1")
    sandbox.control.assign(ref.key, "Ben Responder", by="Ada Analyst")
    sandbox.control.comment(ref.key, "Looking into it", by="Ben Responder", internal=True)
    sandbox.control.move(ref.key, "Resolved", by="Ben Responder")
    sandbox.control.delete(ref.key, by="Ada Analyst")

    assigned, commented, resolved, deleted, *_ = received(sandbox, hooks)

    assert assigned.assignee
    assert assigned.assignee.email == "ben.responder@example.com"
    assert commented.comments[0].text == "Looking into it"
    assert commented.comments[0].internal is True
    assert commented.comments[0].key is None
    assert commented.status is None
    assert resolved.status is not None
    assert hooks.meanings_of(vendor, resolved.status)[0] is CaseStatus.RESOLVED
    assert resolved.actor is not None
    assert resolved.actor.id == "ben.responder"
    assert deleted.deleted


async def test_a_comment_is_found_again_and_known_when_it_comes_in(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere", secret="s", token_id="t1")
    assert await hooks.find_comment(vendor, ref, comment.key) == ()

    posted = await hooks.push_comment(vendor, ref, comment)

    assert await hooks.find_comment(vendor, ref, comment.key) == (posted,)
    (stored,) = sandbox.control.ticket(ref.key).comments
    assert stored.internal
    (event,) = received(sandbox, hooks)
    assert event.comments[0].key == comment.key
    assert event.comments[0].external_id == posted.external_id


async def test_a_journal_that_is_closed_does_not_stop_comments(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    comment: ProjectedComment,
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.change_scenario(denied_tables=["sys_journal_field"])

    posted = await hooks.push_comment(vendor, ref, comment)

    assert posted.external_id == comment.key
    assert len(sandbox.control.ticket(ref.key).comments) == 1


@pytest.mark.parametrize("kind", ["truncated_json", "result_and_error", "cut_after"])
async def test_an_unclear_comment_is_settled_by_a_search(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    comment: ProjectedComment,
    kind: FaultKind,
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.arm(kind, "comment")

    with pytest.raises(OutcomeUnknown):
        await hooks.push_comment(vendor, ref, comment)

    assert len(await hooks.find_comment(vendor, ref, comment.key)) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("html_ok", VendorUnavailable),
        ("html_error", VendorUnavailable),
        ("result_and_error", VendorUnavailable),
        ("cut_before", VendorUnavailable),
        ("rate_limited", RateLimited),
    ],
)
async def test_a_failed_read_is_certainly_not_done(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    projection: CaseProjection,
    kind: FaultKind,
    error: type[PushError],
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.arm(kind, "fetch", retry_after=7)

    with pytest.raises(error) as failed:
        await hooks.fetch_ticket(vendor, ref)

    assert type(failed.value) is error
    assert failed.value.retry_after == (7 if error is RateLimited else None)


async def test_a_push_that_was_swallowed_shows_in_what_is_read_back(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.change_scenario(dropped_columns=["state", "incident_state"])

    ticket = await hooks.push_status_change(vendor, ref, change(hooks, vendor, CaseStatus.TRIAGE))

    assert ticket.status.matches("1")


async def test_resolving_without_a_close_code_names_it(
    hooks: VendorHooks, connect: Callable[..., ServiceNow], projection: CaseProjection
) -> None:
    vendor = connect(close_code="")
    ref = (await hooks.push_case(vendor, projection)).ticket.ref

    with pytest.raises(TransitionRejected) as rejected:
        await hooks.push_status_change(vendor, ref, change(hooks, vendor, CaseStatus.RESOLVED))

    assert rejected.value.missing_fields == ("close_code",)


async def test_closing_is_for_administrators(
    hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref

    with pytest.raises(TransitionRejected, match="Only administrators close incidents"):
        await hooks.push_status_change(
            vendor, ref, StatusChange(status=CaseStatus.CLOSED, native="7")
        )


async def test_a_guarded_state_model_is_walked_by_way_of_in_progress(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    sandbox.control.use_preset("strict")
    vendor = connect()
    ref = (await hooks.push_case(vendor, projection)).ticket.ref

    resolved = await hooks.push_status_change(
        vendor, ref, change(hooks, vendor, CaseStatus.RESOLVED)
    )

    assert resolved.status.matches("Resolved")
    with pytest.raises(TransitionRejected):
        await hooks.push_status_change(vendor, ref, change(hooks, vendor, CaseStatus.OPEN))


async def test_a_create_without_the_caller_that_is_asked_for(
    sandbox: Sandbox,
    hooks: VendorHooks,
    connect: Callable[..., ServiceNow],
    projection: CaseProjection,
) -> None:
    vendor = connect(caller_id=None)
    sandbox.control.change_scenario(require_caller=True)

    with pytest.raises(InvalidRequest) as refused:
        await hooks.push_case(vendor, projection)

    assert refused.value.fields == ("caller_id",)


async def test_a_closed_incident_stays_closed_and_says_so(
    sandbox: Sandbox, hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection
) -> None:
    ref = (await hooks.push_case(vendor, projection)).ticket.ref
    sandbox.control.move(ref.key, "Closed", by="Ada Analyst", force=True)

    kept = await hooks.push_status_change(vendor, ref, change(hooks, vendor, CaseStatus.CLOSED))

    assert kept.status.matches("Closed")
    with pytest.raises(TransitionRejected, match="is Closed"):
        await hooks.push_status_change(vendor, ref, change(hooks, vendor, CaseStatus.TRIAGE))


async def test_an_api_key_signs_in(
    sandbox: Sandbox, hooks: VendorHooks, connect: Callable[..., ServiceNow]
) -> None:
    vendor = connect(password=None, api_key=sandbox.sandbox.scenario.api_key)

    assert (await hooks.identify_account(vendor)).id == sandbox.sandbox.scenario.user_name
