"""The declarative registry and the column types that every table shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, Final, cast

import sqlalchemy as sa
from sqlalchemy import JSON, DateTime, Dialect, MetaData, TypeDecorator
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from casebridge import persistence

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware moment in UTC on every database; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite keeps it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment without a time zone cannot be stored"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Text(TypeDecorator[str]):
    """Text of any length; a NUL, which PostgreSQL refuses, is replaced on every database."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store what every database takes."""
        return None if value is None else value.replace("\0", "\ufffd")


class String(TypeDecorator[str]):
    """A line as for `Text`; what is longer than the column is cut on every database."""

    impl = sa.String
    cache_ok = True

    def __init__(self, length: int) -> None:
        """Hold at most ``length`` characters."""
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store what every database takes: a vendor's text is never a reason to fail."""
        return None if value is None else value.replace("\0", "\ufffd")[: self.length]


class Row(DeclarativeBase):
    """A table's row. Integers join rows; ``public_id`` is what leaves the service."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        list[str]: JSON(),
        list[dict[str, str]]: JSON(),
        dict[str, Any]: JSON(),
    }

    id: Mapped[int] = mapped_column(primary_key=True)


class PublicRow(Row):
    """A row that the outside can name."""

    __abstract__ = True

    public_id: Mapped[str] = mapped_column(String(40), unique=True)


def every_table() -> list[sa.Table]:
    """Return every table, each after those that it refers to."""
    for module in iter_modules(persistence.__path__):  # a table is known once its module is loaded
        import_module(f"{persistence.__name__}.{module.name}")
    return Row.metadata.sorted_tables


async def insert_all(session: AsyncSession, rows: Sequence[Row]) -> None:
    """Insert new rows of one kind in one statement, and give each its id.

    Each row has the same columns set. They stay outside of the session, to be read and no more:
    the unit of work would cost several times as much.
    """
    if not rows:
        return
    kind = type(rows[0])
    columns = kind.__table__.columns.keys()
    values = [{name: vars(row)[name] for name in columns if name in vars(row)} for row in rows]
    table = cast("sa.Table", kind.__table__)
    query = sa.insert(table).returning(table.c.id, sort_by_parameter_order=True)
    for row, row_id in zip(rows, await session.scalars(query, values), strict=True):
        row.id = row_id
