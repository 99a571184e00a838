"""When to try again: doubling with jitter, never before the vendor's word, and not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.domain.retry import FIRST_DELAY, LONGEST_DELAY, PATIENCE, backoff, next_attempt

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
attempts_made = st.integers(min_value=1, max_value=10_000)
spreads = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 2), (2, 4), (3, 8), (9, 512), (10, 900), (10_000, 900)]
)
def test_the_delay_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    delay = backoff(attempts, spread=0)

    assert delay == timedelta(seconds=seconds)


@given(attempts=attempts_made, spread=spreads)
def test_jitter_takes_at_most_half_of_the_delay_away(attempts: int, spread: float) -> None:
    full = backoff(attempts, spread=0)

    delay = backoff(attempts, spread=spread)

    assert full / 2 <= delay <= full


@given(attempts=attempts_made, spread=spreads)
def test_a_later_attempt_never_waits_less(attempts: int, spread: float) -> None:
    delay, following = backoff(attempts, spread=spread), backoff(attempts + 1, spread=spread)

    assert delay <= following <= LONGEST_DELAY


def test_two_refs_that_failed_together_do_not_come_back_together() -> None:
    delays = {backoff(8) for _ in range(20)}

    assert len(delays) > 1


@given(
    attempts=attempts_made,
    retry_after=st.floats(min_value=0, max_value=10_000_000),
    failing_for=st.timedeltas(min_value=timedelta(0), max_value=PATIENCE - timedelta(seconds=1)),
)
def test_the_vendors_own_word_is_never_undercut(
    attempts: int, retry_after: float, failing_for: timedelta
) -> None:
    again = next_attempt(
        NOON, attempts=attempts, first_failed_at=NOON - failing_for, retry_after=retry_after
    )

    assert again is not None
    assert again >= NOON + timedelta(seconds=retry_after)


def test_without_a_word_of_the_vendor_the_delay_is_our_own() -> None:
    again = next_attempt(NOON, attempts=1, first_failed_at=NOON, retry_after=None)

    assert again is not None
    assert NOON + FIRST_DELAY / 2 <= again <= NOON + FIRST_DELAY


@given(attempts=attempts_made, longer=st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_three_days_of_failures_end_in_the_dead_letter(attempts: int, longer: timedelta) -> None:
    again = next_attempt(
        NOON, attempts=attempts, first_failed_at=NOON - PATIENCE - longer, retry_after=60
    )

    assert again is None


def test_a_moment_before_three_days_there_is_one_more_try() -> None:
    first = NOON - PATIENCE + timedelta(seconds=1)

    again = next_attempt(NOON, attempts=300, first_failed_at=first, retry_after=None)

    assert again is not None
