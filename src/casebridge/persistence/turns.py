"""Whoever somebody waits for goes first: at SQLite's one writer, and before new fan-out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Final, NamedTuple

_PATIENCE_SECONDS: Final = 0.25
_urgent: ContextVar[bool] = ContextVar("casebridge_urgent", default=False)


@contextmanager
def urgently() -> Iterator[None]:
    """Let what is written inside go before what nobody waits for, such as the fan-out."""
    token = _urgent.set(True)
    try:
        yield
    finally:
        _urgent.reset(token)


class Urgency:
    """Counts the urgent writes under way, so that what nobody waits for can hold back."""

    def __init__(self) -> None:
        """Begin calm."""
        self._writes = 0
        self._calm = asyncio.Event()
        self._calm.set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what happens inside, if it is urgent."""
        if not _urgent.get():
            yield
            return
        self._writes += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._writes -= 1
            if self._writes == 0:
                self._calm.set()

    async def calm(self, patience_seconds: float) -> None:
        """Wait until no urgent write is under way, but never longer than the patience."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while self._writes:
                    await self._calm.wait()


class _Place(NamedTuple):
    """A place in a queue: what is set when the turn comes, and since when it is taken."""

    turn: asyncio.Future[None]
    since: float


class Turns:
    """A lock with two queues, each in order of arrival; the urgent one is served first.

    Whoever has waited for the patience goes next all the same: requests that never end would
    otherwise stop the fan-out for good.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Begin free."""
        self._taken = False
        self._patience = patience_seconds
        self._urgent = deque[_Place]()
        self._others = deque[_Place]()

    async def __aenter__(self) -> None:
        """Wait for the turn."""
        if not self._taken:
            self._taken = True
            return
        loop = asyncio.get_running_loop()
        place = _Place(loop.create_future(), loop.time())
        queue = self._urgent if _urgent.get() else self._others
        queue.append(place)
        try:
            await place.turn
        except asyncio.CancelledError:
            if place.turn.cancelled():
                if place in queue:
                    queue.remove(place)
            else:  # the turn came in the moment of the cancellation: it is passed on
                self._pass_on()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Pass the turn on."""
        self._pass_on()

    def _pass_on(self) -> None:
        while queue := self._next():
            place = queue.popleft()
            if not place.turn.done():
                place.turn.set_result(None)
                return
        self._taken = False

    def _next(self) -> deque[_Place]:
        """Return the queue that is served now, an empty one when nobody waits."""
        if not self._others or not self._urgent:
            return self._urgent or self._others
        waited = asyncio.get_running_loop().time() - self._others[0].since
        return self._others if waited >= self._patience else self._urgent
