"""Workers on PostgreSQL: throughput with 1, 2 and 4, recovery, pick-up latency, idle cost, a drain.

The service, the workers, the stand-in Jira and PostgreSQL are processes of their own on this
machine, so more workers only help while they wait for the vendor (``--delay``).

Run: python -m benchmarks.workers [--cases 200] [--delay 0.2] [--due 10000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from casebridge.domain.identifiers import CASE, REF, correlation_key, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now
from casebridge_sandbox import JiraSandbox, RunningSandbox, running
from tests.postgres import running_postgres
from tests.stage import Service, eventually, running_service

PATIENCE = 600.0
DUE = "SELECT count(*) FROM case_external_refs WHERE due_at IS NOT NULL OR lease_token IS NOT NULL"
COMMITS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'benchmark'"


class Stage:
    """A service that only schedules, a Jira, and as many workers as are asked for."""

    def __init__(self, service: Service, url: str, jira: RunningSandbox[Any]) -> None:
        self.service, self.url, self.jira = service, url, jira
        self.connector = service.add_jira(jira)
        path = f"/v1/connectors/{self.connector}"
        service.api.patch(path, {"limits": {"in_flight": 100}})

    def pause(self) -> None:
        """Have nothing pushed."""
        path = f"/v1/connectors/{self.connector}/pause"
        self.service.api.post(path, {"reason": "benchmark"})

    def resume(self) -> None:
        """Have everything pushed."""
        self.service.api.post(f"/v1/connectors/{self.connector}/resume")

    @contextmanager
    def workers(self, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run workers, from ready to stopped."""
        environment = {
            **os.environ,
            "CASEBRIDGE_DATA_DIR": str(self.service.data_dir),
            "CASEBRIDGE_DATABASE_URL": self.url,
            "CASEBRIDGE_ENGINE": "distributed",
        }
        command = (str(Path(sys.executable).with_name("casebridge")), "worker")
        log = self.service.data_dir.with_name("workers.log")
        with log.open("wb") as out:
            crew = [
                subprocess.Popen(command, env=environment, stdout=out, stderr=out)
                for _ in range(count)
            ]
        try:
            ready = b"casebridge.working: working"
            eventually(lambda: log.read_bytes().count(ready) == count, within=PATIENCE)
            time.sleep(1)  # until they listen
            yield crew
        finally:
            for worker in crew:
                worker.terminate()
            for worker in crew:
                worker.wait()

    def look(self, query: str) -> int:
        """Return the number that a query gives."""

        async def ask() -> int:
            database = Database(self.url)
            async with database.read() as session:
                found = await session.scalar(text(query))
            await database.close()
            return int(found or 0)

        return asyncio.run(ask())

    def settled(self) -> bool:
        """Tell whether nothing is due and nobody works."""
        return self.look(DUE) == 0


def throughput(stage: Stage, workers: int, cases: int, delay: float) -> None:
    """Print the tickets that are minted in a second."""
    before = len(stage.jira.control.tickets())
    stage.jira.control.arm("delay", count=None, seconds=delay)
    stage.pause()
    for number in range(cases):
        stage.service.api.create_case(f"case {number}")
    with stage.workers(workers):
        seconds = took(stage.resume, stage.settled)
    stage.jira.control.disarm()
    minted = len(stage.jira.control.tickets()) - before
    print(f"{workers} workers: {minted / seconds:.0f} tickets/s ({minted} of {cases})", flush=True)


def pick_up(stage: Stage, cases: int) -> None:
    """Print how long after a case came in the vendor is called, nothing else going on."""
    waits = []
    with stage.workers(2):
        stage.service.api.linked(stage.service.api.create_case("first"))
        for number in range(cases):
            case = stage.service.api.create_case(f"case {number}")
            stage.service.api.linked(case)
            asked = datetime.fromisoformat(stage.service.api.case(case)["created_at"])
            call = stage.jira.control.requests("create")[-1]
            began = call.at - timedelta(seconds=call.seconds)
            waits.append((began - asked).total_seconds() * 1000)
    centiles = statistics.quantiles(waits, n=100)
    print(f"pick-up: p50 {centiles[49]:.0f} ms, p99 {centiles[98]:.0f} ms", flush=True)


