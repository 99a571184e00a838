"""Backfill in numbers: how many at a time, how long it takes, how far it has come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.domain.backfill import (
    Pace,
    Ramp,
    Tally,
    calls_for,
    duration,
    remaining,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ramps = st.builds(
    lambda first, more: Ramp(first=first, most=first + more),
    st.integers(1, 50),
    st.integers(0, 950),
)
tallies = st.builds(
    Tally,
    minted=st.integers(0, 10_000),
    dead=st.integers(0, 100),
    failing=st.integers(0, 100),
    pending=st.integers(0, 100),
    waiting=st.integers(0, 10_000),
)


@pytest.mark.parametrize(
    ("minted", "allowed"),
    [(0, 5), (4, 5), (5, 10), (14, 10), (15, 20), (34, 20), (35, 40), (75, 50), (10_000, 50)],
)
def test_a_ramp_doubles_whenever_as_many_as_it_allows_are_minted(minted: int, allowed: int) -> None:
    assert Ramp(first=5, most=50).allowance(minted) == allowed


@given(minted=st.integers(0, 100_000), size=st.integers(1, 1000))
def test_a_ramp_whose_ends_are_the_same_is_fixed(minted: int, size: int) -> None:
    assert Ramp(first=size, most=size).allowance(minted) == size


@given(ramp=ramps, minted=st.integers(0, 100_000))
def test_a_ramp_never_allows_less_than_first_or_more_than_most(ramp: Ramp, minted: int) -> None:
    assert ramp.first <= ramp.allowance(minted) <= ramp.most
    assert ramp.allowance(minted) <= ramp.allowance(minted + 1)


@given(ramp=ramps, minted=st.integers(0, 1000), under_way=st.integers(0, 2000))
def test_there_is_room_up_to_what_the_ramp_allows(ramp: Ramp, minted: int, under_way: int) -> None:
    room = ramp.room(minted=minted, under_way=under_way)

    assert room >= 0
    assert room == 0 or room + under_way == ramp.allowance(minted)


@pytest.mark.parametrize(("first", "most"), [(0, 5), (5, 0), (-1, 5), (5, 1001)])
def test_a_ramp_has_sensible_ends(first: int, most: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"first": first, "most": most}, Ramp)


def test_a_limit_on_calls_decides_where_it_is_the_slowest() -> None:
    pace = Pace(calls_per_minute=60, in_flight=8)

    found = duration(tickets=214, calls=214 * 3, pace=pace, ramp=Ramp(first=50, most=50))

    assert found.total_seconds() == pytest.approx(214 * 3)


def test_without_a_limit_the_tickets_at_a_time_decide() -> None:
    pace = Pace(calls_per_minute=None, in_flight=8)

    found = duration(tickets=160, calls=480, pace=pace, ramp=Ramp(first=50, most=50))

    assert found.total_seconds() == pytest.approx(480 * 0.5 / 8)


def test_a_ramp_that_begins_low_takes_longer() -> None:
    pace = Pace(calls_per_minute=None, in_flight=8)

    slow = duration(tickets=160, calls=480, pace=pace, ramp=Ramp(first=1, most=8))
    quick = duration(tickets=160, calls=480, pace=pace, ramp=Ramp(first=8, most=8))

    assert slow > quick


def test_nothing_to_do_takes_no_time() -> None:
    pace = Pace(calls_per_minute=1, in_flight=1)

    assert duration(tickets=0, calls=0, pace=pace, ramp=Ramp()) == timedelta()


@given(
    tickets=st.integers(1, 20_000),
    ramp=ramps,
    limit=st.none() | st.integers(1, 100_000),
    in_flight=st.integers(1, 200),
)
def test_one_more_ticket_never_takes_less_time(
    tickets: int, ramp: Ramp, limit: int | None, in_flight: int
) -> None:
    pace = Pace(calls_per_minute=limit, in_flight=in_flight)

    fewer = duration(tickets=tickets, calls=tickets * 3, pace=pace, ramp=ramp)
    more = duration(tickets=tickets + 1, calls=(tickets + 1) * 3, pace=pace, ramp=ramp)

    assert timedelta() < fewer <= more + timedelta(microseconds=tickets)


def test_comments_and_a_status_of_its_own_cost_calls() -> None:
    bare = calls_for(comments=0, moves=False)

    assert bare < calls_for(comments=1, moves=False) < calls_for(comments=1, moves=True)
    assert calls_for(comments=3, moves=False) - bare == 3 * (
        calls_for(comments=1, moves=False) - bare
    )


@given(tallies)
def test_minted_dead_and_left_are_everything(tally: Tally) -> None:
    assert tally.left == tally.failing + tally.pending + tally.waiting
    assert 0 <= tally.per_cent <= 100
    assert (tally.per_cent == 100) == (tally.left == 0)


def test_a_dead_letter_is_over_and_no_ticket() -> None:
    tally = Tally(minted=6, dead=2, pending=1, waiting=1)

    assert tally.per_cent == pytest.approx(80)


def test_the_rest_takes_as_long_as_the_pace_of_the_last_minutes_says() -> None:
    tally = Tally(minted=500, recent=20, waiting=100)

    found = remaining(
        tally, now=NOON, since=NOON - 10 * MINUTE, window=2 * MINUTE, planned=9 * MINUTE
    )

    assert found == 10 * MINUTE


def test_the_pace_is_of_the_time_since_it_was_set_going() -> None:
    tally = Tally(minted=500, recent=20, waiting=100)

    found = remaining(tally, now=NOON, since=NOON - MINUTE, window=2 * MINUTE, planned=9 * MINUTE)

    assert found == 5 * MINUTE


def test_before_the_first_ticket_the_rest_takes_as_long_as_planned() -> None:
    tally = Tally(waiting=100)

    found = remaining(tally, now=NOON, since=NOON, window=2 * MINUTE, planned=9 * MINUTE)

    assert found == 9 * MINUTE


def test_nothing_left_takes_no_time() -> None:
    tally = Tally(minted=3, recent=3)

    assert remaining(tally, now=NOON, since=NOON, window=MINUTE, planned=9 * MINUTE) == timedelta()
