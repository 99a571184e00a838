"""The traffic between a case and its tickets, as a picture: who told whom what, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from casebridge.domain.actors import TimelineKind

LANE_WIDTH: Final = 200
ROW_HEIGHT: Final = 30
MARGIN_LEFT: Final = 10
MARGIN_TOP: Final = 44


class Flow(StrEnum):
    """How a line is drawn: what it was."""

    PUSH = "push"
    FAILURE = "failure"
    INBOUND = "inbound"
    ECHO = "echo"
    HERE = "here"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the timeline: when, what, and which ticket's connector it was about, if any."""

    at: datetime
    kind: str
    text: str
    connector: int | None = None


class Stroke(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the picture: from one lane to another, or a dot where the two are the same.

    ``start`` and ``end`` are x, ``y`` is the height, all in pixels; ``new_minute`` is true where
    the clock has moved on to another minute since the line before.
    """

    flow: Flow
    start: int
    end: int
    y: int
    at: datetime
    new_minute: bool
    text: str

    @property
    def crosses(self) -> bool:
        """True when it goes from one lane to another."""
        return self.start != self.end

    @property
    def leftmost(self) -> int:
        """The smaller x."""
        return min(self.start, self.end)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes, the case's first, and what happened between them, from top to bottom."""

    lanes: tuple[tuple[str, int], ...]
    strokes: tuple[Stroke, ...]
    width: int
    height: int
    left_out: int


FLOWS: Final[Mapping[str, Flow]] = {
    TimelineKind.TICKET_MINTED: Flow.PUSH,
    TimelineKind.STATUS_PUSHED: Flow.PUSH,
    TimelineKind.COMMENT_PUSHED: Flow.PUSH,
    TimelineKind.PUSH_FAILED: Flow.FAILURE,
    TimelineKind.STATUS_CHANGED: Flow.INBOUND,
    TimelineKind.ANNOTATION: Flow.INBOUND,
    TimelineKind.ASSIGNEE_CHANGED: Flow.INBOUND,
    TimelineKind.TICKET_DELETED: Flow.INBOUND,
    TimelineKind.TICKET_MOVED: Flow.INBOUND,
    TimelineKind.INBOUND_IGNORED: Flow.ECHO,
}
_SAID_ALREADY: Final = frozenset({TimelineKind.INBOUND_ACTOR, TimelineKind.INBOUND_PAYLOAD})
"""Rows that only say more of the change above them."""
_OUTBOUND: Final = frozenset({Flow.PUSH, Flow.FAILURE})


def picture(
    moments: Sequence[Moment], tickets: Sequence[tuple[int, str]], *, most: int = 60
) -> Picture:
    """Draw the newest ``most`` moments.

    ``tickets`` are the lanes beside the case's: the connector's row id, and what to call the lane.
    """
    told = [moment for moment in moments if moment.kind not in _SAID_ALREADY]
    shown = told[-most:]
    lanes = {None: 0} | {connector: n for n, (connector, _) in enumerate(tickets, 1)}
    strokes: list[Stroke] = []
    for row, moment in enumerate(shown):
        before = shown[row - 1].at if row else None
        strokes.append(_stroke(moment, lanes, row, before))
    names = ("Case", *(name for _, name in tickets))
    return Picture(
        lanes=tuple((name, _x(lane)) for lane, name in enumerate(names)),
        strokes=tuple(strokes),
        width=_x(len(names)) - LANE_WIDTH // 2 + 220,
        height=MARGIN_TOP + ROW_HEIGHT * len(shown) + 10,
        left_out=len(told) - len(shown),
    )


def _stroke(
    moment: Moment, lanes: Mapping[int | None, int], row: int, before: datetime | None
) -> Stroke:
    lane = lanes.get(moment.connector, 0)
    flow = FLOWS.get(moment.kind, Flow.HERE) if lane else Flow.HERE
    start, end = (0, lane) if flow in _OUTBOUND else (lane, 0)
    if flow is Flow.HERE:
        start = end = lane
    minute = moment.at.replace(second=0, microsecond=0)
    return Stroke(
        flow=flow,
        start=_x(start),
        end=_x(end),
        y=MARGIN_TOP + ROW_HEIGHT * row + ROW_HEIGHT // 2,
        at=moment.at,
        new_minute=before is None or before.replace(second=0, microsecond=0) != minute,
        text=moment.text,
    )


def _x(lane: int) -> int:
    return MARGIN_LEFT + LANE_WIDTH * lane + LANE_WIDTH // 2
