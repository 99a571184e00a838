"""The chart of a connector's last day, its health in words, and spans of time."""

from __future__ import annotations

import pytest

from casebridge.domain.actors import TimelineKind
from casebridge.domain.health import Grade, Signs, health_of
from casebridge.domain.hours import COLUMN, HALF, HourCount, day_chart
from casebridge.domain.spans import about, roughly
from casebridge.domain.traffic import Flow


def count(kind: TimelineKind, hours_ago: int = 0, times: int = 1) -> HourCount:
    return HourCount(hours_ago=hours_ago, kind=kind, count=times)


def test_what_goes_out_is_above_the_line_and_what_comes_in_below() -> None:
    day = day_chart(
        [
            count(TimelineKind.TICKET_MINTED, times=3),
            count(TimelineKind.PUSH_FAILED),
            count(TimelineKind.STATUS_CHANGED, times=2),
            count(TimelineKind.INBOUND_IGNORED, hours_ago=23),
        ]
    )

    last = {part.flow: part for part in day.hours[-1].segments}
    assert last[Flow.PUSH].y + last[Flow.PUSH].height == day.axis
    assert last[Flow.FAILURE].y + last[Flow.FAILURE].height == last[Flow.PUSH].y
    assert last[Flow.INBOUND].y == day.axis + 1
    (first,) = day.hours[0].segments
    assert (first.flow, first.x < COLUMN) == (Flow.ECHO, True)
    assert day.hours[-1].text == "in the last hour: 3 pushed, 1 failed, 2 came back"
    assert day.hours[0].text == "23 to 24 hours ago: 1 taken note of"
    assert day.summary == "3 pushed, 1 failed, 2 came back, 1 taken note of"


@pytest.mark.parametrize("most", [1, 7, 100_000])
def test_every_bar_fits_and_whatever_there_is_can_be_seen(most: int) -> None:
    kinds = (TimelineKind.STATUS_PUSHED, TimelineKind.PUSH_FAILED, TimelineKind.ANNOTATION)
    day = day_chart([count(kind, times=times) for kind in kinds for times in (1, most)])

    parts = day.hours[-1].segments
    assert {part.flow for part in parts} == {Flow.PUSH, Flow.FAILURE, Flow.INBOUND}
    assert all(part.height >= 2 for part in parts)
    assert all(part.y >= 0 and part.y + part.height <= day.height for part in parts)


def test_a_day_without_traffic_is_empty_and_says_so() -> None:
    told = [count(TimelineKind.CASE_CREATED), count(TimelineKind.STATUS_PUSHED, hours_ago=24)]

    day = day_chart(told)

    assert day.empty
    assert day.summary == "nothing"
    assert len(day.hours) == 24


def test_an_hour_of_a_clock_that_runs_ahead_is_now() -> None:
    day = day_chart([count(TimelineKind.STATUS_PUSHED, hours_ago=-1)])

    assert day.hours[-1].segments[0].height == HALF - 2


@pytest.mark.parametrize(
    ("signs", "grade", "word"),
    [
        (Signs(), Grade.WELL, "all tickets"),
        (Signs(plugin=False, enabled=False), Grade.STUCK, "plugin"),
        (Signs(fits=False), Grade.STUCK, "configuration"),
        (Signs(enabled=False, dead=3), Grade.IDLE, "disabled"),
        (Signs(paused=True, paused_by_hand=True), Grade.IDLE, "by hand"),
        (Signs(paused=True, failing=3), Grade.STUCK, "breaker"),
        (Signs(dead=1, failing=2), Grade.STUCK, "1 ticket is given up"),
        (Signs(quiet=True, failing=2), Grade.STRAINED, "quiet"),
        (Signs(failing=2), Grade.STRAINED, "2 tickets are failing"),
        (Signs(reconcile_error=True), Grade.STRAINED, "missed changes"),
        (Signs(called=False), Grade.IDLE, "not used yet"),
    ],
)
def test_the_health_is_what_holds_up_most(signs: Signs, grade: Grade, word: str) -> None:
    health = health_of(signs)

    assert health.grade is grade
    assert word in health.text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 minute"),
        (428, "7 minutes"),
        (5400, "2 hours"),
        (200_000, "2 days"),
        (-5, "less than a minute"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert roughly(seconds) == words


def test_a_span_that_was_reckoned_says_so() -> None:
    assert about(428) == "about 7 minutes"
    assert about(5) == "less than a minute"