def recovery(stage: Stage) -> None:
    """Print how long a ticket of a killed worker takes, lease included."""
    stage.jira.control.arm("slow_answer", "create", seconds=5)
    before = len(stage.jira.control.tickets())
    with stage.workers(1) as (killed,):
        case = stage.service.api.create_case("case")
        eventually(lambda: len(stage.jira.control.tickets()) > before)
        with stage.workers(1):
            killed.kill()
            linked = lambda: stage.service.api.ticket(case, "jira")["state"] == "linked"  # noqa: E731
            print(f"recovery after kill -9: {took(lambda: None, linked):.1f} s", flush=True)


def idle(stage: Stage, seconds: float) -> None:
    """Print what waiting costs."""
    with stage.workers(2):
        time.sleep(3)
        before = stage.look(COMMITS)
        time.sleep(seconds)
        rate = (stage.look(COMMITS) - before) / seconds / 2
    print(f"idle: {rate:.1f} transactions/s a worker", flush=True)


def drain(stage: Stage, due: int) -> None:
    """Print how long refs take that are due and have nothing missing."""
    stage.pause()
    asyncio.run(add_due(stage.url, due))
    for workers in (1, 2):
        if workers > 1:
            stage.pause()
            asyncio.run(make_due(stage.url))
        with stage.workers(workers):
            seconds = took(stage.resume, stage.settled)
        print(f"{due} due refs, {workers} workers: {seconds:.0f} s", flush=True)


async def add_due(url: str, due: int) -> None:
    """Add cases whose tickets are settled, and have them looked at."""
    database = Database(url)
    now = utc_now()
    async with database.write() as session:
        query = "SELECT id, tenant_id FROM connectors LIMIT 1"
        connector, tenant = (await session.execute(text(query))).one()
        case: dict[str, Any] = {
            "tenant_id": tenant,
            "title": "",
            "summary": "",
            "deep_link": "",
            "version": 1,
            "severity_initial": "low",
            "severity": "low",
            "status": "open",
            "status_trail": ["open"],
            "detection_rules": [],
            "raw_events": [],
            "entities": [],
            "status_changed_at": now,
            "created_at": now,
            "updated_at": now,
        }
        cases = [{**case, "public_id": new_id(CASE)} for _ in range(due)]
        ids = await session.scalars(insert(CaseRow).returning(CaseRow.id), cases)
        refs = []
        for case_id in ids.all():
            public_id = new_id(REF)
            refs.append(
                {
                    "public_id": public_id,
                    "correlation_key": correlation_key(public_id),
                    "tenant_id": tenant,
                    "case_id": case_id,
                    "connector_id": connector,
                    "vendor": "jira",
                    "external_id": public_id,
                    "external_key": public_id,
                    "settled_status": "open",
                    "verify_asked": False,
                    "priority": 0,
                    "attempts": 0,
                    "due_at": now,
                    "created_at": now,
                    "updated_at": now,
                }
            )
        await session.execute(insert(RefRow), refs)
    await database.close()


async def make_due(url: str) -> None:
    """Have every ref looked at again."""
    database = Database(url)
    async with database.write() as session:
        await session.execute(text("UPDATE case_external_refs SET due_at = now()"))
    await database.close()


def took(begin: Callable[[], object], done: Callable[[], object]) -> float:
    """Return the seconds from a beginning until something is so."""
    began = time.perf_counter()
    begin()
    eventually(done, within=PATIENCE)
    return time.perf_counter() - began


def main() -> None:
    """Set the stage and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--delay", type=float, default=0.2, help="of each vendor call, in seconds")
    parser.add_argument("--due", type=int, default=10_000)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_postgres()).create_database("benchmark")
        jira = stack.enter_context(running(JiraSandbox()))
        settings: dict[str, Any] = {"database_url": url, "engine": "distributed"}
        service = stack.enter_context(running_service(folder / "data", **settings))
        stage = Stage(service, url, jira)
        pick_up(stage, 60)
        for workers in (1, 2, 4):
            throughput(stage, workers, arguments.cases, arguments.delay)
        recovery(stage)
        idle(stage, 10)
        drain(stage, arguments.due)


if __name__ == "__main__":
    main()
