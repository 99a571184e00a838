"""The outbound decision: the next missing step, and what it never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.domain.convergence import (
    FindTicket,
    Mint,
    PostComment,
    Progress,
    PushStatus,
    Settle,
    Step,
    Verify,
    next_step,
)
from casebridge_core import (
    CaseProjection,
    CaseStatus,
    CommentKind,
    NativeStatus,
    ProjectedComment,
    Severity,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAG = timedelta(seconds=30)
DONE = NativeStatus(name="Done", id="31")


def comment(key: str) -> ProjectedComment:
    return ProjectedComment(key=key, kind=CommentKind.CONTAINMENT, text="isolated", at=NOON)


SUMMARY, ACTION = comment("case_1.agent-summary"), comment("case_1.act_1")
RESOLVED = CaseProjection(
    case_id="case_1",
    correlation_key="aisoc-ref_1",
    title="Beacon",
    summary="",
    severity=Severity.HIGH,
    status=CaseStatus.RESOLVED,
    deep_link="https://soc.example/cases/case_1",
    opened_at=NOON,
    comments=(SUMMARY, ACTION),
)
AGREED = Progress(linked=True, settled_status=CaseStatus.RESOLVED, ticket_status=DONE)


def step_of(
    progress: Progress,
    *,
    native: str | None = "Done",
    can_comment: bool = True,
    now: datetime = NOON,
) -> Step | None:
    return next_step(
        progress, RESOLVED, native=native, can_comment=can_comment, now=now, index_lag=LAG
    )


def test_a_ref_without_a_ticket_mints_one() -> None:
    step = step_of(Progress(linked=False))

    assert step == Mint()


@pytest.mark.parametrize(
    ("waited", "last_chance"),
    [(timedelta(0), False), (LAG - timedelta(seconds=1), False), (LAG, True), (2 * LAG, True)],
)
def test_after_an_unclear_attempt_the_ticket_is_looked_for_until_the_index_has_it(
    waited: timedelta, *, last_chance: bool
) -> None:
    step = step_of(Progress(linked=False, create_attempted_at=NOON), now=NOON + waited)

    assert step == FindTicket(last_chance=last_chance)


@pytest.mark.parametrize("known", [None, NativeStatus(name="To Do"), NativeStatus(name="Doing")])
def test_a_ticket_that_is_elsewhere_is_brought_to_the_status(known: NativeStatus | None) -> None:
    step = step_of(Progress(linked=True, ticket_status=known))

    assert step == PushStatus("Done")


@pytest.mark.parametrize("native", ["Done", "done ", "31"])
def test_a_ticket_that_is_there_already_is_not_pushed_to(native: str) -> None:
    step = step_of(
        Progress(linked=True, settled_status=CaseStatus.OPEN, ticket_status=DONE), native=native
    )

    assert step == Settle()


def test_a_status_that_is_not_projected_is_settled_without_a_push() -> None:
    step = step_of(Progress(linked=True, settled_status=CaseStatus.OPEN), native=None)

    assert step == Settle()


def test_a_ticket_is_left_where_its_people_put_it_once_both_sides_agreed() -> None:
    moved = msgspec.structs.replace(AGREED, ticket_status=NativeStatus(name="Waiting for tea"))

    step = step_of(moved, can_comment=False)

    assert step is None


def test_a_ticket_that_is_asked_for_is_read_before_anything_else_is_done() -> None:
    step = step_of(Progress(linked=True, verify_asked=True))

    assert step == Verify()


def test_there_is_nothing_to_read_before_there_is_a_ticket() -> None:
    step = step_of(Progress(linked=False, verify_asked=True))

    assert step == Mint()


def test_a_forced_push_says_so() -> None:
    step = step_of(Progress(linked=True, forced=True))

    assert step == PushStatus("Done", forced=True)


def test_a_status_that_the_workflow_refused_is_not_pushed_again_and_comments_go_on() -> None:
    step = step_of(Progress(linked=True, settled_status=CaseStatus.OPEN, status_refused=True))

    assert step == PostComment(SUMMARY, search_first=False)


def test_comments_follow_the_status_oldest_first() -> None:
    first = step_of(AGREED)
    second = step_of(msgspec.structs.replace(AGREED, comments_posted={SUMMARY.key}))

    assert first == PostComment(SUMMARY, search_first=False)
    assert second == PostComment(ACTION, search_first=False)


def test_a_comment_is_looked_for_after_an_unclear_attempt() -> None:
    step = step_of(msgspec.structs.replace(AGREED, comments_attempted={SUMMARY.key}))

    assert step == PostComment(SUMMARY, search_first=True)


def test_nothing_is_missing_when_every_comment_is_posted() -> None:
    step = step_of(msgspec.structs.replace(AGREED, comments_posted={SUMMARY.key, ACTION.key}))

    assert step is None


def test_a_vendor_without_comments_gets_none() -> None:
    step = step_of(AGREED, can_comment=False)

    assert step is None


keys = st.sets(st.sampled_from([SUMMARY.key, ACTION.key, "case_1.of-another-time"]))
natives = st.sampled_from([None, "To Do", "In Progress", "Done", "31"])
progresses = st.builds(
    Progress,
    linked=st.booleans(),
    verify_asked=st.booleans(),
    forced=st.booleans(),
    status_refused=st.booleans(),
    settled_status=st.sampled_from([None, *CaseStatus]),
    ticket_status=st.sampled_from([None, DONE, NativeStatus(name="To Do")]),
    create_attempted_at=st.sampled_from([None, NOON, NOON - LAG]),
    comments_posted=keys,
    comments_attempted=keys,
)


@given(progress=progresses, native=natives, can_comment=st.booleans())
def test_no_step_is_ever_out_of_place(
    progress: Progress, native: str | None, *, can_comment: bool
) -> None:
    step = step_of(progress, native=native, can_comment=can_comment)

    if isinstance(step, Mint):
        assert not progress.linked
        assert progress.create_attempted_at is None
    if isinstance(step, FindTicket):
        assert not progress.linked
    if isinstance(step, Verify):
        assert progress.linked
        assert progress.verify_asked
    if isinstance(step, PushStatus | Settle):
        assert progress.linked
        assert not progress.verify_asked
        assert not progress.status_refused
        assert progress.settled_status is not RESOLVED.status
    if isinstance(step, PostComment):
        assert can_comment
        assert step.comment.key not in progress.comments_posted


@given(progress=progresses, native=natives, can_comment=st.booleans(), found=st.booleans())
def test_doing_what_is_asked_comes_to_an_end_with_nothing_missing(
    progress: Progress, native: str | None, *, can_comment: bool, found: bool
) -> None:
    now = NOON
    done: list[Step] = []

    while (step := step_of(progress, native=native, can_comment=can_comment, now=now)) is not None:
        done.append(step)
        assert len(done) <= 8, done
        progress = after(step, progress, found=found)
        now += LAG

    assert progress.linked
    assert progress.status_refused or progress.settled_status is RESOLVED.status
    if can_comment:
        assert {SUMMARY.key, ACTION.key} <= set(progress.comments_posted)
    assert sum(isinstance(step, Mint) for step in done) <= 1
    assert sum(isinstance(step, PushStatus) for step in done) <= 1


def after(step: Step, progress: Progress, *, found: bool) -> Progress:
    """Return the progress once a step has been done."""
    changes: dict[str, Any]
    match step:
        case Mint():
            changes = {"linked": True, "ticket_status": NativeStatus(name="To Do")}
        case FindTicket(last_chance):
            changes = {"linked": found}
            if last_chance or found:
                changes["create_attempted_at"] = None
        case Verify():
            changes = {"verify_asked": False}
        case PushStatus(native):
            changes = {
                "settled_status": RESOLVED.status,
                "ticket_status": NativeStatus(name=native),
            }
        case Settle():
            changes = {"settled_status": RESOLVED.status}
        case PostComment(posted):
            changes = {"comments_posted": {*progress.comments_posted, posted.key}}
    return msgspec.structs.replace(progress, **changes)
