"""Spans of time in words that a person takes in at a glance."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def roughly(seconds: float) -> str:
    """Return a span in its largest unit, such as ``7 minutes``."""
    for size, unit in _UNITS:
        count = round(seconds / size)
        if count and seconds >= size:
            return f"1 {unit}" if count == 1 else f"{count} {unit}s"
    return "less than a minute"


def about(seconds: float) -> str:
    """Return a span that was reckoned, such as ``about 7 minutes``."""
    words = roughly(seconds)
    return words if words.startswith("less") else f"about {words}"
