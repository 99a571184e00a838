"""Group commit: what arrives while a transaction is under way shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from casebridge.persistence.outages import DatabaseUnavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_MOST: Final = 32
_RETURN_SECONDS: Final = 0.001


@dataclass(slots=True, eq=False)
class _Place(Generic[Item, Outcome]):
    item: Item
    outcome: asyncio.Future[Outcome]


class Together(Generic[Item, Outcome]):
    """Does the same kind of work for many callers at once, in the order in which they came.

    A caller who comes alone is served at once; company is never waited for. Only when a group was
    answered a moment ago, those who were in it may come again first, for as long as they do: else
    every group would be followed by one of its quickest member alone.

    When a group fails, each of its members is done alone, so that one bad item fails nobody else;
    when the database is not there, all fail with it, since each would wait for it anew.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]], *, most: int = _MOST
    ) -> None:
        """``work`` does a group whole or not at all, and returns an outcome for each item.

        ``most`` is the largest group.
        """
        self._work = work
        self._most = most
        self._waiting: list[_Place[Item, Outcome]] = []
        self._runner: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Outcome:
        """Do one item, with whoever else waits; a caller who gives up early is left out.

        Raises:
            Exception: what ``work`` raised for this item alone.
        """
        place = _Place[Item, Outcome](item, asyncio.get_running_loop().create_future())
        self._waiting.append(place)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await place.outcome

    async def _run(self) -> None:
        try:
            while self._waiting:
                group = self._waiting[: self._most]
                del self._waiting[: self._most]
                await self._serve([place for place in group if not place.outcome.done()])
                await self._await_return(len(group))
        finally:
            self._runner = None

    async def _await_return(self, served: int) -> None:
        """Wait while those who were served with others come again."""
        there = -1
        while 1 < served > len(self._waiting) > there:
            there = len(self._waiting)
            await asyncio.sleep(_RETURN_SECONDS)

    async def _serve(self, group: Sequence[_Place[Item, Outcome]]) -> None:
        if not group:
            return
        try:
            outcomes = await self._work([place.item for place in group])
        except Exception as error:  # noqa: BLE001 - it is the callers' to handle
            if len(group) == 1 or isinstance(error, DatabaseUnavailable):
                for place in group:
                    _fail(place, error)
                return
            for place in group:
                await self._serve([place])
        else:
            for place, outcome in zip(group, outcomes, strict=True):
                if not place.outcome.done():
                    place.outcome.set_result(outcome)


def _fail(place: _Place[Item, Outcome], error: Exception) -> None:
    if not place.outcome.done():
        place.outcome.set_exception(error)
