"""Lost webhooks are made up for within one period, at both vendors, whatever was lost."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from casebridge_sandbox import RunningSandbox
from casebridge_sandbox.webhooks import WebhookFaults
from tests.processes import free_port, service_process
from tests.stage import DEADLINE_SECONDS, MovableClock, Service, eventually, running_service

Vendor = RunningSandbox[Any]

MEANINGS = {
    "jira": {
        "To Do": {"open"},
        "In Progress": {"triage", "contained"},
        "Done": {"resolved", "closed"},
    },
    "servicenow": {
        "New": {"open"},
        "In Progress": {"triage", "contained"},
        "Resolved": {"resolved"},
    },
}
PEOPLE = ("Ada Analyst", "Ben Responder", None)


@pytest.fixture(scope="module")
def shared_service(
    tmp_path_factory: pytest.TempPathFactory, clock: MovableClock
) -> Iterator[Service]:
    """A service whose reconciler looks every five minutes."""
    folder = tmp_path_factory.mktemp("service") / "data"
    with running_service(folder, clock=clock, sweep_seconds=0.1, reconcile_minutes=5) as running:
        yield running


@dataclass
class Crowd:
    """People who work on tickets, each case's at one vendor; what they do is drawn from a seed."""

    service: Service
    vendors: dict[str, Vendor]
    random: Random
    tickets: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take_on(self, cases: int) -> None:
        """Create cases, and wait for their tickets."""
        made = [self.service.api.create_case(f"Case {number}") for number in range(cases)]
        for number, case in enumerate(made):
            vendor = list(self.vendors)[number % 2]
            self.tickets[case] = vendor, self.service.api.linked(case)[vendor]["key"]

    def work(self, steps: int) -> None:
        """Move, assign and comment."""
        for _ in range(steps):
            for vendor, key in self.tickets.values():
                desk = self.vendors[vendor].control
                status = self.random.choice(list(MEANINGS[vendor]))
                if status != desk.ticket(key).status:
                    desk.move(key, status, force=True)
                desk.assign(key, self.random.choice(PEOPLE))
                desk.comment(key, f"note {self.random.random()}")

    def wait_for_the_post(self) -> None:
        """Wait until every webhook that was not lost is dealt with, and so is what came of it."""
        for _ in range(3):
            for vendor in self.vendors.values():
                vendor.control.wait_until_idle()
            for case in self.tickets:
                self.service.api.linked(case)

    def lost(self) -> dict[str, int]:
        """Count the webhooks that were lost."""
        return {
            name: sum(each.outcome == "dropped" for each in vendor.control.deliveries())
            for name, vendor in self.vendors.items()
        }

    def disagreements(self) -> list[str]:
        """Tell in what cases and tickets differ."""
        return [problem for case in self.tickets for problem in self._differ(case)]

    def _differ(self, case: str) -> Iterator[str]:
        found = self.service.api.case(case)
        for ticket in found["tickets"]:
            there = self.vendors[ticket["vendor"]].control.ticket(ticket["external_id"])
            if found["status"] not in MEANINGS[ticket["vendor"]][there.status]:
                yield f"{case} is {found['status']}, {ticket['key']} is {there.status}"
        vendor, key = self.tickets[case]
        there = self.vendors[vendor].control.ticket(key)
        name = found["assignee"]["name"] if found["assignee"] else None
        if (there.assignee or None) != name:
            yield f"{case} is {name}'s, {key} is {there.assignee}'s"
        texts = {comment.text for comment in there.comments}
        if not texts <= {annotation["text"] for annotation in found["annotations"]}:
            yield f"{case} lacks comments of {key}"


def finished_runs(service: Service) -> list[Any]:
    """Return how each connector is reconciled, once each has been."""
    runs = [card["reconcile"] for card in service.api.get("/v1/connectors")]
    return runs if all(run["lag_seconds"] is not None for run in runs) else []


def test_with_a_third_of_all_webhooks_lost_everything_agrees_within_one_period(
    service: Service, jira: Vendor, servicenow: Vendor, clock: MovableClock
) -> None:
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    crowd = Crowd(service, {"jira": jira, "servicenow": servicenow}, Random(7))  # noqa: S311 - repeatable
    crowd.take_on(4)
    for vendor in crowd.vendors.values():
        vendor.control.webhook_faults(WebhookFaults(drop=0.3, double=0.1, seed=7))

    crowd.work(4)
    crowd.wait_for_the_post()
    differed = crowd.disagreements()
    clock.advance(minutes=5)

    assert min(crowd.lost().values()) > 0
    assert differed
    eventually(lambda: not crowd.disagreements())
    for run in eventually(lambda: finished_runs(service)):
        assert run["error"] is None
        assert run["lag_seconds"] < 60
    rows = [row for case in crowd.tickets for row in service.api.timeline(case)]
    for name in crowd.vendors:
        assert f"itsm-reconciler ({name})" in {row["actor_label"] for row in rows}


