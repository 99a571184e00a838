"""Taking turns at SQLite's one writer."""

from __future__ import annotations

import asyncio

import pytest

from casebridge.persistence.turns import Turns, Urgency, urgently


async def write(turns: Turns, log: list[str], name: str, *, urgent: bool = False) -> None:
    if urgent:
        with urgently():
            await write(turns, log, name)
        return
    async with turns:
        log.append(name)
        await asyncio.sleep(0)


async def started(*works: asyncio.Task[None]) -> None:
    """Let tasks run until each waits for its turn."""
    for _ in works:
        await asyncio.sleep(0)


async def test_the_urgent_go_first_and_each_queue_keeps_its_order() -> None:
    turns = Turns()
    log: list[str] = []
    async with turns:
        tasks = [
            asyncio.create_task(write(turns, log, "push 1")),
            asyncio.create_task(write(turns, log, "push 2")),
            asyncio.create_task(write(turns, log, "request 1", urgent=True)),
            asyncio.create_task(write(turns, log, "request 2", urgent=True)),
        ]
        await started(*tasks)

    await asyncio.gather(*tasks)

    assert log == ["request 1", "request 2", "push 1", "push 2"]


@pytest.mark.parametrize("urgent", [True, False])
async def test_a_cancelled_waiter_blocks_nobody(*, urgent: bool) -> None:
    turns = Turns()
    log: list[str] = []
    async with turns:
        given_up = asyncio.create_task(write(turns, log, "given up", urgent=urgent))
        patient = asyncio.create_task(write(turns, log, "patient"))
        await started(given_up, patient)
        given_up.cancel()
        await asyncio.gather(given_up, return_exceptions=True)

    await patient

    assert log == ["patient"]


async def test_a_turn_that_comes_with_the_cancellation_is_passed_on() -> None:
    turns = Turns()
    log: list[str] = []
    await turns.__aenter__()
    given_up = asyncio.create_task(write(turns, log, "given up"))
    patient = asyncio.create_task(write(turns, log, "patient"))
    await started(given_up, patient)

    await turns.__aexit__(None, None, None)  # the turn is given to the first, who has not run yet
    given_up.cancel()
    await asyncio.wait_for(patient, 5)

    assert log == ["patient"]


async def test_a_free_turn_is_taken_at_once_and_a_failure_gives_it_back() -> None:
    turns = Turns()
    log: list[str] = []

    with pytest.raises(ZeroDivisionError):
        async with turns:
            _ = 1 / 0
    await write(turns, log, "next")

    assert log == ["next"]


async def test_urgent_writes_are_waited_for_until_the_last_has_ended() -> None:
    urgency = Urgency()
    with urgently(), urgency.counted():
        waiting = asyncio.create_task(urgency.calm(60))
        await started(waiting)
        with urgency.counted():
            await started(waiting)
        await started(waiting)
        assert not waiting.done()

    await asyncio.wait_for(waiting, 60)


async def test_what_is_not_urgent_holds_nobody_back() -> None:
    urgency = Urgency()
    with urgency.counted():
        await asyncio.wait_for(urgency.calm(60), 1)


async def test_the_patience_has_an_end() -> None:
    urgency = Urgency()
    with urgently(), urgency.counted():
        await urgency.calm(0.001)


async def test_who_has_waited_for_long_goes_next_however_many_are_urgent() -> None:
    turns = Turns(patience_seconds=0)
    log: list[str] = []
    async with turns:
        tasks = [
            asyncio.create_task(write(turns, log, "request 1", urgent=True)),
            asyncio.create_task(write(turns, log, "push 1")),
            asyncio.create_task(write(turns, log, "request 2", urgent=True)),
        ]
        await started(*tasks)

    await asyncio.gather(*tasks)

    assert log == ["push 1", "request 1", "request 2"]
