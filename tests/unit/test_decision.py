"""The inbound decision, guard by guard: every reason it can give, and every way it can apply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from casebridge.domain.decision import CaseState, Decision, Reason, RefState, decide
from casebridge_core import CaseStatus, NativeStatus, Person, TicketEvent

OPEN, TRIAGE, CONTAINED, RESOLVED, CLOSED = CaseStatus
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
DONE = NativeStatus(name="Done", id="31")
IN_PROGRESS = NativeStatus(name="In Progress", id="21")
US = Person(id="account-of-the-bridge", name="Casebridge")
ADA = Person(id="ada", name="Ada Analyst")

IN_TRIAGE = CaseState(status=TRIAGE, trail=(TRIAGE, OPEN), status_changed_at=NOON)
SETTLED = RefState(
    settled_status=TRIAGE, settled_native=IN_PROGRESS, status_seen_at=NOON, own_account=US.id
)
MOVED_TO_DONE = TicketEvent(
    vendor="acme", external_id="1", status=DONE, actor=ADA, occurred_at=LATER
)
MAPPED = (RESOLVED, CLOSED)
NOT_OF_THE_DECISION = {
    Reason.DUPLICATE,
    Reason.UNLINKED,
    Reason.UNRECOGNISED,
    Reason.AMBIGUOUS,
    Reason.CONNECTOR_DISABLED,
    Reason.MALFORMED,
    Reason.PLUGIN_FAILED,
}
"""Reasons that the inbox gives before there is anything to decide."""


def decided(
    *,
    case: CaseState = IN_TRIAGE,
    ref: RefState = SETTLED,
    event: TicketEvent = MOVED_TO_DONE,
    meanings: tuple[CaseStatus, ...] = MAPPED,
) -> Decision:
    return decide(case, ref, event, meanings=meanings, received_at=LATER)


def changed(event: TicketEvent = MOVED_TO_DONE, **fields: object) -> TicketEvent:
    return msgspec.structs.replace(event, **fields)


REFUSALS = {
    "a deleted ticket says nothing about the status": (
        Reason.TICKET_DELETED,
        decided(event=changed(deleted=True)),
    ),
    "an event without a status changes none": (
        Reason.NO_STATUS,
        decided(event=changed(status=None)),
    ),
    "an event older than what is known is stale": (
        Reason.STALE,
        decided(event=changed(occurred_at=EARLIER)),
    ),
    "an event that tells no time is as old as its receipt": (
        Reason.STALE,
        decided(
            ref=msgspec.structs.replace(SETTLED, status_noted_at=LATER + timedelta(seconds=1)),
            event=changed(occurred_at=None),
        ),
    ),
    "what our own account did is our own": (
        Reason.OWN_WRITE,
        decided(event=changed(actor=US)),
    ),
    "the status both sides agreed on is known": (
        Reason.LAST_KNOWN,
        decided(event=changed(status=IN_PROGRESS), meanings=()),
    ),
    "the agreed status is known by its id alone": (
        Reason.LAST_KNOWN,
        decided(event=changed(status=NativeStatus(name="En cours", id="21")), meanings=()),
    ),
    "the agreed status is known by its name in other letters": (
        Reason.LAST_KNOWN,
        decided(event=changed(status=NativeStatus(name="in PROGRESS ")), meanings=()),
    ),
    "a case is left where the status can mean what it is": (
        Reason.ALREADY_THERE,
        decided(meanings=(RESOLVED, TRIAGE)),
    ),
    "while we push, an event of nobody in particular is taken for ours": (
        Reason.PUSH_IN_FLIGHT,
        decided(ref=msgspec.structs.replace(SETTLED, pushing=True), event=changed(actor=None)),
    ),
    "a status without a meaning moves nothing": (
        Reason.UNMAPPED,
        decided(meanings=()),
    ),
    "a ticket moved before the case was moved again is brought back by the pending push": (
        Reason.SUPERSEDED,
        decided(
            case=msgspec.structs.replace(
                IN_TRIAGE, status=CONTAINED, status_changed_at=LATER + timedelta(seconds=1)
            )
        ),
    ),
}


@pytest.mark.parametrize("rule", REFUSALS)
def test_the_case_keeps_its_status_because(rule: str) -> None:
    reason, decision = REFUSALS[rule]

    assert decision == Decision(reason=reason)


def test_every_reason_of_the_decision_is_shown_above() -> None:
    shown = {reason for reason, _ in REFUSALS.values()}

    assert shown == set(Reason) - NOT_OF_THE_DECISION


def test_a_human_moves_the_case_to_what_the_status_means() -> None:
    decision = decided()

    assert decision == Decision(apply=RESOLVED)


def test_of_several_meanings_the_one_held_last_is_taken() -> None:
    case = CaseState(status=TRIAGE, trail=(TRIAGE, CLOSED, RESOLVED, OPEN), status_changed_at=NOON)

    decision = decided(case=case)

    assert decision == Decision(apply=CLOSED)


def test_of_several_meanings_never_held_the_most_likely_one_is_taken() -> None:
    decision = decided(meanings=(CLOSED, RESOLVED))

    assert decision == Decision(apply=CLOSED)


def test_an_event_of_the_very_moment_that_is_known_is_not_stale() -> None:
    decision = decided(event=changed(occurred_at=NOON))

    assert decision == Decision(apply=RESOLVED)


def test_an_event_without_a_time_is_never_stale() -> None:
    decision = decided(event=changed(occurred_at=None))

    assert decision == Decision(apply=RESOLVED)


def test_a_human_is_heard_while_we_push() -> None:
    decision = decided(ref=msgspec.structs.replace(SETTLED, pushing=True))

    assert decision == Decision(apply=RESOLVED)


def test_while_we_push_anybody_may_be_us_if_we_do_not_know_our_own_account() -> None:
    ref = msgspec.structs.replace(SETTLED, pushing=True, own_account=None)

    decision = decided(ref=ref)

    assert decision == Decision(reason=Reason.PUSH_IN_FLIGHT)


def test_an_event_of_nobody_in_particular_is_heard_when_we_do_not_push() -> None:
    decision = decided(event=changed(actor=None))

    assert decision == Decision(apply=RESOLVED)


def test_an_unknown_account_of_ours_makes_nobody_ours() -> None:
    ref = msgspec.structs.replace(SETTLED, own_account=None)

    decision = decided(ref=ref, event=changed(actor=None))

    assert decision == Decision(apply=RESOLVED)


def test_a_ticket_moved_after_the_case_is_followed_although_a_push_is_pending() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status=CONTAINED, status_changed_at=NOON)

    decision = decided(case=case)

    assert decision == Decision(apply=RESOLVED)


def test_nothing_is_superseded_when_no_push_is_pending() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status_changed_at=LATER + timedelta(seconds=1))

    decision = decided(case=case)

    assert decision == Decision(apply=RESOLVED)


def test_an_event_without_a_time_is_as_old_as_its_arrival() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status=CONTAINED, status_changed_at=NOON)

    decision = decided(case=case, event=changed(occurred_at=None))

    assert decision == Decision(apply=RESOLVED)


def test_a_closed_case_is_reopened_by_a_human_at_the_vendor_only() -> None:
    closed = CaseState(
        status=CLOSED, trail=(CLOSED, RESOLVED, TRIAGE, OPEN), status_changed_at=NOON
    )
    ref = RefState(settled_status=CLOSED, settled_native=DONE, own_account=US.id)
    event = changed(status=IN_PROGRESS)

    by_us = decide(
        closed, ref, changed(event, actor=US), meanings=(TRIAGE, CONTAINED), received_at=LATER
    )
    by_a_human = decide(closed, ref, event, meanings=(TRIAGE, CONTAINED), received_at=LATER)

    assert by_us == Decision(reason=Reason.OWN_WRITE)
    assert by_a_human == Decision(apply=TRIAGE)
