"""A complete webhook, as fast as this machine does it, beside what it is compared with.

Complete is: signature, detection, decision, case and ticket updated, three timeline rows, the
event stored, durable before the answer. Every webhook moves its case. The server has the first
core, the load and PostgreSQL have the second. All figures are of one run, since only their ratios
mean something elsewhere. Each rate is the median of several volleys.

Run: python -m benchmarks.webhooks [--requests 4000] [--rounds 3] [--refs 1000] [--json FILE]
(needs benchmarks/requirements.txt)
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import psutil
import uvloop

sys.path.insert(0, str(Path(__file__).parent))
from contenders import (
    PINNED,
    Contender,
    casebridge,
    cpu_of_all,
    durable_postgres,
    keep_to_the_second_core,
    uvicorn,
)
from jira_bodies import moved
from rows import fill
from volley import Volley, fire, request

from casebridge_core.signatures import sign
from tests.postgres import PostgresServer

CONNECTIONS = 32
_STRIDE = 7919  # a prime
SERVER, PLAIN = ("casebridge", "serve", "--port"), "serve_plainly.py"
PACKAGES = ("litestar", "uvicorn", "SQLAlchemy", "asyncpg", "aiosqlite", "fastapi", "msgspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one way of doing it came to; CPU in microseconds for each request."""

    name: str
    cpu: float
    postgres_cpu: float
    rate: float
    p50: float
    p99: float


