"""What the bridge's fields are called in the configured table (pure).

Everything else in this package speaks of the usual names, those of ``incident``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig

CORRELATION: Final = "correlation_id"
RENAMEABLE: Final = frozenset(
    {
        "assigned_to",
        "assignment_group",
        "caller_id",
        "category",
        "close_code",
        "close_notes",
        "comments",
        "correlation_display",
        "description",
        "hold_reason",
        "impact",
        "incident_state",
        "number",
        "short_description",
        "state",
        "urgency",
        "work_notes",
    }
)
"""The fields that a table may call otherwise."""
FILLED: Final = (RENAMEABLE - {"assigned_to", "number"}) | {CORRELATION, "sys_id"}
"""The fields that the bridge fills, and that nobody else may."""

ValueT = TypeVar("ValueT")


class Columns:
    """The names of one table."""

    def __init__(self, config: ServiceNowConfig) -> None:
        self._names = {**config.field_names, CORRELATION: config.correlation_field}
        self._usual = {column: name for name, column in self._names.items()}

    def of(self, name: str) -> str:
        """Return the column for a field, which may be dot-walked: ``assigned_to.email``."""
        first, dot, rest = name.partition(".")
        return f"{self._names.get(first, first)}{dot}{rest}"

    def usual(self, column: str) -> str:
        """Return the field for a column."""
        first, dot, rest = column.partition(".")
        return f"{self._usual.get(first, first)}{dot}{rest}"

    def written(self, values: Mapping[str, ValueT]) -> dict[str, ValueT]:
        """Return a record by its columns."""
        return {self.of(name): value for name, value in values.items()}

    def read(self, row: Mapping[str, ValueT]) -> dict[str, ValueT]:
        """Return a record by its fields."""
        return {self.usual(column): value for column, value in row.items()}
