"""Writes to one ticket, spaced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from casebridge.services.spacing import Spacing


def reserve(spacing: Spacing, ticket: str, now: float) -> float:
    """Ask as the plugin for Jira Cloud does."""
    return spacing.reserve(ticket, now, burst=14, per_second=2.7)


@given(pauses=st.lists(st.floats(0, 3), min_size=1, max_size=250))
def test_no_window_of_jira_cloud_is_ever_overrun(pauses: list[float]) -> None:
    """20 writes in 2 seconds and 100 in 30, for one issue. Source: Atlassian, Rate limiting."""
    spacing, now, sent = Spacing(), 0.0, list[float]()
    for pause in pauses:
        now += pause
        now += reserve(spacing, "10231", now)
        sent.append(now)

    for limit, window in ((20, 2.0), (100, 30.0)):
        for first, beyond in zip(sent, sent[limit:], strict=False):
            assert beyond - first >= window - 1e-6


def test_a_few_writes_do_not_wait_and_many_wait_a_little_each() -> None:
    spacing = Spacing()
    waits, now = [], 0.0
    for _ in range(120):
        waits.append(reserve(spacing, "1", now))
        now += waits[-1]

    assert waits[:14] == [0.0] * 14
    assert max(waits) < 0.4


def test_one_ticket_does_not_delay_another() -> None:
    spacing = Spacing()
    for _ in range(20):
        reserve(spacing, "1", 0.0)

    assert reserve(spacing, "2", 0.0) == 0.0


def test_tickets_that_were_left_alone_are_forgotten() -> None:
    spacing = Spacing()
    for number in range(1000):
        reserve(spacing, str(number), float(number))

    assert len(spacing._buckets) <= 61
