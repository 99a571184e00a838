"""The stage: services, workers, PostgreSQL, both stand-in vendors, and proxies between them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, Final

from casebridge_sandbox import (
    JiraSandbox,
    JiraScenario,
    RunningSandbox,
    ServiceNowSandbox,
    ServiceNowScenario,
    running,
)
from chaos.ledger import now
from tests.postgres import PostgresServer
from tests.processes import Program, answers, free_port
from tests.proxy import CuttingProxy, cutting_proxy
from tests.stage import Api, eventually

BRIDGE: Final = "Casebridge"
"""The display name of our account at both vendors."""
SETTINGS: Final[dict[str, object]] = {
    "engine": "distributed",
    "workers": 8,
    "lease_seconds": 4,
    "sweep_seconds": 0.5,
    "reconcile_minutes": 0.2,
    "verify_hours": 0.004,
    "vendor_timeout_seconds": 2.5,
    "inbox_address_rate": 0,
    "log_level": "WARNING",
}
CLIENT_SECONDS: Final = 15.0


class WanderingClock:
    """A vendor's clock, which somebody sets; `went_back` is whether it ever was set back."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.went_back = False

    def __call__(self) -> datetime:
        """Return the time of day as the vendor has it."""
        return now() + self.ahead

    def set(self, seconds: float) -> None:
        """Set it so many seconds ahead of ours, or behind for less than none."""
        ahead = timedelta(seconds=seconds)
        self.went_back |= ahead < self.ahead
        self.ahead = ahead


@dataclass
class Vendor:
    """A stand-in vendor behind a proxy; ``statuses`` are those that people move tickets to."""

    name: str
    served: RunningSandbox[Any]
    clock: WanderingClock
    proxy: CuttingProxy
    statuses: Sequence[str]
    config: Mapping[str, str]
    connector: str = ""
    tickets: list[str] = field(default_factory=list)

    def pick(self, chance: Random) -> str | None:
        """Choose a ticket."""
        known = self.tickets
        return chance.choice(known) if known else None


@dataclass
class Member:
    """A process of ours; ``lock`` is held by whoever is doing something to it."""

    program: Program
    lock: Lock = field(default_factory=Lock)


@dataclass
class Stage:
    """Everything that runs. ``inboxes`` are the proxies before the services, one each."""

    database: str
    postgres: PostgresServer
    services: list[Member]
    workers: list[Member]
    apis: list[Api]
    inboxes: list[CuttingProxy]
    vendors: list[Vendor]

    def api(self) -> Api:
        """Return a caller of the first service."""
        return self.apis[0]

    def everybody_ready(self) -> None:
        """Let everybody go on, start whoever is dead, and wait until all are ready."""
        for member in (*self.services, *self.workers):
            with member.lock:
                member.program.thaw()
                if not member.program.lives:
                    member.program.start_again()
        for member, api in zip(self.services, self.apis, strict=True):
            url = str(api.http.base_url)
            eventually(lambda url=url, program=member.program: answers(url, program))  # type: ignore[misc]


@contextmanager
def open_stage(
    folder: Path,
    postgres: PostgresServer,
    database: str,
    *,
    services: int,
    workers: int,
    retries: tuple[int, int] = (5, 0),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """Start everything, connect both vendors both ways, and stop everything at the end.

    ``retries`` is how often Jira and ServiceNow send a webhook again; the usual is like the real.
    With an ``environment`` the processes are the commands themselves, as an operator starts them;
    without one they are forked, which is quicker.
    """
    with ExitStack() as stack:
        of_jira, of_servicenow = retries
        vendors = [
            stack.enter_context(_jira(of_jira)),
            stack.enter_context(_servicenow(of_servicenow)),
        ]
        ports = [free_port() for _ in range(services)]
        settings = {"data_dir": folder / "data", "database_url": database, **SETTINGS}
        settings["public_url"] = f"http://127.0.0.1:{ports[0]}"

        def run(name: str, *arguments: str) -> Member:
            command = (str(Path(sys.executable).with_name("casebridge")), *arguments)
            member = Member(Program(command, folder / f"{name}.log", settings, environment))
            stack.callback(member.program.kill)
            return member

        def serve(port: int) -> Member:
            member = run(f"service-{port}", "serve", "--port", str(port))
            eventually(lambda: answers(f"http://127.0.0.1:{port}", member.program))
            return member

        first = serve(ports[0])  # which makes the keys and the tables
        key = (folder / "data" / "admin.key").read_text().strip()
        others = [serve(port) for port in ports[1:]]
        crew = [run(f"worker-{number}", "worker") for number in range(workers)]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        apis = [stack.enter_context(_patient(Api(url, key))) for url in urls]
        inboxes = [stack.enter_context(cutting_proxy(url)) for url in urls]
        stage = Stage(database, postgres, [first, *others], crew, apis, inboxes, vendors)
        for number, vendor in enumerate(vendors):
            _connect(apis[0], vendor, inboxes[number % services].url)
        stage.everybody_ready()
        yield stage


def _connect(api: Api, vendor: Vendor, inbox: str) -> None:
    """Connect a vendor through its proxy, and its webhooks through that before a service."""
    config = {"base_url": vendor.proxy.url, **vendor.config}
    body = {"vendor": vendor.name, "name": vendor.name, "config": config}
    vendor.connector = str(api.post("/v1/connectors", body)["id"])
    token = api.post("/v1/inbox-tokens", {"name": f"webhooks of {vendor.name}"})
    url = f"{inbox}/v1/inbox/itsm/{token['id']}"
    vendor.served.control.send_webhooks_to(url, secret=token["secret"], token_id=token["id"])


def _patient(api: Api) -> Api:
    api.http.timeout = CLIENT_SECONDS
    return api


@contextmanager
def _jira(retries: int) -> Iterator[Vendor]:
    """A Jira whose index lags."""
    clock = WanderingClock()
    scenario = JiraScenario(search_lag_seconds=2, webhook_retries=retries)
    with (
        running(JiraSandbox(scenario, clock=clock)) as served,
        cutting_proxy(served.url) as proxy,
    ):
        statuses = ("To Do", "In Progress", "In Review", "Done")
        config = {
            "email": scenario.email,
            "api_token": scenario.api_token,
            "project": scenario.project,
        }
        yield Vendor("jira", served, clock, proxy, statuses, config)


@contextmanager
def _servicenow(retries: int) -> Iterator[Vendor]:
    clock, scenario = WanderingClock(), ServiceNowScenario(webhook_retries=retries)
    with (
        running(ServiceNowSandbox(scenario, clock=clock)) as served,
        cutting_proxy(served.url) as proxy,
    ):
        statuses = ("New", "In Progress", "On Hold", "Resolved", "Canceled")
        config = {"username": scenario.user_name, "password": scenario.password}
        yield Vendor("servicenow", served, clock, proxy, statuses, config)
