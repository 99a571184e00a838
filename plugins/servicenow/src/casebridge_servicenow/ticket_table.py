"""The configured table: its records by the usual names of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from casebridge_servicenow.columns import Columns
from casebridge_servicenow.values import Row

if TYPE_CHECKING:
    from casebridge_servicenow.config import ServiceNowConfig
    from casebridge_servicenow.table_api import TableApi


class TicketTable:
    """Reads and writes tickets, whatever the table calls their fields."""

    def __init__(self, api: TableApi, config: ServiceNowConfig) -> None:
        """Bind the API to the table and its columns."""
        self._api = api
        self.name = config.table
        self.columns = Columns(config)

    async def rows(self, query: str, fields: tuple[str, ...], *, limit: int) -> list[Row]:
        """Return the records that match an encoded query, which speaks of columns."""
        rows = await self._api.rows(self.name, query, self._wanted(fields), limit=limit)
        return [self.columns.read(row) for row in rows]

    async def row(self, sys_id: str, fields: tuple[str, ...]) -> Row:
        """Return one record.

        Raises:
            TicketNotFound: it is not there, or out of the account's sight.
        """
        return self.columns.read(await self._api.row(self.name, sys_id, self._wanted(fields)))

    async def insert(self, values: Mapping[str, str], fields: tuple[str, ...]) -> Row:
        """Insert a record and return it as it was stored."""
        written = self.columns.written(values)
        row = await self._api.insert(self.name, written, self._wanted(fields))
        return self.columns.read(row)

    async def patch(self, sys_id: str, values: Mapping[str, str]) -> None:
        """Change fields of a record."""
        written = self.columns.written(values)
        await self._api.patch(self.name, sys_id, written, ("sys_id",))

    def _wanted(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.columns.of(name) for name in fields)
