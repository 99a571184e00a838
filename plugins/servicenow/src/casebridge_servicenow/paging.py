"""A place among rows in the order of a time that has a resolution of one second.

A page may end within a second. A place is the time and the sys_id of the last row: the rest of that
second comes first, then what is later. So no row is skipped, however many have one time, and one
that changes meanwhile comes again further on. A page may be short, because ServiceNow applies the
limit before the access rules; only an empty one is the last.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import msgspec

from casebridge_core import InvalidRequest
from casebridge_servicenow.queries import both, oldest_first, where
from casebridge_servicenow.values import Row, value_of, written

_TEXT: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\|([0-9A-Za-z]{1,64})")


class Place(msgspec.Struct, frozen=True):
    """Where a page begins: after the row of this second and sys_id; without one, at the second."""

    second: str
    sys_id: str | None = None

    @classmethod
    def since(cls, moment: datetime) -> Place:
        """Return the place before everything of a moment's second."""
        return cls(written(moment))

    @classmethod
    def of(cls, row: Row, *, time: str) -> Place | None:
        """Return the place after a row, or None when it shows no time or no sys_id."""
        return cls._read(f"{value_of(row.get(time))}|{value_of(row.get('sys_id'))}")

    @classmethod
    def named(cls, text: str) -> Place:
        """Return the place that `str` wrote.

        Raises:
            InvalidRequest: it did not.
        """
        place = cls._read(text)
        if place is None:
            raise InvalidRequest("the page is not one that this connector gave")
        return place

    def __str__(self) -> str:
        """Return the place as a text that holds neither a condition nor a script."""
        return f"{self.second}|{self.sys_id}"

    async def page(
        self,
        read: Callable[[str], Awaitable[list[Row]]],
        *,
        time: str,
        conditions: tuple[str, ...],
    ) -> list[Row]:
        """Return the rows that follow; ``read`` asks for those that match a query."""
        order = (oldest_first(time), oldest_first("sys_id"))
        if self.sys_id is None:
            return await read(both(*conditions, where(time, ">=", self.second), *order))
        same = (where(time, "=", self.second), where("sys_id", ">", self.sys_id))
        rows = await read(both(*conditions, *same, *order))
        return rows or await read(both(*conditions, where(time, ">", self.second), *order))

    @classmethod
    def _read(cls, text: str) -> Place | None:
        found = _TEXT.fullmatch(text)
        return None if found is None else cls(found.group(1), found.group(2))
