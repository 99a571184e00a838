"""Servers to measure, each a process of its own on the first core, and what they cost.

Everything else (the load, PostgreSQL) is on the second core, where the machine has two and lets
processes be bound to them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil
from stage import wait_for

from casebridge.serving import address_of, bound_socket
from tests.postgres import PostgresServer, running_postgres

PINNED: Final = shutil.which("taskset") is not None and (os.cpu_count() or 1) > 1
DURABLE: Final = ("-c", "synchronous_commit=on", "-c", "fsync=on", "-c", "max_connections=200")


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server; ``target`` is where webhooks go, ``headers`` go with each of them."""

    name: str
    target: str
    process: psutil.Process
    secret: str = ""
    headers: Mapping[str, str] | None = None

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server has used so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


def keep_to_the_second_core() -> None:
    """Bind this process, and what it starts, to the second core."""
    if PINNED:
        os.sched_setaffinity(0, {1})


@contextmanager
def durable_postgres() -> Iterator[tuple[PostgresServer, psutil.Process]]:
    """Run a PostgreSQL that loses nothing; also return its first process."""
    with running_postgres(flags=DURABLE) as server:
        yield server, psutil.Process(server.pid)


def cpu_of_all(first: psutil.Process) -> float:
    """Return the CPU time of a process and of all that it started and that is still there."""
    total = 0.0
    for process in (first, *first.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


@contextmanager
def uvicorn(
    name: str, app: str, environment: Mapping[str, str] | None = None
) -> Iterator[Contender]:
    """Serve an application of this folder with uvicorn, without its access log."""
    port = _free_port()
    command = ["-m", "uvicorn", app, "--port", port, "--log-level", "error", "--no-access-log"]
    where = {"PYTHONPATH": search_path(), **(environment or {})}
    with _process([sys.executable, *command], where) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        yield Contender(name, url, process)


@contextmanager
def casebridge(
    name: str, folder: Path, database_url: str = "", program: tuple[str, ...] = ()
) -> Iterator[tuple[Contender, httpx.Client]]:
    """Serve Casebridge with nothing to do but what comes in; also return a client of its API.

    ``program`` serves it in another way than ``casebridge serve``.
    """
    port = _free_port()
    environment = {
        "CASEBRIDGE_DATA_DIR": str(folder),
        "CASEBRIDGE_DATABASE_URL": database_url,
        "CASEBRIDGE_WORKERS": "0",
        "CASEBRIDGE_RECONCILE_MINUTES": "0",
        "CASEBRIDGE_INBOX_TOKEN_RATE": "0",
        "CASEBRIDGE_LOG_LEVEL": "ERROR",
        "PYTHONPATH": search_path(),
    }
    command = program or (str(Path(sys.executable).with_name("casebridge")), "serve", "--port")
    with _process([*command, port], environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(url)
        key = (folder / "admin.key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as api:
            yield Contender(name, url, process), api


def search_path() -> str:
    """Return where a contender finds this folder and the tests, beside what is found anyway."""
    here = Path(__file__).parent
    return os.pathsep.join(filter(None, (str(here), str(here.parent), os.getenv("PYTHONPATH"))))


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[psutil.Process]:
    pinned = ["taskset", "-c", "0", *command] if PINNED else command
    process = subprocess.Popen(pinned, env={**os.environ, **environment})
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> str:
    with bound_socket() as listener:
        return address_of(listener).rpartition(":")[2]
