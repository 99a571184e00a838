"""The inbox's answers while nothing else goes on, and while reconciling and fan-out are busy.

Every ticket at a Jira and a ServiceNow changes and no webhook tells of it; then both connectors are
reconciled while five new cases a second come in. Meanwhile signed webhooks are delivered, twenty a
second at most, and timed. Everything runs on loopback: the service and both stand-in vendors are
processes of their own, so what is measured includes three processes that share this machine.

Run: python -m benchmarks.busy_inbox [--tickets 1000] [--deliveries 300]
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from casebridge_core.signatures import sign
from casebridge_sandbox import SandboxControl
from casebridge_sandbox.webhooks import WebhookFaults
from tests.letters import INBOX, jira_moved

sys.path.insert(0, str(Path(__file__).parent))
from stage import Stage, open_stage

PATIENCE_SECONDS = 600.0
PAST_THE_GRACE_SECONDS = 60.0
BETWEEN_CREATES_SECONDS = 0.2
BETWEEN_DELIVERIES_SECONDS = 0.05


@dataclass
class Bench:
    """A service with both vendors, and an inbox token to deliver with."""

    stage: Stage
    api: httpx.Client
    token: dict[str, str]
    issue: str = ""
    created: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def create_case(self) -> str:
        """Create a case; its tickets follow."""
        body = {"title": f"case {next(self.numbers)}"}
        return str(self.api.post("/v1/cases", json=body).raise_for_status().json()["id"])

    def deliver(self) -> float:
        """Deliver a webhook and return the seconds until the answer."""
        body = jira_moved(self.issue, "To Do", at=datetime.now(UTC))
        headers = {"X-Hub-Signature": sign(self.token["secret"], body)}
        began = time.perf_counter()
        answer = self.api.post(f"{INBOX}/{self.token['id']}", content=body, headers=headers)
        took = time.perf_counter() - began
        answer.raise_for_status()
        return took

    def connectors(self) -> list[dict[str, Any]]:
        """Read the connectors' cards."""
        cards: list[dict[str, Any]] = self.api.get("/v1/connectors").raise_for_status().json()
        return cards


def eventually(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            msg = "it takes too long"
            raise TimeoutError(msg)
        time.sleep(0.1)


@contextmanager
def open_bench(tickets: int) -> Iterator[Bench]:
    """Set the stage, and create the tickets."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_stage(Path(folder), CASEBRIDGE_RECONCILE_MINUTES="0") as stage,
        httpx.Client(
            base_url=stage.url, headers=dict(stage.headers), timeout=60, trust_env=False
        ) as api,
    ):
        token = api.post("/v1/inbox-tokens", json={"name": "letters"}).raise_for_status().json()
        bench = Bench(stage, api, token)
        first = bench.create_case()
        eventually(lambda: _ticket_of(api, first))
        bench.issue = _ticket_of(api, first)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: bench.create_case(), range(tickets - 1)))
        for control in stage.vendors.values():
            wait_for_tickets(control, tickets)
        yield bench


def wait_for_tickets(control: SandboxControl, tickets: int) -> None:
    """Wait until a vendor has its tickets, and nothing to tell any more."""
    eventually(lambda: len(control.tickets()) >= tickets)
    control.wait_until_idle(PATIENCE_SECONDS)


def _ticket_of(api: httpx.Client, case: str) -> str:
    tickets = api.get(f"/v1/cases/{case}").raise_for_status().json()["tickets"]
    return next((t["external_id"] for t in tickets if t["vendor"] == "jira"), None) or ""


def change_everything(bench: Bench) -> None:
    """Let people change every ticket, and lose all webhooks of it."""

    def change(vendor: str, control: SandboxControl) -> None:
        control.webhook_faults(WebhookFaults(drop=1.0))
        control.advance_clock(PAST_THE_GRACE_SECONDS)
        for ticket in control.tickets():
            if ticket.id == bench.issue:
                continue
            control.comment(ticket.id, "looked into it")
            if vendor == "jira":
                control.move(ticket.id, "In Progress")

    with ThreadPoolExecutor(2) as pool:
        for work in [pool.submit(change, *each) for each in bench.stage.vendors.items()]:
            work.result()


def while_busy(bench: Bench, deliveries: int) -> tuple[list[float], float]:
    """Reconcile and create cases; time deliveries until the reconciling is over."""
    over = threading.Event()

    def create() -> None:
        while not over.wait(BETWEEN_CREATES_SECONDS):
            bench.create_case()
            bench.created += 1

    began = time.perf_counter()
    for card in bench.connectors():
        bench.api.post(f"/v1/connectors/{card['id']}/reconcile").raise_for_status()
    worker = threading.Thread(target=create)
    worker.start()
    took: list[float] = []
    lasted = 0.0
    try:
        while len(took) < deliveries or not lasted:
            took.append(bench.deliver())
            time.sleep(BETWEEN_DELIVERIES_SECONDS)
            done = [card["reconcile"]["reconciled_at"] for card in bench.connectors()]
            if not lasted and all(done):
                lasted = time.perf_counter() - began
    finally:
        over.set()
        worker.join()
    return took, lasted


def main() -> None:
    """Set the stage and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=1000, help="at each vendor")
    parser.add_argument("--deliveries", type=int, default=300)
    arguments = parser.parse_args()
    with open_bench(arguments.tickets) as bench:
        idle = [bench.deliver() for _ in range(arguments.deliveries)]
        change_everything(bench)
        busy, lasted = while_busy(bench, arguments.deliveries)
    print(f"tickets that changed  {2 * (arguments.tickets - 1)}, made up for in {lasted:.1f} s")
    print(f"cases meanwhile       {bench.created}")
    for name, centile in (("p50", 49), ("p99", 98)):
        before, after = (statistics.quantiles(took, n=100)[centile] for took in (idle, busy))
        print(
            f"answer, {name}           {1000 * before:.1f} ms idle, {1000 * after:.1f} ms busy:"
            f" {after / before:.1f} times"
        )
    print(f"answer, longest       {1000 * max(busy):.0f} ms of {len(busy)} deliveries")


if __name__ == "__main__":
    main()
