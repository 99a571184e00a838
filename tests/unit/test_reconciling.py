"""The reconciler's arithmetic: cursors, moments, what is news, and what a reading is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.domain.reconciling import (
    KnownComment,
    KnownTicket,
    Standing,
    Worth,
    graced_until,
    moved_cursor,
    new_listing,
    next_run,
    retry_run,
    tells_news,
    weigh,
)
from casebridge_core import CommentAction, InboundComment, NativeStatus, Person, TicketEvent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAG = timedelta(seconds=30)
PERIOD = timedelta(minutes=5)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(status: str | None = None, **fields: Any) -> TicketEvent:
    native = NativeStatus(name=status) if status is not None else None
    return TicketEvent(vendor="acme", external_id="1", status=native, **fields)


@given(cursor=st.none() | moments, seen=st.lists(st.none() | moments), asked_at=moments)
def test_a_cursor_never_goes_back_nor_past_what_was_seen(
    cursor: datetime | None, seen: list[datetime | None], asked_at: datetime
) -> None:
    moved = moved_cursor(cursor, seen, asked_at)

    assert moved in {cursor, asked_at, *seen}
    if cursor is not None:
        assert moved is not None
        assert moved >= cursor
    if moved is not None and moved != cursor:
        assert moved <= asked_at
        assert moved <= max(each for each in seen if each is not None)


@given(cursor=moments, listed_at=st.none() | moments)
def test_a_list_begins_before_whatever_the_last_one_may_have_passed(
    cursor: datetime, listed_at: datetime | None
) -> None:
    since = new_listing(cursor, listed_at, NOON, index_lag=LAG).since

    assert since <= cursor - LAG
    if listed_at is not None:
        assert since <= listed_at - LAG


@given(spread=st.floats(0, 1, exclude_max=True))
def test_the_next_run_is_within_a_period(spread: float) -> None:
    assert NOON + PERIOD * 0.8 <= next_run(NOON, PERIOD, spread=spread) <= NOON + PERIOD


@pytest.mark.parametrize(
    ("period", "retry_after", "seconds"),
    [
        (PERIOD, None, 60),
        (PERIOD, 600.0, 600),
        (timedelta(seconds=9), None, 9),
        (timedelta(), 5, 60),
    ],
)
def test_after_a_failure_it_looks_again_soon_but_no_sooner_than_the_vendor_wants(
    period: timedelta, retry_after: float | None, seconds: int
) -> None:
    assert retry_run(NOON, period, retry_after) == at(seconds)


@pytest.mark.parametrize(
    ("occurred", "until"),
    [(at(0), at(15)), (at(-14), at(1)), (at(-15), None), (at(1), None), (None, None)],
)
def test_a_fresh_change_is_left_to_its_webhook(
    occurred: datetime | None, until: datetime | None
) -> None:
    assert graced_until(event("Done", occurred_at=occurred), NOON) == until


KNOWN = KnownTicket(
    status=NativeStatus(name="Open", id="1"),
    key="T-1",
    assignee_id="ada",
    missing=False,
    comments={"c1": KnownComment("hello", deleted=False), "c2": KnownComment("", deleted=True)},
)


def comment(external_id: str, text: str, **fields: Any) -> InboundComment:
    action = CommentAction.CREATED
    return InboundComment(external_id=external_id, action=action, text=text, **fields)


@pytest.mark.parametrize(
    ("told", "news"),
    [
        (event(), False),
        (event("open"), False),
        (event("1"), False),
        (event("Done"), True),
        (event(key="T-1"), False),
        (event(key="X-9"), True),
        (event(assignee=Person(id="ada")), False),
        (event(assignee=Person(id="ben")), True),
        (event(assignee=None), True),
        (event(deleted=True), True),
        (event(comments=(comment("c1", "hello"),)), False),
        (event(comments=(comment("c1", "hello!"),)), True),
        (event(comments=(comment("c2", "it was deleted"),)), False),
        (event(comments=(comment("c3", "new"),)), True),
        (event(comments=(comment("c3", "ours", key="summary"),)), False),
        (event(comments=(comment("c3", "ours", author=Person(id="us")),)), False),
    ],
)
def test_what_is_news(told: TicketEvent, news: bool) -> None:  # noqa: FBT001 - a table
    assert tells_news(told, KNOWN, "us") is news


BASE: dict[str, Any] = {
    "status": NativeStatus(name="Open"),
    "status_seen_at": at(-600),
    "touched_at": at(-600),
    "owed": False,
    "pushing": False,
}
LISTED: dict[str, Any] = {"fits_case": False, "asked_at": NOON, "index_lag": LAG}


@pytest.mark.parametrize(
    ("told", "standing", "how", "worth"),
    [
        pytest.param("Done", {}, {}, Worth.DECIDE, id="a move that was missed"),
        pytest.param("open", {"pushing": True}, {}, Worth.DECIDE, id="nothing new"),
        pytest.param(None, {"pushing": True}, {}, Worth.DECIDE, id="nothing of the status"),
        pytest.param("Done", {"pushing": True}, {}, Worth.DROP, id="our push is under way"),
        pytest.param("Done", {"touched_at": at(1)}, {}, Worth.READ_AGAIN, id="told of meanwhile"),
        pytest.param("Done", {"touched_at": NOON}, {}, Worth.DECIDE, id="told of just before"),
        pytest.param("Done", {"owed": True}, {}, Worth.NOTE, id="the case has moved on"),
        pytest.param(
            "Done", {"owed": True}, {"fits_case": True}, Worth.DECIDE, id="it is there already"
        ),
        pytest.param(
            "Done", {"status_seen_at": at(-60)}, {}, Worth.READ_AGAIN, id="the same second"
        ),
        pytest.param(
            "Done", {"status_seen_at": at(-59)}, {}, Worth.READ_AGAIN, id="older, for no reason"
        ),
        pytest.param(
            "Done",
            {"status_seen_at": at(-59), "touched_at": at(-59)},
            {},
            Worth.DROP,
            id="older, and the list is behind",
        ),
        pytest.param(
            "Done",
            {"status_seen_at": at(-59), "touched_at": at(-59)},
            {"index_lag": None},
            Worth.DECIDE,
            id="older, and the ticket itself says so",
        ),
        pytest.param(
            "Done", {"status_seen_at": None, "touched_at": None}, {}, Worth.DECIDE, id="no times"
        ),
    ],
)
def test_what_a_reading_is_worth(
    told: str | None, standing: dict[str, Any], how: dict[str, Any], worth: Worth
) -> None:
    reading = event(told, occurred_at=at(-60))

    assert weigh(reading, Standing(**{**BASE, **standing}), **{**LISTED, **how}) is worth
