"""From POST /v1/cases to the ticket: latency at a steady rate and in a burst, pushes, CPU a push.

The service (SQLite) and both stand-in vendors are processes of their own on loopback, and share the
machine: what is measured includes the vendors. A push is one call of a vendor's API; a ticket takes
several. Latency is taken at the Jira, from the case's POST to the ticket's creation.

Run: python benchmarks/outbound.py [--cases 100] [--rate 5] [--burst 200]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from stage import Stage, open_stage
from wire import Wire

PATIENCE_SECONDS = 300.0
WIRES = 32
FEW_WIRES = 4


class Bench:
    """A service with both vendors, connections to it, and what was asked of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.wires = asyncio.Queue[Wire]()
        self.asked: dict[str, datetime] = {}
        children = psutil.Process().children()
        self.service = next(each for each in children if "casebridge-" not in each.cmdline()[1])

    @asynccontextmanager
    async def connected(self, *, few: bool) -> AsyncIterator[None]:
        """Connect, for as many requests at once; with few, none is idle for long."""
        self.wires = asyncio.Queue[Wire]()
        async with AsyncExitStack() as stack:
            for _ in range(FEW_WIRES if few else WIRES):
                wire = await stack.enter_async_context(Wire(self.stage.url, self.stage.headers))
                self.wires.put_nowait(wire)
            yield

    async def create(self, title: str) -> None:
        """Create a case over a free connection."""
        wire = await self.wires.get()
        self.asked[title] = datetime.now(UTC)
        await wire.request("POST", "/v1/cases", msgspec.json.encode({"title": title}))
        self.wires.put_nowait(wire)

    def standing(self) -> int:
        """Return how many tickets there are at the vendor that has fewest."""
        return min(len(control.tickets()) for control in self.stage.vendors.values())

    def calls(self) -> int:
        """Return how many calls the vendors have had."""
        logs = [control.requests() for control in self.stage.vendors.values()]
        return sum(log[-1].number for log in logs if log)

    def latencies(self, titles: Sequence[str]) -> list[float]:
        """Return the milliseconds from each POST to the ticket at the Jira."""
        tickets = self.stage.vendors["jira"].tickets()
        created = {ticket.summary: ticket.created for ticket in tickets}
        return [
            1000
            * (next(at for name, at in created.items() if title in name) - asked).total_seconds()
            for title, asked in self.asked.items()
            if title in titles
        ]


async def measure(bench: Bench, name: str, titles: Sequence[str], pause: float) -> None:
    """Create cases with a pause between two of them, wait for their tickets, and print."""
    calls, cpu = bench.calls(), sum(bench.service.cpu_times()[:2])
    wanted, began = bench.standing() + len(titles), time.perf_counter()
    async with bench.connected(few=pause > 0), asyncio.TaskGroup() as group:
        for title in titles:
            group.create_task(bench.create(title))
            await asyncio.sleep(pause)
    while bench.standing() < wanted:
        if time.perf_counter() - began > PATIENCE_SECONDS:
            msg = f"{bench.standing()} of {wanted} tickets"
            raise TimeoutError(msg)
        await asyncio.sleep(0.1)
    took = time.perf_counter() - began
    for control in bench.stage.vendors.values():
        control.wait_until_idle(PATIENCE_SECONDS)
    pushes = bench.calls() - calls
    cpu = sum(bench.service.cpu_times()[:2]) - cpu
    centiles = statistics.quantiles(bench.latencies(titles), n=100)
    print(
        f"{name:<28} latency p50 {centiles[49]:.0f} ms, p99 {centiles[98]:.0f} ms;"
        f" {2 * len(titles) / took:.1f} tickets/s, {pushes / took:.0f} pushes/s,"
        f" {1000 * cpu / pushes:.2f} ms CPU a push, {500 * cpu / len(titles):.1f} a ticket",
        flush=True,
    )


async def run(stage: Stage, cases: int, rate: float, burst: int) -> None:
    """Warm up, then measure the steady rate and the burst."""
    bench = Bench(stage)
    await measure(bench, "first ten", [f"warm {n:05}" for n in range(10)], 0.1)
    name = f"{cases} at {rate:g} a second"
    await measure(bench, name, [f"steady {n:05}" for n in range(cases)], 1 / rate)
    await measure(bench, f"{burst} at once", [f"burst {n:05}" for n in range(burst)], 0)
    memory = bench.service.memory_info().rss / 2**20
    print(f"memory of the service        {memory:.0f} MiB")


def main() -> None:
    """Set the stage and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--burst", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_stage(Path(folder)) as stage:
        asyncio.run(run(stage, arguments.cases, arguments.rate, arguments.burst))


if __name__ == "__main__":
    main()
