"""A hundred cases created at once, with a Jira and a ServiceNow connected.

Counts the tickets at both vendors (none missing, none twice) and prints how long the API took to
answer each create and how long it took until every ticket stood. Everything runs on loopback:
the service and both stand-in vendors are processes of their own.

Run: python benchmarks/hundred_cases.py [--cases 100] [--at-once 100]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from stage import Stage, open_stage
from wire import Wire

PATIENCE_SECONDS = 120


async def create(wires: asyncio.Queue[Wire], number: int) -> float:
    """Create one case when a connection is free, and return the seconds until the answer."""
    wire = await wires.get()
    began = time.perf_counter()
    await wire.request("POST", "/v1/cases", msgspec.json.encode({"title": f"case {number}"}))
    took = time.perf_counter() - began
    wires.put_nowait(wire)
    return took


async def measure(stage: Stage, cases: int, at_once: int) -> None:
    """Create the cases at once, wait for the tickets, and print the figures."""
    async with AsyncExitStack() as stack:
        wires = asyncio.Queue[Wire]()
        for _ in range(at_once):
            wire = await stack.enter_async_context(Wire(stage.url, stage.headers))
            await wire.request("GET", "/health")
            wires.put_nowait(wire)
        began = time.perf_counter()
        answers = await asyncio.gather(*(create(wires, number) for number in range(cases)))
        answered = time.perf_counter() - began
        counts: dict[str, Counter[str]] = {}
        while time.perf_counter() - began < PATIENCE_SECONDS:
            counts = {
                name: Counter(ticket.summary for ticket in control.tickets())
                for name, control in stage.vendors.items()
            }
            if all(len(found) >= cases for found in counts.values()):
                break
            await asyncio.sleep(0.1)
        minted = time.perf_counter() - began
    quantiles = statistics.quantiles(answers, n=100)
    print(f"cases                {cases}, {at_once} at a time")
    print(f"all answered in      {answered:.2f} s")
    print(f"one create, median   {1000 * statistics.median(answers):.0f} ms")
    print(f"one create, p99      {1000 * quantiles[98]:.0f} ms")
    print(f"all tickets after    {minted:.2f} s")
    for name, found in counts.items():
        twice = sum(count > 1 for count in found.values())
        missing = cases - len(found)
        print(f"{name:<20} {sum(found.values())} tickets, {missing} missing, {twice} twice")


def main() -> None:
    """Set the stage and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--at-once", type=int, help="creates in flight at a time; all by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_stage(Path(folder)) as stage:
        asyncio.run(measure(stage, arguments.cases, arguments.at_once or arguments.cases))


if __name__ == "__main__":
    main()
