"""Locks on what has no row of its own."""

from __future__ import annotations

import hashlib

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def hold(session: AsyncSession, name: str) -> bool:
    """Deal alone with what ``name`` stands for, over all processes, until the transaction ends.

    Returns whether somebody else may have dealt with it since the transaction began, so that it is
    worth another look. On SQLite nobody has: its one writer holds everything.
    """
    if session.get_bind().dialect.name == "sqlite":
        return False
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    key = bindparam("key", int.from_bytes(digest, signed=True), BigInteger)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    return True