def test_a_run_can_be_asked_for_and_waited_for(
    service: Service, jira: Vendor, servicenow: Vendor, clock: MovableClock
) -> None:
    connector = service.add_jira(jira)
    case = service.api.create_case()
    key = service.api.linked(case)["jira"]["key"]
    jira.control.webhook_faults(WebhookFaults(drop=1.0))
    jira.control.move(key, "Done")
    clock.advance(minutes=1)

    shown = service.api.post(f"/v1/connectors/{connector}/reconcile?wait_seconds=30")

    assert (shown["state"], shown["error"]) == ("waiting", None)
    assert shown["reconciled_at"] is not None
    assert shown["cursor"] is not None
    assert service.api.status(case) == "resolved"


def test_what_went_wrong_is_on_the_connectors_card(
    service: Service, jira: Vendor, clock: MovableClock
) -> None:
    connector = service.add_jira(jira)
    service.api.linked(service.api.create_case())
    jira.control.arm("status", "search", status=503, count=None)

    shown = service.api.post(f"/v1/connectors/{connector}/reconcile?wait_seconds=30")

    assert shown["reconciled_at"] is None
    assert "503" in shown["error"]
    assert service.api.get(f"/v1/connectors/{connector}")["reconcile"]["error"] == shown["error"]
    jira.control.disarm()
    clock.advance(minutes=1)
    card = f"/v1/connectors/{connector}"
    eventually(lambda: service.api.get(card)["reconcile"]["error"] is None)


def test_a_deleted_ticket_whose_webhook_was_lost_is_noticed_within_a_day(
    service: Service, jira: Vendor, servicenow: Vendor, clock: MovableClock
) -> None:
    service.add_jira(jira)
    service.add_servicenow(servicenow)
    case = service.api.create_case()
    tickets = service.api.linked(case)
    for vendor in (jira, servicenow):
        vendor.control.webhook_faults(WebhookFaults(drop=1.0))
    jira.control.delete(tickets["jira"]["key"])
    servicenow.control.delete(tickets["servicenow"]["key"])

    clock.advance(hours=24)

    for name in ("jira", "servicenow"):
        dead = service.api.ticket_in(case, name, "dead")
        assert dead["failure"]["kind"] == "TicketNotFound"
    kinds = [row["kind"] for row in service.api.timeline(case)]
    assert kinds.count("ticket_missing") == 2


def test_a_service_killed_in_the_middle_of_a_page_goes_on_and_does_nothing_twice(
    tmp_path: Path, jira: Vendor
) -> None:
    port, data_dir = free_port(), tmp_path / "data"
    with service_process(data_dir, port) as first:
        connector = first.service.add_jira(jira)
        made = [first.service.api.create_case(f"Case {number}") for number in range(8)]
        keys = [first.service.api.linked(case)["jira"]["key"] for case in made]
        jira.control.webhook_faults(WebhookFaults(drop=1.0))
        jira.control.advance_clock(60)  # past the grace that fresh changes have
        for key in keys:
            jira.control.move(key, "Done")
            jira.control.comment(key, "by hand")
        first.service.api.post(f"/v1/connectors/{connector}/reconcile")

        with held_in_the_middle(data_dir, among=len(made)):
            first.kill()

    with service_process(data_dir, port) as second:
        api, card = second.service.api, f"/v1/connectors/{connector}"
        eventually(lambda: api.get(card)["reconcile"]["reconciled_at"])
        for case in made:
            assert api.status(case) == "resolved"
            kinds = [row["kind"] for row in api.timeline(case)]
            assert kinds.count("status_changed") == kinds.count("annotation") == 1


@contextmanager
def held_in_the_middle(data_dir: Path, *, among: int) -> Iterator[None]:
    """Take the database's only place to write once some cases are resolved, and not all."""

    def taken() -> bool:
        with suppress(sqlite3.OperationalError):
            database.execute("BEGIN IMMEDIATE")
            query = "SELECT count(*) FROM cases WHERE status = 'resolved'"
            ((resolved,),) = database.execute(query)
            if 0 < resolved < among:
                return True
            database.execute("ROLLBACK")
            assert resolved == 0, "the page was done before it could be held"
        return False

    path = data_dir / "casebridge.db"
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not taken():
            assert time.monotonic() < deadline, "nothing was made up for"
        yield
