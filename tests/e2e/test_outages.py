"""The database locked, full, frozen or gone: a clear 503, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from typing import Any

import httpx
import pytest

from casebridge_sandbox import RunningSandbox
from tests.console import Browser
from tests.letters import Mailbox, jira_moved
from tests.postgres import PostgresServer
from tests.processes import free_port, service_process
from tests.stage import Service, eventually, running_service

Vendor = RunningSandbox[Any]
SECONDS = 0.3


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that waits for its database for a moment only."""
    folder = tmp_path_factory.mktemp("service") / "data"
    with running_service(folder, sweep_seconds=0.1, database_seconds=SECONDS) as running_one:
        yield running_one


def create(service: Service, title: str) -> httpx.Response:
    body = {"title": title, "summary": "x" * 4000}
    return service.api.http.post("/v1/cases", json=body)


def ready(service: Service) -> bool:
    return service.api.http.get("/ready").is_success


def refuses(answer: httpx.Response, reason: str) -> bool:
    """Tell whether an answer says that the database is not there, and when to come back."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    assert answer.headers["retry-after"] == "5"
    assert reason in answer.json()["detail"]
    return answer.status_code == 503


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Keep the write lock of an embedded database, as another process does."""
    path = service.data_dir / "casebridge.db"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        yield
        stranger.execute("ROLLBACK")


def test_while_somebody_keeps_the_lock_writes_are_refused_and_reads_go_on(
    service: Service, jira: Vendor, browser: Browser
) -> None:
    service.add_jira(jira)
    case = service.api.create_case("Before")
    ticket = service.api.linked(case)["jira"]
    mailbox = Mailbox.mint(service)
    browser.sign_in(service.key())
    letter = jira_moved(ticket["external_id"], "Done")

    with locked(service):
        assert refuses(create(service, "During"), "keeps the database locked")
        answer = mailbox.post(letter)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        page = browser.submit(f"/cases/{case}/status", on=f"/cases/{case}", status="triage")
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "Another process keeps the database locked" in page.text
        assert refuses(service.api.http.get("/ready"), "keeps the database locked")
        assert service.api.http.get("/health").text == "ok"
        assert service.api.status(case) == "open"

    assert eventually(lambda: ready(service))
    assert mailbox.post(letter).json()["applied"] is True
    after = service.api.create_case("After")
    service.api.linked(after)
    titles = [each["title"] for each in service.api.get("/v1/cases")["items"]]
    assert titles == ["After", "Before"]


def test_work_that_the_lock_cut_off_is_done_once_it_is_free(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    jira.control.arm("slow_answer", "create", seconds=0.3)
    case = service.api.create_case("Cut off")
    eventually(jira.control.tickets)

    with locked(service):
        assert refuses(create(service, "During"), "keeps the database locked")

    service.api.linked(case)
    service.api.move(case, "resolved")
    eventually(lambda: [ticket.status for ticket in jira.control.tickets()] == ["Done"])


def test_a_full_disk_takes_nothing_more_and_loses_nothing(tmp_path: Path, jira: Vendor) -> None:
    with service_process(tmp_path / "data", free_port()) as running_one:
        service, pid = running_one.service, running_one.program._process.pid
        service.add_jira(jira)
        kept = [service.api.create_case("Before")]
        service.api.linked(kept[0])
        full = max(path.stat().st_size for path in service.data_dir.iterdir())
        prlimit(pid, RLIMIT_FSIZE, (full, RLIM_INFINITY))

        while (answer := create(service, f"Case {len(kept)}")).is_success:
            kept.append(answer.json()["id"])
        assert refuses(answer, "the disk of the database")
        assert eventually(lambda: not ready(service))
        assert service.api.http.get("/health").text == "ok"

        prlimit(pid, RLIMIT_FSIZE, (RLIM_INFINITY, RLIM_INFINITY))
        assert eventually(lambda: ready(service))
        kept.append(service.api.create_case("After"))
        for case in kept:
            service.api.linked(case)
        there = service.rows("SELECT count(*) FROM cases")
        assert there == [(len(kept),)]
        assert len(jira.control.tickets()) == len(kept)


def processes(server: PostgresServer) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *map(int, children)]


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Stop every process of PostgreSQL in the middle of what it does."""
    stopped = processes(server)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def test_a_postgresql_that_stands_still_or_drops_everybody_is_waited_for(
    tmp_path: Path, jira: Vendor, postgres_server: PostgresServer, postgres_url: str
) -> None:
    settings: dict[str, Any] = {"database_url": postgres_url, "database_seconds": SECONDS}
    with running_service(tmp_path / "data", sweep_seconds=0.1, **settings) as service:
        service.add_jira(jira)
        before = service.api.create_case("Before")
        service.api.linked(before)

        with frozen(postgres_server):
            assert refuses(create(service, "During"), "does not answer in time")
            assert refuses(service.api.http.get("/ready"), "does not answer in time")
            assert service.api.http.get("/health").text == "ok"
        assert eventually(lambda: ready(service))
        after = service.api.create_case("After")
        service.api.linked(after)

        postgres_server.disconnect_everybody(postgres_url.rpartition("/")[2])
        assert eventually(lambda: ready(service))
        service.api.move(before, "resolved")
        service.api.linked(before)
        titles = [each["title"] for each in service.api.get("/v1/cases")["items"]]
        assert set(titles) - {"During"} == {"Before", "After"}
        statuses = {ticket.summary: ticket.status for ticket in jira.control.tickets()}
        assert [status for summary, status in statuses.items() if "Before" in summary] == ["Done"]
