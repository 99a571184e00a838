"""What ServiceNow does by itself, and what administrators' own rules post, as it comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    Connector,
    Delivery,
    StatusChange,
    TicketEvent,
    TicketRef,
    TransitionRejected,
    VendorHooks,
)
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox
from casebridge_servicenow import ServiceNowConfig

Sandbox = RunningSandbox[ServiceNowSandbox]
ServiceNow = Connector[ServiceNowConfig]


@pytest.fixture
async def ref(hooks: VendorHooks, vendor: ServiceNow, projection: CaseProjection) -> TicketRef:
    return (await hooks.push_case(vendor, projection)).ticket.ref


@pytest.fixture
def events(sandbox: Sandbox, hooks: VendorHooks, ref: TicketRef) -> Callable[[], list[TicketEvent]]:
    """Return what reads the events that the rule has sent since the ticket was made."""
    sandbox.control.send_webhooks_to(f"{sandbox.url}/nowhere", secret="s", token_id="t1")

    def received() -> list[TicketEvent]:
        sandbox.control.wait_until_idle()
        found = (
            hooks.detect(Delivery(headers={}, payload=json.loads(attempt.body)))
            for attempt in sandbox.control.deliveries()
        )
        return [event for event in found if event is not None]

    return received


def meaning(hooks: VendorHooks, vendor: ServiceNow, event: TicketEvent) -> CaseStatus:
    assert event.status is not None
    return hooks.meanings_of(vendor, event.status)[0]


async def test_an_answer_of_the_caller_takes_a_ticket_off_hold(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    ref: TicketRef,
    events: Callable[[], list[TicketEvent]],
) -> None:
    caller = sandbox.sandbox.scenario.people[1].id
    sandbox.control.edit(ref.key, {"caller_id": caller})
    held = {"hold_reason": "1", "comments": "Which machine?"}
    sandbox.control.move(ref.key, "On Hold", fields=held)
    sandbox.control.comment(ref.key, "Mine.", by="Ben Responder")

    *_, spoken, moved = events()

    assert spoken.comments[0].text == "Mine."
    assert spoken.status is None
    assert meaning(hooks, vendor, moved) is CaseStatus.TRIAGE
    assert moved.actor is not None
    assert moved.actor.id == "ben.responder"


async def test_a_child_that_its_parent_resolved_comes_in_by_rule_and_by_list(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    ref: TicketRef,
    events: Callable[[], list[TicketEvent]],
) -> None:
    parent = sandbox.control.create_ticket("Outage")
    sandbox.control.edit(ref.key, {"parent_incident": parent.id})
    sandbox.control.move(parent.key, "Resolved", by="Ben Responder")

    told = [event for event in events() if event.external_id == ref.external_id]
    since = datetime.now(UTC) - timedelta(minutes=5)
    (listed,) = (await hooks.list_changes(vendor, since)).events

    assert [meaning(hooks, vendor, event) for event in told] == [CaseStatus.RESOLVED]
    assert listed.external_id == ref.external_id
    assert meaning(hooks, vendor, listed) is CaseStatus.RESOLVED


async def test_an_incident_that_closes_by_itself_is_past_resolved_and_stays_closed(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    ref: TicketRef,
    events: Callable[[], list[TicketEvent]],
) -> None:
    sandbox.control.change_scenario(auto_close_days=7)
    done = StatusChange(status=CaseStatus.CLOSED, native="6")
    await hooks.push_status_change(vendor, ref, done)
    sandbox.control.advance_clock(8 * 86_400)

    *_, closed = events()
    kept = await hooks.push_status_change(vendor, ref, done)

    assert meaning(hooks, vendor, closed) is CaseStatus.CLOSED
    assert closed.actor is not None
    assert closed.actor.id == "system"
    assert kept.status.name == "Closed"
    for native in ("2", "6"):
        reopened = StatusChange(status=CaseStatus.TRIAGE, native=native)
        with pytest.raises(TransitionRejected, match="cannot be written any more"):
            await hooks.push_status_change(vendor, ref, reopened)


@pytest.mark.parametrize("form", ["guide", "label", "objects", "record_id"])
async def test_whoever_wrote_the_rule_a_move_is_understood(
    sandbox: Sandbox,
    hooks: VendorHooks,
    vendor: ServiceNow,
    ref: TicketRef,
    events: Callable[[], list[TicketEvent]],
    form: str,
) -> None:
    sandbox.control.change_scenario(rule_body=form)

    sandbox.control.move(ref.key, "Resolved", by="Ben Responder")

    (moved,) = events()
    assert moved.external_id == ref.external_id
    assert moved.key == ref.key
    assert meaning(hooks, vendor, moved) is CaseStatus.RESOLVED


async def test_an_edit_of_another_field_asserts_the_state_only_by_a_rule_that_tells_no_changes(
    sandbox: Sandbox, ref: TicketRef, events: Callable[[], list[TicketEvent]]
) -> None:
    sandbox.control.edit(ref.key, {"category": "security"})
    assert events() == []

    sandbox.control.change_scenario(rule_body="label")
    sandbox.control.edit(ref.key, {"category": "network"})

    (asserted,) = events()
    assert asserted.status is not None
    assert asserted.status.name == "New"
