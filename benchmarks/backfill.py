"""Open cases backfilled to a Jira and a ServiceNow by 1, 2 and 4 workers on PostgreSQL.

Nothing limits the calls. Printed are the tickets a second, what is missing or doubled at each
vendor, and how far the memory of every worker went from a tenth of the way to the end.

Everything is a process of its own on this machine (the service and both vendors share one), so more
workers help only as far as there are cores.

Run: python -m benchmarks.backfill [--cases 500] [--workers 1 2 4]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import insert, select

from casebridge.domain.identifiers import CASE, new_id
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import utc_now
from casebridge_sandbox import JiraSandbox, RunningSandbox, ServiceNowSandbox, running
from tests.postgres import running_postgres
from tests.stage import Service, running_service

sys.path.insert(0, str(Path(__file__).parent))
from workers import Stage

MEBIBYTE = 2**20
BATCH = 1000
RAMP = {"first": 200, "most": 200}


def run(stage: Stage, vendors: Mapping[str, RunningSandbox[Any]], workers: int, cases: int) -> None:
    """Add open cases, backfill them, and print what came of it."""
    api = stage.service.api
    before = {name: len(vendor.control.tickets()) for name, vendor in vendors.items()}
    asyncio.run(add_cases(stage.url, cases))
    memory: list[list[float]] = []
    with stage.workers(workers) as crew:
        processes = [psutil.Process(worker.pid) for worker in crew]
        began = time.perf_counter()
        for card in api.get("/v1/connectors"):
            body = {"ramp": RAMP, "tolerance": 1000}
            api.post(f"/v1/connectors/{card['id']}/backfills", body)
        while (done := tickets_of(api.get("/v1/backfills")[: len(vendors)])) < 2 * cases:
            if done >= cases / 5:
                memory.append([each.memory_info().rss / MEBIBYTE for each in processes])
            time.sleep(0.5)
        seconds = time.perf_counter() - began
    print(f"{workers} workers: {2 * cases / seconds:.1f} tickets/s", end="")
    for name, vendor in vendors.items():
        found = Counter(ticket.summary for ticket in vendor.control.tickets())
        doubled = sum(count > 1 for count in found.values())
        print(f"; {name}: {cases - found.total() + before[name]} missing, {doubled} twice", end="")
    grown = [
        f"{first:.0f} to {last:.0f}" for first, last in zip(memory[0], memory[-1], strict=True)
    ]
    print(f"; memory, MiB: {', '.join(grown)}", flush=True)


def tickets_of(backfills: list[dict[str, Any]]) -> int:
    """Return how many tickets backfills have minted."""
    return sum(each["minted"] for each in backfills)


async def add_cases(url: str, count: int) -> None:
    """Add open cases that have no ticket, each with a title of its own."""
    database = Database(url)
    now = utc_now()
    usual: dict[str, Any] = {
        **dict.fromkeys(("summary", "deep_link"), ""),
        **dict.fromkeys(("severity_initial", "severity"), "low"),
        **dict.fromkeys(("status_changed_at", "created_at", "updated_at"), now),
        **{name: [] for name in ("detection_rules", "raw_events", "entities")},
        "version": 1,
        "status": "open",
        "status_trail": ["open"],
    }
    for start in range(0, count, BATCH):
        ids = [new_id(CASE) for _ in range(min(BATCH, count - start))]
        async with database.write() as session:
            tenant = await session.scalar(select(ConnectorRow.tenant_id).limit(1))
            own = [{"public_id": each, "title": each, "tenant_id": tenant} for each in ids]
            await session.execute(insert(CaseRow), [{**usual, **each} for each in own])
    await database.close()


def main() -> None:
    """Set the stage and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_postgres()).create_database("benchmark")
        jira = stack.enter_context(running(JiraSandbox()))
        servicenow = stack.enter_context(running(ServiceNowSandbox()))
        settings: dict[str, Any] = {"database_url": url, "engine": "distributed"}
        service: Service = stack.enter_context(running_service(folder / "data", **settings))
        stage = Stage(service, url, jira)
        second = service.add_servicenow(servicenow)
        service.api.patch(f"/v1/connectors/{second}", {"limits": {"in_flight": 100}})
        flag = {"name": "backfill", "enabled": True}
        service.api.http.put("/v1/feature-flags", json=flag).raise_for_status()
        for workers in arguments.workers:
            run(stage, {"jira": jira, "servicenow": servicenow}, workers, arguments.cases)


if __name__ == "__main__":
    main()