class Bench:
    """Measures contenders one after the other, and keeps what came of each."""

    def __init__(self, requests: int, rounds: int, refs: int) -> None:
        self.requests, self.rounds, self.refs = requests, rounds, refs
        self.figures: dict[str, Figures] = {}
        self.postgres: psutil.Process | None = None

    def measure(
        self,
        contender: Contender,
        bodies: Iterator[bytes],
        *,
        connections: int = CONNECTIONS,
        requests: int | None = None,
        all_applied: bool = True,
    ) -> None:
        """Warm up, then fire volleys and note the medians."""
        count = requests or self.requests
        volleys: list[Volley] = []
        costs: list[tuple[float, float]] = []
        for turn in range(self.rounds + 1):
            size = count if turn else max(count // 4, 2 * connections)
            letters = [
                request(contender.target, body, self._headers(contender, body))
                for body in itertools.islice(bodies, size)
            ]
            before = (contender.cpu_seconds(), self._postgres_cpu())
            volley = uvloop.run(fire(contender.target, letters, connections=connections))
            after = (contender.cpu_seconds(), self._postgres_cpu())
            assert not all_applied or all(b'"applied":true' in each for each in volley.answers)
            if turn:
                volleys.append(volley)
                costs.append((after[0] - before[0], after[1] - before[1]))
        took = sorted(itertools.chain.from_iterable(volley.took for volley in volleys))
        centiles = statistics.quantiles(took, n=100)
        self.figures[contender.name] = figures = Figures(
            name=contender.name,
            cpu=1e6 * statistics.median(cost for cost, _ in costs) / count,
            postgres_cpu=1e6 * statistics.median(cost for _, cost in costs) / count,
            rate=count / statistics.median(volley.seconds for volley in volleys),
            p50=1000 * centiles[49],
            p99=1000 * centiles[98],
        )
        print(line(figures), flush=True)

    def _headers(self, contender: Contender, body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature": sign(contender.secret, body)} if contender.secret else {}

    def _postgres_cpu(self) -> float:
        return cpu_of_all(self.postgres) if self.postgres is not None else 0.0

    def ratio(self, one: str, other: str) -> float | None:
        """Return how many times as many requests a second one is than the other."""
        if one not in self.figures or other not in self.figures:
            return None
        return self.figures[one].rate / self.figures[other].rate


def moves(refs: int, turns: Iterator[int] | None = None) -> Iterator[bytes]:
    """Return the bodies of moves of every issue in turn, each of them a real transition.

    Neighbours in time are no neighbours in the tables.
    """
    for turn in turns or itertools.count():
        for number in range(refs):
            yield moved(1 + number * _STRIDE % refs, turn)


def repeated(bodies: Iterator[bytes], *, share: float) -> Iterator[bytes]:
    """Return bodies of which a share repeats one that was delivered before."""
    chance = random.Random(7)  # noqa: S311 - which body is no secret
    known = list(itertools.islice(bodies, 200))
    yield from known
    while True:
        if chance.random() < share:
            yield chance.choice(known)
        else:
            known.append(next(bodies))
            yield known[-1]


def the_ceiling(bench: Bench) -> None:
    """Measure a handler that does nothing."""
    with uvicorn("{} handler", "bare:app") as contender:
        target = Contender(contender.name, f"{contender.target}/tok", contender.process)
        bench.measure(target, moves(bench.refs), all_applied=False)


def the_peer(bench: Bench, server: PostgresServer) -> None:
    """Measure the peer."""
    url = server.create_database("peer")
    os.environ["PEER_DATABASE_URL"] = url  # it is imported to make its tables
    import peer  # noqa: PLC0415 - what it needs is not everybody's

    asyncio.run(peer.set_up(bench.refs, "peer-secret"))
    with uvicorn("peer on PostgreSQL", "peer:app", {"PEER_DATABASE_URL": url}) as contender:
        target = Contender(
            contender.name, f"{contender.target}/tok_peer", contender.process, "peer-secret"
        )
        bench.measure(target, moves(bench.refs), requests=max(bench.requests // 4, 500))


def ours(
    bench: Bench, where: str, url: Callable[[], str], parts: Sequence[str], *, plainly: bool = False
) -> None:
    """Measure the service on one database; ``plainly`` with a transaction for each webhook."""
    program = (sys.executable, str(Path(__file__).with_name(PLAIN))) if plainly else ()
    how = f"plainly on {where}" if plainly else f"on {where}"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        database = url()
        running = casebridge(how, Path(folder), database, program)
        contender, api = stack.enter_context(running)
        token = _furnish(api)
        asyncio.run(fill(database or f"sqlite+aiosqlite:///{folder}/casebridge.db", bench.refs))
        bodies = moves(bench.refs)
        target = f"{contender.target}/v1/inbox/itsm/{token['id']}"
        for part in parts:
            name = f"{how}{part and ', '}{part}"
            aim = Contender(name, target, contender.process, token["secret"])
            if part == "1 connection":
                few = max(bench.requests // 8, 200)
                bench.measure(aim, bodies, connections=1, requests=few)
            elif part == "90 % repeats":
                bench.measure(aim, repeated(bodies, share=0.9), all_applied=False)
            else:
                few = max(bench.requests // 4, 500) if plainly else bench.requests
                bench.measure(aim, bodies, requests=few)


def _furnish(api: httpx.Client) -> dict[str, str]:
    """Connect a Jira that is never called, and mint a token."""
    config = {
        "base_url": "https://bench.atlassian.net",
        "email": "bridge@example.com",
        "api_token": "bench",
        "project": "SEC",
    }
    new = {"vendor": "jira", "name": "jira", "config": config}
    connector = api.post("/v1/connectors", json=new).raise_for_status().json()
    new = {"name": "webhooks", "connector_id": connector["id"]}
    token: dict[str, str] = api.post("/v1/inbox-tokens", json=new).raise_for_status().json()
    return token


def line(figures: Figures) -> str:
    """Return one line of the table."""
    return (
        f"{figures.name:<36} {figures.cpu:7.0f} {figures.postgres_cpu:7.0f}"
        f" {figures.rate:8.0f} {figures.p50:8.2f} {figures.p99:8.2f}"
    )


def ratios(bench: Bench) -> dict[str, float | None]:
    """Return what the figures mean."""
    found = {
        "PostgreSQL : peer": bench.ratio("on PostgreSQL", "peer on PostgreSQL"),
        "SQLite : peer": bench.ratio("on SQLite", "peer on PostgreSQL"),
        "PostgreSQL : {} handler": bench.ratio("on PostgreSQL", "{} handler"),
        "SQLite : {} handler": bench.ratio("on SQLite", "{} handler"),
    }
    for where in ("PostgreSQL", "SQLite"):
        name = f"on {where}"
        if name in bench.figures:
            figures = bench.figures[name]
            found[f"p99 : p50 on {where}"] = figures.p99 / figures.p50
        found[f"repeats : new on {where}"] = bench.ratio(f"{name}, 90 % repeats", name)
        found[f"alone : plainly, alone on {where}"] = bench.ratio(
            f"{name}, 1 connection", f"plainly {name}, 1 connection"
        )
        found[f"grouped : plainly on {where}"] = bench.ratio(name, f"plainly {name}")
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def main() -> None:
    """Measure everything, or the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4000, help="of one volley")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--refs", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--only", nargs="*", default=["bare", "peer", "postgresql", "sqlite", "plain"]
    )
    arguments = parser.parse_args()
    keep_to_the_second_core()
    bench = Bench(arguments.requests, arguments.rounds, arguments.refs)
    parts = ("", "90 % repeats", "1 connection")
    print(f"{'':<36} {'CPU us':>7} {'PG us':>7} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8}")
    if "bare" in arguments.only:
        the_ceiling(bench)
    if "sqlite" in arguments.only:
        ours(bench, "SQLite", str, parts)
        if "plain" in arguments.only:
            ours(bench, "SQLite", str, ("", "1 connection"), plainly=True)
    if {"postgresql", "peer"} & set(arguments.only):
        with durable_postgres() as (server, process):
            bench.postgres = process
            if "peer" in arguments.only:
                the_peer(bench, server)
            if "postgresql" in arguments.only:
                ours(bench, "PostgreSQL", lambda: server.create_database("ours"), parts)
            if {"postgresql", "plain"} <= set(arguments.only):
                fresh = lambda: server.create_database("plain")  # noqa: E731
                ours(bench, "PostgreSQL", fresh, ("", "1 connection"), plainly=True)
    print()
    for name, ratio in ratios(bench).items():
        print(f"{name:<36} {ratio:7.2f}")
    if arguments.json:
        machine = {
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "pinned": PINNED,
            **{name: version(name) for name in PACKAGES},
        }
        table = [asdict(figures) for figures in bench.figures.values()]
        report = {"machine": machine, "figures": table, "ratios": ratios(bench)}
        arguments.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
