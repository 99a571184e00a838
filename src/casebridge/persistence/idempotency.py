"""Idempotency keys: creates that are done once, however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from casebridge.persistence.schema import PublicRow, String

_INSERTS: Final[dict[str, Callable[..., Any]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class IdempotencyRow(PublicRow):
    """A key under which something was created, with the sealed answer to it.

    ``api_key`` is the public id of the API key that sent it, empty for callers who have none.
    ``answer_sealed`` is NULL inside of the transaction that creates, and nowhere else.
    """

    __tablename__ = "idempotency_keys"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    api_key: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(255))
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "api_key", "key"),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )


async def take(session: AsyncSession, row: IdempotencyRow) -> bool:
    """Insert a row unless its key is taken; tell whether that was possible.

    Whoever is at the same key in another transaction is waited for.
    """
    names = ("public_id", "tenant_id", "api_key", "key", "created_at")
    insert = _INSERTS[session.get_bind().dialect.name]
    query = insert(IdempotencyRow).values({name: getattr(row, name) for name in names})
    taken = await session.scalar(query.on_conflict_do_nothing().returning(IdempotencyRow.id))
    return taken is not None
