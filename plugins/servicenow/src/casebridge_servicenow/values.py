"""One reader for every shape in which ServiceNow writes a field's value (pure, total).

A field comes as a string, a number, a boolean, null, or an object of ``value``, ``display_value``
and ``link``, any of which may be missing. Source: ServiceNow, Table API, ``sysparm_display_value``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Row = Mapping[str, Any]
"""A record as the Table API or a webhook holds it: field name to a value of any shape."""

_TIME: Final = "%Y-%m-%d %H:%M:%S"


def value_of(field: object) -> str:
    """Return what the database holds, as text; empty when there is nothing.

    A reference without ``value`` (``sysparm_display_value=true``) still has its sys_id at the end
    of its link.
    """
    match field:
        case {"value": value} if value is not None:
            return _scalar(value)
        case {"link": str(link)}:
            return link.rstrip("/").rpartition("/")[2]
        case {"display_value": shown}:
            return _scalar(shown)
        case _:
            return _scalar(field)


def label_of(field: object) -> str:
    """Return what people read, as text; the value itself when there is no label."""
    match field:
        case {"display_value": shown} if shown is not None:
            return _scalar(shown)
        case _:
            return value_of(field)


def moment_of(field: object) -> datetime | None:
    """Return a field's time in UTC, or None when it is not a time.

    Stored values are UTC. A displayed one follows its reader's format and zone and is not read.
    """
    try:
        moment = datetime.fromisoformat(value_of(field))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written(moment: datetime) -> str:
    """Return a time as the Table API takes it: UTC, to the second."""
    return moment.astimezone(UTC).strftime(_TIME)


def _scalar(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value.strip()
        case float() if value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return ""
