"""The picture of the traffic between a case and its tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from casebridge.domain.actors import TimelineKind
from casebridge.domain.traffic import Flow, Moment, picture

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JIRA, SERVICENOW = 7, 9
TICKETS = [(JIRA, "SEC-1"), (SERVICENOW, "INC1")]


def moment(kind: str, connector: int | None = None, *, after: float = 0) -> Moment:
    return Moment(at=NOON + timedelta(seconds=after), kind=kind, text=kind, connector=connector)


def test_a_push_goes_from_the_case_to_the_ticket_and_news_comes_back() -> None:
    drawn = picture(
        [
            moment(TimelineKind.CASE_CREATED),
            moment(TimelineKind.TICKET_MINTED, JIRA),
            moment(TimelineKind.STATUS_CHANGED, JIRA),
            moment(TimelineKind.STATUS_PUSHED, SERVICENOW),
            moment(TimelineKind.INBOUND_IGNORED, SERVICENOW),
            moment(TimelineKind.PUSH_FAILED, JIRA),
        ],
        TICKETS,
    )

    (case, at_case), (jira, at_jira), (servicenow, at_servicenow) = drawn.lanes
    assert (case, jira, servicenow) == ("Case", "SEC-1", "INC1")
    assert [(stroke.flow, stroke.start, stroke.end) for stroke in drawn.strokes] == [
        (Flow.HERE, at_case, at_case),
        (Flow.PUSH, at_case, at_jira),
        (Flow.INBOUND, at_jira, at_case),
        (Flow.PUSH, at_case, at_servicenow),
        (Flow.ECHO, at_servicenow, at_case),
        (Flow.FAILURE, at_case, at_jira),
    ]
    heights = [stroke.y for stroke in drawn.strokes]
    assert heights == sorted(set(heights))
    assert max(heights) < drawn.height


def test_a_status_that_a_person_changed_here_crosses_nothing() -> None:
    (stroke,) = picture([moment(TimelineKind.STATUS_CHANGED)], TICKETS).strokes

    assert stroke.flow is Flow.HERE
    assert not stroke.crosses


def test_rows_that_only_say_more_of_a_change_are_not_drawn() -> None:
    drawn = picture(
        [
            moment(TimelineKind.STATUS_CHANGED, JIRA),
            moment(TimelineKind.INBOUND_ACTOR, JIRA),
            moment(TimelineKind.INBOUND_PAYLOAD, JIRA),
        ],
        TICKETS,
    )

    assert len(drawn.strokes) == 1
    assert drawn.left_out == 0


def test_the_newest_are_drawn_and_the_others_counted() -> None:
    moments = [moment(TimelineKind.COMMENT_PUSHED, JIRA, after=n) for n in range(100)]

    drawn = picture(moments, TICKETS, most=60)

    assert drawn.left_out == 40
    assert drawn.strokes[0].at == moments[40].at
    assert drawn.strokes[-1].at == moments[-1].at


def test_a_new_minute_is_marked() -> None:
    moments = [moment(TimelineKind.COMMENT, after=after) for after in (0, 59, 60, 61)]

    assert [stroke.new_minute for stroke in picture(moments, ()).strokes] == [
        True,
        False,
        True,
        False,
    ]


def test_a_ticket_without_a_lane_any_more_is_drawn_at_the_case() -> None:
    (stroke,) = picture([moment(TimelineKind.STATUS_PUSHED, 1000)], TICKETS).strokes

    assert not stroke.crosses


def test_no_news_is_an_empty_picture() -> None:
    assert picture([], []).strokes == ()
