"""Locks on what has no row of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

_HOLD: Final = select(
    func.pg_advisory_xact_lock(
        func.unnest(bindparam("keys", type_=ARRAY(BigInteger))).column_valued("key")
    )
)


async def hold(session: AsyncSession, name: str) -> bool:
    """Deal alone with what ``name`` stands for, over all processes, until the transaction ends.

    Returns whether somebody else may have dealt with it since the transaction began, so that it is
    worth another look. On SQLite nobody has: its one writer holds everything.
    """
    if session.get_bind().dialect.name == "sqlite":
        return False
    await session.execute(_HOLD, {"keys": [_key(name)]})
    return True


def hold_all(connection: Connection, names: Iterable[str]) -> None:
    """Do what `hold` does for many names at once, in an order that is the same for everybody."""
    if connection.dialect.name != "sqlite" and (keys := sorted({_key(name) for name in names})):
        connection.execute(_HOLD, {"keys": keys})


def _key(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
