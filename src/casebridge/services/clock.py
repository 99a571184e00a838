"""Time as a dependency, so that tests move it instead of waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from casebridge.services.faults import Invalid

Clock = Callable[[], datetime]
"""Returns the present moment, timezone-aware, in UTC."""


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def in_utc(moment: datetime, *, field: str) -> datetime:
    """Return the moment that a caller names, in UTC.

    Raises:
        Invalid: it has no time zone, or is beyond the calendar.
    """
    if moment.tzinfo is None:
        raise Invalid("needs a time zone, such as 2026-03-01T08:00:00Z", field=field)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise Invalid("is beyond the calendar", field=field) from error
