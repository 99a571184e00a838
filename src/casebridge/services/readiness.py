"""Whether this process could take something and keep it: a write is tried, not guessed."""

from __future__ import annotations

import asyncio
from typing import Final

from casebridge.persistence.database import Database

_GOOD_FOR_SECONDS: Final = 1.0


class Readiness:
    """Tries the database, once a second at most, however many ask."""

    def __init__(self, database: Database) -> None:
        """Bind the database."""
        self._database = database
        self._last: tuple[asyncio.Task[None], float] | None = None

    async def check(self) -> None:
        """See that the database takes a write.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it does not.
        """
        now = asyncio.get_running_loop().time()
        if self._last is None or (self._last[0].done() and now > self._last[1]):
            task = asyncio.create_task(self._database.try_to_write())
            self._last = task, now + _GOOD_FOR_SECONDS
        await asyncio.shield(self._last[0])
