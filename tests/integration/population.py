"""Rows in every table of a database, whatever its revision is: known by its tables alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table

ALEMBIC: Final = "alembic_version"
ROWS: Final = 3
"""Rows that are added to each table at a time."""
_MOMENT: Final = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
_WORDS: Final[dict[str, Any]] = {
    "category": "todo",
    "detection_rules": ["Impossible travel", "Gefälschte Anmeldung"],
    "entities": [{"kind": "host", "value": "web-01"}],
    "last_inbound_status": "triage",
    "last_pushed_status": "triage",
    "kind": "case_edited",
    "mapped_to": "triage",
    "raw_events": ['{"class_uid": 3002}'],
    "scheme": "signature",
    "scopes": ["admin"],
    "settled_status": "triage",
    "severity": "high",
    "severity_initial": "low",
    "status": "triage",
    "status_trail": ["triage", "open"],
    "template": "itsm-inbound",
    "ticket_category": "todo",
    "vendor": "acme",
}
"""What columns of these names hold, where the service would stumble over anything else."""
_STATES: Final = {"backfills": "paused"}
_PLAIN: Final[dict[type[sa.types.TypeEngine[Any]], Callable[[int], Any]]] = {
    sa.JSON: lambda number: {"número": number, "list": [None, True, 1.5, "\u2028"]},
    sa.Boolean: lambda number: number % 2 == 0,
    sa.LargeBinary: lambda number: bytes(range(256)) + bytes([number]),
    sa.Float: lambda number: number + 0.1,
    sa.Integer: lambda number: number,
}


def tables_of(connection: Connection) -> list[Table]:
    """Return the database's tables as it has them, parents first."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != ALEMBIC]


def populate(connection: Connection) -> None:
    """Add a few rows to every table, with a value in every column and with awkward ones."""
    for table in tables_of(connection):
        known = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)))
        assert known is not None
        for number in range(known + 1, known + 1 + ROWS):
            connection.execute(table.insert(), _row(table, number))


def content(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, as the database tells it."""
    return {
        table.name: [
            dict(row) for row in connection.execute(table.select().order_by(table.c.id)).mappings()
        ]
        for table in tables_of(connection)
    }


def _row(table: Table, number: int) -> dict[str, Any]:
    return {
        column.name: _value(table, column, number)
        for column in table.columns
        if column.name != "id"  # the database's own to give
    }


def _value(table: Table, column: sa.Column[Any], number: int) -> Any:
    if column.foreign_keys:
        return number
    if column.nullable and number % ROWS == 0:
        return None
    if column.name == "public_id":
        return f"{table.name}-{number}"
    if column.name == "state":
        return _STATES[table.name]
    if column.name in _WORDS:
        return _WORDS[column.name]
    if isinstance(column.type, sa.DateTime):
        moment = _MOMENT + timedelta(days=number)
        return moment if column.type.timezone else moment.replace(tzinfo=None)
    if isinstance(column.type, sa.String):
        text = f"{table.name}-{column.name}-{number}-ü\u2028🎫\n'\\"
        return text[: column.type.length]
    return next(make(number) for kind, make in _PLAIN.items() if isinstance(column.type, kind))
