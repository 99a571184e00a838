"""Locks on what has no row of its own."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def hold(session: AsyncSession, name: str) -> bool:
    """Deal alone with what ``name`` stands for, over all processes, until the transaction ends.

    Returns whether somebody else may have dealt with it since the transaction began, so that it is
    worth another look. On SQLite nobody has: its one writer holds everything.
    """
    if session.get_bind().dialect.name == "sqlite":
        return False
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    return True
