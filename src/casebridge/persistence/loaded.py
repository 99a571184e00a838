"""Rows without the unit of work, for what is done by the hundred: read, changed, and written back.

A row of this kind has the attributes of its ORM class for the columns that were read. It knows
which of them were changed since, and only those are written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from casebridge.persistence.schema import Row

_ID: Final = "of_row"


class Loaded:
    """Some columns of a row, as attributes."""

    def __init__(self, names: Sequence[str], values: Sequence[Any]) -> None:
        """Hold what was read, by the columns' names."""
        self.__dict__ = dict(zip(names, values, strict=True))
        self.__dict__["_before"] = names, values

    def changes(self) -> dict[str, Any]:
        """Return what was changed since, by column."""
        now = vars(self)
        return {
            name: now[name]
            for name, before in zip(*now["_before"], strict=True)
            if now[name] is not before and now[name] != before
        }


class Table:
    """The columns of a kind of row that are read, and the statement that writes changes."""

    def __init__(self, kind: type[Row], names: Sequence[str]) -> None:
        """``names`` are the columns that are read; ``id`` is one of them in any case."""
        table = cast("sa.Table", kind.__table__)
        self.names = tuple(dict.fromkeys(("id", *names)))
        self.columns = [table.c[name] for name in self.names]
        self._update = sa.update(table).where(table.c.id == sa.bindparam(_ID))

    def row(self, values: Sequence[Any]) -> Loaded:
        """Return the row of what was read for `columns`."""
        return Loaded(self.names, values)

    def write(self, connection: sa.Connection, rows: Iterable[Any]) -> None:
        """Write what was changed of the rows: those with the same changes in one statement."""
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            changes = row.changes()
            if changes:
                alike[tuple(changes)].append({_ID: row.id, **changes})
        for values in alike.values():
            connection.execute(self._update, values)


def among(column: Any, name: str, *, is_sqlite: bool) -> sa.ColumnElement[bool]:  # noqa: ANN401 - any column's
    """Tell whether a column's value is in the list that a statement is given under ``name``.

    The list is what `listed` makes. The statement is the same however long it is, so that it is
    compiled and planned once.
    """
    if is_sqlite:
        values = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value")
        values_of = sa.select(values.c.value)
        return cast("sa.ColumnElement[bool]", column.in_(values_of))
    given = sa.any_(sa.bindparam(name, type_=ARRAY(_plain(column.type))))
    return cast("sa.ColumnElement[bool]", column == given)


def listed(values: Iterable[Any], *, is_sqlite: bool) -> Any:  # noqa: ANN401 - what the driver takes
    """Return the values as `among` wants them."""
    return json.dumps(list(values)) if is_sqlite else list(values)


def _plain(kind: Any) -> Any:  # noqa: ANN401 - any type
    return kind.impl if isinstance(kind, sa.TypeDecorator) else kind
