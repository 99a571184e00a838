"""The status decision, guard by guard: every reason it can give, and every way it can apply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from casebridge.domain.decision import (
    CaseState,
    Reason,
    RefState,
    StatusDecision,
    decide_status,
)
from casebridge.domain.watermarks import Arrival, Source
from casebridge_core import CaseStatus, NativeStatus, Person, TicketEvent

OPEN, TRIAGE, CONTAINED, RESOLVED, CLOSED = CaseStatus
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
A_BIT_LATER = NOON + timedelta(seconds=30)
DONE = NativeStatus(name="Done", id="31")
IN_PROGRESS = NativeStatus(name="In Progress", id="21")
US = Person(id="account-of-the-bridge", name="Casebridge")
ADA = Person(id="ada", name="Ada Analyst")

IN_TRIAGE = CaseState(status=TRIAGE, trail=(TRIAGE, OPEN), status_changed_at=NOON)
SETTLED = RefState(
    settled_status=TRIAGE,
    settled_native=IN_PROGRESS,
    ticket_status=IN_PROGRESS,
    status_seen_at=NOON,
    own_account=US.id,
)
MOVED_TO_DONE = TicketEvent(
    vendor="acme", external_id="1", status=DONE, actor=ADA, occurred_at=LATER
)
MAPPED = (RESOLVED, CLOSED)
OF_THE_DECISION = {
    Reason.NO_STATUS,
    Reason.OWN_WRITE,
    Reason.STALE,
    Reason.VERIFY_ASKED,
    Reason.LAST_KNOWN,
    Reason.ALREADY_THERE,
    Reason.PUSH_IN_FLIGHT,
    Reason.UNMAPPED,
    Reason.SUPERSEDED,
}
"""The others are given before there is a status to decide about."""


def decided(
    *,
    case: CaseState = IN_TRIAGE,
    ref: RefState = SETTLED,
    event: TicketEvent = MOVED_TO_DONE,
    meanings: tuple[CaseStatus, ...] = MAPPED,
    source: Source = Source.TOLD,
    received_at: datetime = LATER,
    readable: bool = True,
) -> StatusDecision:
    arrival = Arrival(
        at=event.occurred_at,
        now=received_at,
        received_at=received_at,
        source=source,
        readable=readable,
    )
    return decide_status(case, ref, event, meanings=meanings, arrival=arrival)


def known(ref: RefState = SETTLED, **fields: object) -> RefState:
    return msgspec.structs.replace(ref, **fields)


def changed(event: TicketEvent = MOVED_TO_DONE, **fields: object) -> TicketEvent:
    return msgspec.structs.replace(event, **fields)


REFUSALS = {
    "an event without a status changes none": (
        Reason.NO_STATUS,
        decided(event=changed(status=None)),
    ),
    "an event older than what is known is stale": (
        Reason.STALE,
        decided(event=changed(occurred_at=EARLIER)),
    ),
    "what a list shows of before the case moved does not win over a pending push": (
        Reason.SUPERSEDED,
        decided(ref=known(settled_status=OPEN), source=Source.LISTED),
    ),
    "a time that is still to come cannot be compared with the case's": (
        Reason.SUPERSEDED,
        decided(ref=known(settled_status=OPEN), received_at=A_BIT_LATER),
    ),
    "two changes at one moment have no order": (
        Reason.VERIFY_ASKED,
        decided(event=changed(occurred_at=NOON)),
    ),
    "a change without a time has none either": (
        Reason.VERIFY_ASKED,
        decided(event=changed(occurred_at=None)),
    ),
    "older than a time that is still to come is not old": (
        Reason.VERIFY_ASKED,
        decided(event=changed(occurred_at=EARLIER), received_at=EARLIER),
    ),
    "a list that shows something else than the newest known is not to be believed": (
        Reason.VERIFY_ASKED,
        decided(event=changed(occurred_at=EARLIER), source=Source.LISTED),
    ),
    "an event that tells no time is as old as its receipt": (
        Reason.STALE,
        decided(
            ref=known(status_noted_at=LATER + timedelta(seconds=1)),
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
        decided(ref=known(pushing=True), event=changed(actor=None)),
    ),
    "after a push that may have come half the way, it is too": (
        Reason.PUSH_IN_FLIGHT,
        decided(ref=known(unclear=True), event=changed(actor=None)),
    ),
    "while we push, the status that was left may be one to which somebody went back": (
        Reason.PUSH_IN_FLIGHT,
        decided(ref=known(pushing=True), event=changed(status=IN_PROGRESS), meanings=()),
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

    assert decision == StatusDecision(reason=reason)


def test_every_reason_of_the_decision_is_shown_above() -> None:
    assert {reason for reason, _ in REFUSALS.values()} == OF_THE_DECISION


def test_a_doubt_and_a_push_have_the_ticket_read() -> None:
    asking = {reason for reason in Reason if StatusDecision(reason=reason).asks}

    assert asking == {Reason.VERIFY_ASKED, Reason.PUSH_IN_FLIGHT}


def test_what_is_not_to_be_believed_is_not_noted_as_the_tickets_status() -> None:
    noted = {reason for reason in Reason if StatusDecision(reason=reason).is_noted}

    assert noted == {
        Reason.LAST_KNOWN,
        Reason.ALREADY_THERE,
        Reason.UNMAPPED,
        Reason.SUPERSEDED,
    }
    assert StatusDecision(apply=OPEN).is_noted


def test_what_we_did_makes_what_was_before_it_stale() -> None:
    assert StatusDecision(reason=Reason.OWN_WRITE).is_seen


def test_a_human_moves_the_case_to_what_the_status_means() -> None:
    decision = decided()

    assert decision == StatusDecision(apply=RESOLVED)


def test_of_several_meanings_the_one_held_last_is_taken() -> None:
    case = CaseState(status=TRIAGE, trail=(TRIAGE, CLOSED, RESOLVED, OPEN), status_changed_at=NOON)

    decision = decided(case=case)

    assert decision == StatusDecision(apply=CLOSED)


def test_of_several_meanings_never_held_the_most_likely_one_is_taken() -> None:
    decision = decided(meanings=(CLOSED, RESOLVED))

    assert decision == StatusDecision(apply=CLOSED)


@pytest.mark.parametrize("moment", [EARLIER, NOON, LATER, None])
def test_what_was_read_is_believed_whatever_its_time(moment: datetime | None) -> None:
    decision = decided(event=changed(occurred_at=moment, actor=None), source=Source.READ)

    assert decision == StatusDecision(apply=RESOLVED)


@pytest.mark.parametrize("moment", [NOON, None])
def test_of_a_ticket_that_cannot_be_read_what_came_last_counts(moment: datetime | None) -> None:
    decision = decided(event=changed(occurred_at=moment), readable=False)

    assert decision == StatusDecision(apply=RESOLVED)


@pytest.mark.parametrize("moment", [NOON, None])
def test_what_is_known_already_is_no_doubt(moment: datetime | None) -> None:
    ref = known(ticket_status=DONE)

    decision = decided(ref=ref, event=changed(occurred_at=moment), meanings=())

    assert decision == StatusDecision(reason=Reason.UNMAPPED)


def test_a_first_event_without_a_time_is_heard() -> None:
    decision = decided(ref=known(status_seen_at=None), event=changed(occurred_at=None))

    assert decision == StatusDecision(apply=RESOLVED)


def test_a_list_that_shows_a_later_change_is_heard_when_nothing_is_pending() -> None:
    decision = decided(event=changed(actor=None), source=Source.LISTED)

    assert decision == StatusDecision(apply=RESOLVED)


def test_whoever_has_given_up_follows_a_human_with_a_clock_that_is_ahead() -> None:
    ref = known(settled_status=OPEN, given_up=True)

    decision = decided(ref=ref, received_at=A_BIT_LATER)

    assert decision == StatusDecision(apply=RESOLVED)


def test_a_human_is_heard_while_we_push() -> None:
    decision = decided(ref=known(pushing=True))

    assert decision == StatusDecision(apply=RESOLVED)


def test_while_we_push_anybody_may_be_us_if_we_do_not_know_our_own_account() -> None:
    ref = known(pushing=True, own_account=None)

    decision = decided(ref=ref)

    assert decision == StatusDecision(reason=Reason.PUSH_IN_FLIGHT)


def test_an_event_of_nobody_in_particular_is_heard_when_we_do_not_push() -> None:
    decision = decided(event=changed(actor=None))

    assert decision == StatusDecision(apply=RESOLVED)


def test_an_unknown_account_of_ours_makes_nobody_ours() -> None:
    ref = known(own_account=None)

    decision = decided(ref=ref, event=changed(actor=None))

    assert decision == StatusDecision(apply=RESOLVED)


def test_a_ticket_moved_after_the_case_is_followed_although_a_push_is_pending() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status=CONTAINED, status_changed_at=NOON)

    decision = decided(case=case)

    assert decision == StatusDecision(apply=RESOLVED)


def test_nothing_is_superseded_when_no_push_is_pending() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status_changed_at=LATER + timedelta(seconds=1))

    decision = decided(case=case)

    assert decision == StatusDecision(apply=RESOLVED)


def test_an_event_without_a_time_is_as_old_as_its_arrival() -> None:
    case = msgspec.structs.replace(IN_TRIAGE, status=CONTAINED, status_changed_at=NOON)
    event = changed(occurred_at=None)

    later = decided(case=case, event=event, readable=False)
    earlier = decided(case=case, event=event, readable=False, received_at=EARLIER)

    assert later == StatusDecision(apply=RESOLVED)
    assert earlier == StatusDecision(reason=Reason.SUPERSEDED)


def test_a_closed_case_is_reopened_by_a_human_at_the_vendor_only() -> None:
    closed = CaseState(
        status=CLOSED, trail=(CLOSED, RESOLVED, TRIAGE, OPEN), status_changed_at=NOON
    )
    ref = RefState(settled_status=CLOSED, settled_native=DONE, own_account=US.id)
    event, back = changed(status=IN_PROGRESS), (TRIAGE, CONTAINED)

    by_us = decided(case=closed, ref=ref, event=changed(event, actor=US), meanings=back)
    by_a_human = decided(case=closed, ref=ref, event=event, meanings=back)

    assert by_us == StatusDecision(reason=Reason.OWN_WRITE)
    assert by_a_human == StatusDecision(apply=TRIAGE)
