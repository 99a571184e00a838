"""A crew: a service that only schedules, and the worker processes that do its work."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text
from typing_extensions import override

from casebridge.persistence.database import Database
from casebridge_sandbox import RunningSandbox
from tests.processes import Program
from tests.stage import Service, eventually, running_service

LEASE: Final = 1.0
SETTINGS: Final[dict[str, Any]] = {"workers": 4, "lease_seconds": LEASE, "sweep_seconds": 0.2}
_BUSY: Final = "SELECT count(*) FROM case_external_refs WHERE lease_token IS NOT NULL"


_ANOTHER: Final = {"jira": {"project": "GONE"}, "servicenow": {"username": "gone"}}


class Worker(Program):
    """A process of `casebridge worker`."""

    def __init__(
        self,
        url: str,
        log: Path,
        settings: Mapping[str, object],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        command = (str(Path(sys.executable).with_name("casebridge")), "worker")
        super().__init__(command, log, {**settings, "database_url": url}, environment)
        self.url = url

    @property
    def is_ready(self) -> bool:
        return self.has_said("casebridge.working: working")

    @override
    def freeze(self) -> None:
        """Stop it where it is, but not inside a write to SQLite: that would stop everybody."""

        def stopped() -> bool:
            super(Worker, self).freeze()
            if _is_writable(self.url):
                return True
            self.thaw()
            return False

        eventually(stopped)


@dataclass
class Crew:
    """What a scenario acts on: the service's API, the workers, and the rows behind both."""

    engine: str
    url: str
    service: Service
    workers: list[Worker] = field(default_factory=list)
    _hired: int = 0

    def two_workers(self) -> tuple[Worker, Worker]:
        """Return two workers that are ready; whoever is left of the last scenario counts."""
        self.workers = [worker for worker in self.workers if worker.lives]
        for worker in self.workers:
            worker.thaw()
        while len(self.workers) < 2:
            self.workers.append(self._hire())
        eventually(lambda: all(worker.is_ready for worker in self.workers))
        first, second = self.workers
        return first, second

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database."""

        async def look() -> list[tuple[Any, ...]]:
            database = Database(self.url)
            async with database.read() as session:
                found = [tuple(row) for row in await session.execute(text(query))]
            await database.close()
            return found

        return asyncio.run(look())

    def clear(self) -> None:
        """Take every connector away, and wait until nobody works."""
        for worker in self.workers:
            if worker.lives:
                worker.thaw()
        for connector in self.service.api.get("/v1/connectors"):
            where = f"/v1/connectors/{connector['id']}"
            # the vendor forgets its tickets: what is added next is to be another connector
            self.service.api.patch(where, {"config": _ANOTHER[connector["vendor"]]})
            self.service.api.delete(where)
        eventually(lambda: self.rows(_BUSY) == [(0,)])

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.kill()

    def _hire(self) -> Worker:
        self._hired += 1
        log = self.service.data_dir.with_name(f"worker-{self._hired}.log")
        settings = {"data_dir": self.service.data_dir, "engine": self.engine, **SETTINGS}
        return Worker(self.url, log, settings)


def _is_writable(url: str) -> bool:
    """Tell whether the database takes writes; PostgreSQL always does, one row or another."""
    if not url.startswith("sqlite"):
        return True
    with closing(
        sqlite3.connect(url.partition(":///")[2], timeout=0, isolation_level=None)
    ) as file:
        try:
            file.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        file.execute("ROLLBACK")
    return True


@contextmanager
def running_crew(engine: str, url: str, data_dir: Path) -> Iterator[Crew]:
    """Serve without converging; the workers come when a scenario asks for them."""
    settings = {**SETTINGS, "engine": engine, "database_url": url}
    if engine == "embedded":
        settings["workers"] = 0
    with running_service(data_dir, **settings) as service:
        crew = Crew(engine, url, service)
        try:
            yield crew
        finally:
            crew.dismiss()


def busiest(vendor: RunningSandbox[Any], operation: str | None = None) -> int:
    """Return the most calls that were under way at the vendor at one moment."""
    changes: list[tuple[datetime, int]] = []
    for call in vendor.control.requests(operation):
        changes += [(call.at - timedelta(seconds=call.seconds), 1), (call.at, -1)]
    under_way = most = 0
    for _, change in sorted(changes):
        under_way += change
        most = max(most, under_way)
    return most
