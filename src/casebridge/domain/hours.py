"""A connector's last day, hour by hour: what went out above a line, what came in below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from casebridge.domain.traffic import FLOWS, Flow

HOURS: Final = 24
COLUMN: Final = 16
BAR: Final = 12
HALF: Final = 34
"""How high the highest bar is, in pixels, on its side of the line."""
_LEAST: Final = 2
_OUT: Final = (Flow.PUSH, Flow.FAILURE)
_IN: Final = (Flow.INBOUND, Flow.ECHO)
_WORDS: Final = {
    Flow.PUSH: "pushed",
    Flow.FAILURE: "failed",
    Flow.INBOUND: "came back",
    Flow.ECHO: "taken note of",
}


class HourCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of one kind the timeline has, so many whole hours ago."""

    hours_ago: int
    kind: str
    count: int


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a bar, in pixels from the upper left corner."""

    flow: Flow
    x: int
    y: int
    height: int


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of each side, and what it says in words."""

    segments: tuple[Segment, ...]
    text: str


class DayChart(msgspec.Struct, frozen=True, kw_only=True):
    """The bars from a day ago (left) to now, and the day in words."""

    hours: tuple[Hour, ...]
    summary: str
    empty: bool
    bar: int = BAR
    width: int = COLUMN * HOURS
    height: int = 2 * HALF + 1
    axis: int = HALF


def day_chart(counts: Sequence[HourCount]) -> DayChart:
    """Draw a day; kinds of rows that cross no border are left out, as in a case's picture."""
    flows: Counter[tuple[int, Flow]] = Counter()
    for each in counts:
        flow = FLOWS.get(each.kind)
        if flow is not None and each.hours_ago < HOURS:
            flows[max(0, each.hours_ago), flow] += each.count
    sides = [sum(flows[ago, flow] for flow in side) for ago in range(HOURS) for side in (_OUT, _IN)]
    most = max(1, *sides)
    totals = Counter[Flow]()
    for (_, flow), count in flows.items():
        totals[flow] += count
    return DayChart(
        hours=tuple(_hour(flows, ago, most) for ago in reversed(range(HOURS))),
        summary=_in_words(totals),
        empty=not flows,
    )


def _hour(flows: Counter[tuple[int, Flow]], ago: int, most: int) -> Hour:
    x = COLUMN * (HOURS - 1 - ago) + (COLUMN - BAR) // 2
    when = "in the last hour" if ago == 0 else f"{ago} to {ago + 1} hours ago"
    said = _in_words(Counter({flow: flows[ago, flow] for flow in _WORDS}))
    return Hour(segments=tuple(_segments(flows, ago, most, x)), text=f"{when}: {said}")


def _segments(flows: Counter[tuple[int, Flow]], ago: int, most: int, x: int) -> Iterator[Segment]:
    above = HALF
    for flow in _OUT:
        if height := _height(flows[ago, flow], most):
            above -= height
            yield Segment(flow=flow, x=x, y=above, height=height)
    below = HALF + 1
    for flow in _IN:
        if height := _height(flows[ago, flow], most):
            yield Segment(flow=flow, x=x, y=below, height=height)
            below += height


def _height(count: int, most: int) -> int:
    """Return a height in pixels; whatever there is can be seen."""
    return 0 if count == 0 else max(_LEAST, count * (HALF - _LEAST) // most)


def _in_words(counts: Counter[Flow]) -> str:
    told = [f"{counts[flow]} {word}" for flow, word in _WORDS.items() if counts[flow]]
    return ", ".join(told) or "nothing"
