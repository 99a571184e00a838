"""The decisions beside the status: whereabouts, assignee, comments, whatever the order of news."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.domain.assignees import Assignment, assignee_of_case, decide_assignee
from casebridge.domain.comments import KnownComment, OurComments, follow, is_ours
from casebridge.domain.decision import CaseState, Reason, RefState
from casebridge.domain.inbound import Decision, Known, decide
from casebridge.domain.watermarks import Arrival, Source, Weight
from casebridge.domain.whereabouts import Fate, Whereabouts, WhereaboutsDecision
from casebridge_core import (
    CaseStatus,
    CommentAction,
    InboundComment,
    NativeStatus,
    Person,
    TicketEvent,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(minutes=1), NOON + timedelta(minutes=1)
NOW = NOON + timedelta(minutes=10)
ADA, BEN = Person(id="ada", name="Ada Analyst"), Person(id="ben", email="Ben@example.com")
US = Person(id="bridge")
DONE = NativeStatus(name="Done")
THERE = Whereabouts(key="SEC-1", key_seen_at=NOON, status_seen_at=NOON)
GONE = Whereabouts(key="SEC-1", key_seen_at=NOON, gone=True, gone_seen_at=NOON)
KNOWN = Known(
    case=CaseState(status=CaseStatus.OPEN, trail=(CaseStatus.OPEN,), status_changed_at=EARLIER),
    ref=RefState(settled_status=CaseStatus.OPEN, status_seen_at=NOON, own_account=US.id),
    whereabouts=THERE,
    assignment=Assignment(person=ADA, since=NOON, seen_at=NOON),
)
MOMENTS = st.sampled_from([NOON + timedelta(seconds=each) for each in range(4)])


def event(**fields: Any) -> TicketEvent:
    return TicketEvent(vendor="acme", external_id="1", **{"occurred_at": LATER, **fields})


def decided(
    told: TicketEvent, known: Known = KNOWN, source: Source = Source.TOLD, **arrival: Any
) -> Decision:
    came = Arrival(
        at=told.occurred_at, **{"now": NOW, "received_at": NOW, "source": source, **arrival}
    )
    return decide(known, told, meanings=(CaseStatus.RESOLVED,), arrival=came)


def where(told: TicketEvent, known: Whereabouts = THERE, **more: Any) -> WhereaboutsDecision:
    return decided(told, msgspec.structs.replace(KNOWN, whereabouts=known), **more).whereabouts


# The order of two pieces of news.


@given(watermark=MOMENTS, at=MOMENTS)
def test_what_happens_at_different_times_has_an_order(watermark: datetime, at: datetime) -> None:
    weight = Arrival(at=at, now=NOW, received_at=NOW).weigh(watermark)

    assert weight is (
        Weight.TAKE if at > watermark else Weight.LEAVE if at < watermark else Weight.ASK
    )


@given(moments=st.lists(st.one_of(st.none(), MOMENTS), max_size=6))
def test_a_watermark_is_the_newest_time_in_any_order(moments: list[datetime | None]) -> None:
    watermark: datetime | None = None
    for moment in moments:
        watermark = Arrival(at=moment, now=NOW, received_at=NOW).advance(watermark)

    assert watermark == max((moment for moment in moments if moment), default=None)


def test_only_a_reading_takes_a_watermark_back_from_the_future() -> None:
    ahead = NOW + timedelta(days=1)

    assert Arrival(at=NOON, now=NOW, received_at=NOW).advance(ahead) == ahead
    assert Arrival(at=NOON, now=NOW, received_at=NOW, source=Source.READ).advance(ahead) == NOON


# Deletion, restoration and move.


def test_a_deleted_ticket_is_gone_and_the_case_keeps_its_status() -> None:
    decision = decided(event(deleted=True, status=DONE))

    assert decision.whereabouts.fate is Fate.DELETED
    assert decision.reason is Reason.TICKET_DELETED
    assert decision.status.apply is None


def test_a_deletion_told_twice_is_one() -> None:
    assert where(event(deleted=True), GONE).fate is Fate.GONE


def test_a_deletion_before_the_newest_status_is_looked_at_before_it_is_believed() -> None:
    early = event(deleted=True, occurred_at=EARLIER)

    assert where(early) == WhereaboutsDecision(asks=True)
    assert where(early, readable=False).fate is Fate.DELETED


@pytest.mark.parametrize("moment", [EARLIER, NOON, None])
def test_news_from_before_the_deletion_brings_nothing_back(moment: datetime | None) -> None:
    known = msgspec.structs.replace(KNOWN, whereabouts=GONE)
    late = event(status=DONE, assignee=BEN, key="OPS-1", actor=ADA, occurred_at=moment)

    decision = decided(late, known)

    assert decision.whereabouts == WhereaboutsDecision(fate=Fate.GONE)
    assert decision.reason is Reason.TICKET_DELETED
    assert decision.assignee.assignment == known.assignment


def test_a_status_from_after_the_deletion_is_of_a_restored_ticket_which_is_read() -> None:
    back = where(event(status=DONE, actor=ADA), GONE)

    assert (back.fate, back.asks) == (Fate.BACK, True)


def test_a_list_from_after_the_deletion_shows_a_restored_ticket() -> None:
    assert where(event(), GONE, source=Source.LISTED).fate is Fate.BACK
    assert where(event(occurred_at=NOON), GONE, source=Source.LISTED).fate is Fate.GONE


def test_what_the_vendor_cleans_up_after_a_deletion_brings_nothing_back() -> None:
    deleted = InboundComment(external_id="7", action=CommentAction.DELETED)
    known = msgspec.structs.replace(
        KNOWN,
        whereabouts=GONE,
        comments={"7": KnownComment(text="Clean.", written_at=EARLIER)},
    )

    decision = decided(event(comments=(deleted,)), known)

    assert decision.whereabouts.fate is Fate.GONE
    assert decision.comments == {}


def test_what_somebody_wrote_before_the_deletion_is_kept() -> None:
    written = InboundComment(external_id="7", action=CommentAction.CREATED, text="Clean.")
    known = msgspec.structs.replace(KNOWN, whereabouts=GONE)

    decision = decided(event(comments=(written,), occurred_at=EARLIER), known)

    assert decision.comments["7"].text == "Clean."


@given(st.permutations([("SEC-1", 0), ("OPS-1", 1), ("LAB-7", 2)]))
def test_a_ticket_ends_under_its_newest_key_in_any_order(told: list[tuple[str, int]]) -> None:
    known = Whereabouts(key="SEC-1", key_seen_at=EARLIER)
    for key, minutes in told:
        arrival = Arrival(at=NOON + timedelta(minutes=minutes), now=NOW, received_at=NOW)
        decision = where(event(key=key, occurred_at=arrival.at), known)
        if key == (decision.key or known.key):
            seen_at = arrival.advance(known.key_seen_at)
            known = msgspec.structs.replace(known, key=key, key_seen_at=seen_at)

    assert known.key == "LAB-7"


def test_a_key_of_the_same_moment_has_the_ticket_read() -> None:
    assert where(event(key="OPS-1", occurred_at=NOON)) == WhereaboutsDecision(asks=True)


# The assignee.


def assigned(told: Sequence[tuple[Person | None, int]]) -> Assignment:
    known = Assignment()
    for person, minutes in told:
        at = NOON + timedelta(minutes=minutes)
        arrival = Arrival(at=at, now=NOW, received_at=NOW)
        known = decide_assignee(known, event(assignee=person), arrival).assignment
    return known


@given(st.permutations([(ADA, 0), (BEN, 1), (None, 2), (ADA, 3)]))
def test_a_ticket_ends_with_its_newest_assignee_in_any_order(
    told: list[tuple[Person | None, int]],
) -> None:
    assert assigned(told).person == ADA


def test_two_assignments_at_one_moment_have_the_ticket_read() -> None:
    decision = decided(event(assignee=BEN, occurred_at=NOON))

    assert decision.assignee.asks
    assert decision.assignee.assignment == KNOWN.assignment
    assert decision.reason is Reason.VERIFY_ASKED


def test_an_event_that_tells_less_of_a_person_takes_nothing_away() -> None:
    decision = decided(event(assignee=Person(id="ada", email="ada@example.com")))

    person = Person(id="ada", name="Ada Analyst", email="ada@example.com")
    assert decision.assignee.assignment == Assignment(person=person, since=NOON, seen_at=LATER)


@given(st.permutations([Assignment(person=ADA, since=NOON), Assignment(person=BEN, since=LATER)]))
def test_a_case_names_whoever_was_assigned_last_in_any_order(told: list[Assignment]) -> None:
    assert assignee_of_case([*told, Assignment(since=NOW)]) == BEN


def test_a_case_whose_tickets_are_nobodys_names_nobody() -> None:
    assert assignee_of_case([Assignment(), Assignment(since=NOON)]) is None


# Comments.

CREATED = InboundComment(
    external_id="7", action=CommentAction.CREATED, text="a", author=ADA, at=NOON
)
EDITS = [
    msgspec.structs.replace(
        CREATED, action=CommentAction.EDITED, text=text, at=NOON + timedelta(seconds=seconds)
    )
    for text, seconds in (("b", 0), ("c", 1), ("d", 1), ("e", 2))
]
DELETED = InboundComment(
    external_id="7", action=CommentAction.DELETED, at=NOON + timedelta(seconds=3)
)
HISTORY = [CREATED, *EDITS, DELETED]


def followed(told: Sequence[InboundComment]) -> KnownComment | None:
    known: KnownComment | None = None
    for each in told:
        known = follow(known, each, Arrival(at=each.at, now=NOW, received_at=NOW))
    return known


@given(told=st.permutations(HISTORY), again=st.lists(st.sampled_from(HISTORY), max_size=4))
def test_a_comment_ends_the_same_in_any_order_however_often_it_is_told(
    told: list[InboundComment], again: list[InboundComment]
) -> None:
    assert followed([*told, *again]) == followed(HISTORY)


@given(st.lists(st.sampled_from(HISTORY), min_size=1, unique_by=lambda each: each.text))
def test_whatever_part_of_it_is_told_its_order_does_not_matter(told: list[InboundComment]) -> None:
    assert followed(told) == followed(sorted(told, key=HISTORY.index))


def test_an_edit_is_followed_and_an_older_one_is_not() -> None:
    known = followed([CREATED, EDITS[3], EDITS[1]])

    assert known is not None
    assert (known.text, known.written_at, known.edited_at) == ("e", NOON, EDITS[3].at)


def test_a_deletion_that_comes_first_leaves_a_tombstone_that_later_gets_its_text() -> None:
    tombstone = followed([DELETED])
    whole = followed([DELETED, CREATED])

    assert tombstone is not None
    assert (tombstone.text, tombstone.deleted_at) == ("", DELETED.at)
    assert whole is not None
    assert (whole.text, whole.author, whole.deleted_at) == ("a", ADA, DELETED.at)


def test_without_times_the_edit_that_comes_last_counts_and_a_creation_never_does() -> None:
    bare = [msgspec.structs.replace(each, at=None) for each in (CREATED, EDITS[0], CREATED)]
    known: KnownComment | None = None
    for each in bare:
        known = follow(known, each, Arrival(now=NOW, received_at=NOW))

    assert known is not None
    assert known.text == "b"


def test_an_edit_can_make_a_comment_public_and_another_editor_does_not_become_its_author() -> None:
    created = msgspec.structs.replace(CREATED, internal=True)
    edit = msgspec.structs.replace(EDITS[1], internal=False, author=BEN)

    known = followed([created, edit])

    assert known is not None
    assert (known.internal, known.author) == (False, ADA)


@pytest.mark.parametrize(
    ("comment", "ours"),
    [
        (msgspec.structs.replace(CREATED, author=US), True),
        (msgspec.structs.replace(CREATED, key="act_1", author=None), True),
        (msgspec.structs.replace(CREATED, external_id="90", author=None), True),
        (msgspec.structs.replace(CREATED, key="act_2", author=ADA), True),
        (msgspec.structs.replace(CREATED, key="act_1", author=ADA), False),
        (CREATED, False),
    ],
    ids=[
        "our account",
        "our key",
        "the id that our comment was given",
        "our key, on a comment whose id we were never told",
        "our key, quoted by somebody",
        "somebody's",
    ],
)
def test_our_own_comments_are_recognised(comment: InboundComment, *, ours: bool) -> None:
    known = OurComments(account=US.id, posted={"act_1": "90", "act_2": None})

    assert is_ours(comment, known) is ours
