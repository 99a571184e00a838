"""Work that arrives at once, done as one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.persistence.together import Together


class Ledger:
    """Work that takes until it is let go, and remembers the groups it was given."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()

    async def work(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        await self.gate.wait()
        if 13 in items:
            msg = "unlucky"
            raise ValueError(msg)
        return [item * 10 for item in items]


async def begun(*works: asyncio.Task[int]) -> None:
    """Let tasks run until each waits."""
    for _ in range(len(works) + 1):
        await asyncio.sleep(0)


async def test_one_who_comes_alone_is_served_at_once() -> None:
    ledger = Ledger()
    ledger.gate.set()

    assert await Together(ledger.work).do(1) == 10
    assert ledger.groups == [[1]]


async def test_those_who_come_meanwhile_share_the_next_group_in_their_order() -> None:
    ledger = Ledger()
    together = Together(ledger.work)
    tasks = [asyncio.create_task(together.do(1))]
    await begun(*tasks)
    tasks += [asyncio.create_task(together.do(number)) for number in (2, 3, 4)]
    await begun(*tasks)

    ledger.gate.set()

    assert await asyncio.gather(*tasks) == [10, 20, 30, 40]
    assert ledger.groups == [[1], [2, 3, 4]]


async def test_a_group_has_a_largest_size() -> None:
    ledger = Ledger()
    ledger.gate.set()
    together = Together(ledger.work, most=2)

    assert await asyncio.gather(*(together.do(number) for number in range(5))) == [
        0,
        10,
        20,
        30,
        40,
    ]
    assert max(len(group) for group in ledger.groups) == 2


async def test_one_that_fails_fails_nobody_else() -> None:
    ledger = Ledger()
    ledger.gate.set()
    together = Together(ledger.work)

    ends = await asyncio.gather(
        *(together.do(number) for number in (1, 13, 2)), return_exceptions=True
    )

    assert ends[0] == 10
    assert isinstance(ends[1], ValueError)
    assert ends[2] == 20


async def test_one_who_gave_up_while_waiting_is_left_out() -> None:
    ledger = Ledger()
    together = Together(ledger.work)
    tasks = [asyncio.create_task(together.do(1))]
    await begun(*tasks)
    tasks += [asyncio.create_task(together.do(number)) for number in (2, 3)]
    await begun(*tasks)

    tasks[1].cancel()
    await begun(*tasks)
    ledger.gate.set()

    assert await tasks[0] == 10
    assert await tasks[2] == 30
    assert ledger.groups == [[1], [3]]


async def test_one_who_gives_up_during_the_work_does_not_undo_it_for_the_others() -> None:
    ledger = Ledger()
    together = Together(ledger.work)
    first = asyncio.create_task(together.do(1))
    await begun(first)
    others = [asyncio.create_task(together.do(number)) for number in (2, 3)]
    await begun(first, *others)

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    ledger.gate.set()

    assert await asyncio.gather(*others) == [20, 30]


async def test_after_a_failure_the_next_one_is_served() -> None:
    ledger = Ledger()
    ledger.gate.set()
    together = Together(ledger.work)
    with pytest.raises(ValueError, match="unlucky"):
        await together.do(13)

    assert await together.do(4) == 40


async def test_those_who_were_served_together_come_again_together() -> None:
    ledger = Ledger()
    together = Together(ledger.work)

    async def deliver(first: int) -> int:
        for number in (first, first + 100):
            await together.do(number)
            for _ in range(first):  # some come again later than others
                await asyncio.sleep(0)
        return first

    tasks = [asyncio.create_task(together.do(0))]
    await begun(*tasks)
    tasks += [asyncio.create_task(deliver(first)) for first in (1, 2, 3)]
    await begun(*tasks)
    ledger.gate.set()
    await asyncio.gather(*tasks)

    assert ledger.groups == [[0], [1, 2, 3], [101, 102, 103]]


async def test_nobody_is_tried_alone_while_the_database_is_away() -> None:
    groups: list[list[int]] = []
    gate = asyncio.Event()

    async def work(items: Sequence[int]) -> list[int]:
        groups.append(list(items))
        await gate.wait()
        raise DatabaseUnavailable("the database cannot be reached")

    together = Together(work)
    tasks = [asyncio.create_task(together.do(1))]
    await begun(*tasks)
    tasks += [asyncio.create_task(together.do(number)) for number in (2, 3, 4)]
    await begun(*tasks)
    gate.set()

    ends = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(end, DatabaseUnavailable) for end in ends)
    assert groups == [[1], [2, 3, 4]]
