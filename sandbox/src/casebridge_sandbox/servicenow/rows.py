"""Rows of ServiceNow's tables, and how they look in an answer.

Source: ServiceNow, "Table API", on ``sysparm_display_value`` and
``sysparm_exclude_reference_link``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from casebridge_sandbox.exchange import JsonObject

__all__ = ("Cell", "Row", "shown", "stamp", "stamp_cell")


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a column.

    Attributes:
        value: What is stored.
        display: What people see; the value unless given.
        table: For a reference, the table of the record it refers to.
    """

    value: str = ""
    display: str | None = None
    table: str | None = None

    @property
    def label(self) -> str:
        """What people see."""
        return self.value if self.display is None else self.display


Row = Mapping[str, Cell]
"""A record: its columns in alphabetical order."""


def stamp(moment: datetime) -> str:
    """Return a time as it is stored: UTC, without a zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def stamp_cell(moment: datetime | str | None) -> Cell:
    """Return a time with the form in which people see it."""
    if not moment:
        return Cell()
    if isinstance(moment, str):
        moment = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Cell(stamp(moment), f"{moment.astimezone(UTC):%m/%d/%y %H:%M:%S}")


def shown(
    row: Row,
    *,
    base_url: str,
    fields: Iterable[str] | None,
    display: str,
    links: bool,
) -> JsonObject:
    """Return a row as JSON.

    Args:
        row: The row.
        base_url: The address of the instance.
        fields: The columns to show, unknown ones left out; all unless given.
        display: ``"false"``, ``"true"``, or ``"all"``.
        links: Whether references carry a link.
    """
    names = list(row) if fields is None else [name for name in fields if name in row]
    return {name: _cell(row[name], base_url, display, links=links) for name in names}


def _cell(cell: Cell, base_url: str, display: str, *, links: bool) -> object:
    refers = cell.table is not None and cell.value != ""
    link = {"link": f"{base_url}/api/now/table/{cell.table}/{cell.value}"} if refers else {}
    if display == "all":
        return {"display_value": cell.label, "value": cell.value, **(link if links else {})}
    if display == "true":
        return {"display_value": cell.label, **link} if refers and links else cell.label
    return {**link, "value": cell.value} if refers and links else cell.value
