"""The stage of the end-to-end tests: the service and its vendors, each on a real socket."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sqlite3
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import httpx

from casebridge.asgi import create_app
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock, utc_now
from casebridge.services.tenants import Scope, Tenants
from casebridge.serving import address_of, bound_socket, serving
from casebridge.settings import Settings
from casebridge_core import ConnectorCatalog
from casebridge_sandbox import RunningSandbox
from tests.migrated import migrated_file

DEADLINE_SECONDS = 60.0
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody, for callers over plain HTTP: to read the certificates costs each client 20 ms."""


def eventually(condition: Callable[[], object], *, within: float = DEADLINE_SECONDS) -> Any:
    """Return the condition's first true value; fail when there is none in time.

    The pause between two looks is what a wait on another process's state costs; the test itself
    depends on the condition only.
    """
    deadline, pause = time.monotonic() + within, 0.02
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            msg = f"not within {within} s; last value: {value!r}"
            raise AssertionError(msg)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


class MovableClock:
    """The time of day, which a test can move forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def advance(self, **by: float) -> None:
        """Move the clock forward, by keywords such as ``minutes=5``."""
        self._ahead += timedelta(**by)


class Api:
    """A caller of the REST API with a key."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=DEADLINE_SECONDS,
            trust_env=False,
            verify=NO_TLS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> Any:
        return self._read(self.http.get(path, params=params))

    def post(self, path: str, body: object = None) -> Any:
        return self._read(self.http.post(path, json=body))

    def patch(self, path: str, body: object) -> Any:
        return self._read(self.http.patch(path, json=body))

    def delete(self, path: str) -> None:
        self._read(self.http.delete(path))

    def create_case(self, title: str = "Suspicious sign-in", **fields: object) -> str:
        return str(self.post("/v1/cases", {"title": title, **fields})["id"])

    def case(self, case_id: str) -> Any:
        return self.get(f"/v1/cases/{case_id}")

    def move(self, case_id: str, status: str) -> Any:
        return self.post(f"/v1/cases/{case_id}/status", {"status": status})

    def status(self, case_id: str) -> str:
        return str(self.case(case_id)["status"])

    def resync(self, case_id: str) -> Any:
        return self.post(f"/v1/cases/{case_id}/resync")

    def timeline(self, case_id: str, **params: object) -> list[Any]:
        page = self.get(f"/v1/cases/{case_id}/timeline", limit=200, **params)
        return list(page["items"])

    def ticket(self, case_id: str, vendor: str) -> Any:
        tickets = [t for t in self.case(case_id)["tickets"] if t["vendor"] == vendor]
        assert len(tickets) == 1
        return tickets[0]

    def ticket_in(self, case_id: str, vendor: str, *states: str) -> Any:
        """Wait until the case's ticket at a vendor is in one of the states; return it."""

        def there() -> Any:
            ticket = self.ticket(case_id, vendor)
            return ticket if ticket["state"] in states else None

        return eventually(there)

    def linked(self, case_id: str) -> dict[str, Any]:
        """Wait until every ticket of the case is minted and settled; return them by vendor."""

        def all_linked() -> dict[str, Any] | None:
            tickets = self.case(case_id)["tickets"]
            done = all(ticket["state"] == "linked" for ticket in tickets)
            return {ticket["vendor"]: ticket for ticket in tickets} if done else None

        found: dict[str, Any] = eventually(all_linked)
        return found

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code} {response.text}"
        return response.json() if response.content else None


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    url: str
    data_dir: Path
    api: Api

    def add_jira(self, jira: RunningSandbox[Any], **config: object) -> str:
        """Connect a sandbox Jira both ways; return the connector's id."""
        settings = {
            "base_url": jira.url,
            "email": "bridge@example.com",
            "api_token": "jira-sandbox-token",
            "project": "SEC",
            **config,
        }
        return self._connect("jira", jira, settings)

    def add_servicenow(self, servicenow: RunningSandbox[Any], **config: object) -> str:
        """Connect a sandbox ServiceNow both ways; return the connector's id."""
        settings = {
            "base_url": servicenow.url,
            "username": "casebridge",
            "password": "servicenow-sandbox-password",
            **config,
        }
        return self._connect("servicenow", servicenow, settings)

    @contextmanager
    def fresh_tenant(self) -> Iterator[Service]:
        """Act for a new tenant; in the end its connectors are removed and its work is over."""
        key = asyncio.run(_new_tenant(self.data_dir))
        with Api(self.url, key) as api:
            try:
                yield replace(self, api=api)
            finally:
                for connector in api.get("/v1/connectors"):
                    api.delete(f"/v1/connectors/{connector['id']}")
                self.wait_until_idle()

    def key(self) -> str:
        """Return the API key that the tenant's own caller uses."""
        return str(self.api.http.headers["Authorization"]).removeprefix("Bearer ")

    def new_key(self, scope: Scope) -> tuple[str, str]:
        """Issue another key for the tenant; return it and its id."""
        return asyncio.run(_new_key(self.data_dir, self.key(), scope))

    def revoke_key(self, key_id: str) -> None:
        """Revoke a key of the tenant, as another process does."""
        asyncio.run(_revoke_key(self.data_dir, self.key(), key_id))

    def rows(self, query: str, *values: object) -> list[Any]:
        """Look into the embedded database."""
        with closing(sqlite3.connect(self.data_dir / "casebridge.db", timeout=10)) as connection:
            return connection.execute(query, values).fetchall()

    def wait_until_idle(self) -> None:
        """Wait until no convergence is under way."""
        busy = "SELECT 1 FROM case_external_refs WHERE lease_token IS NOT NULL LIMIT 1"
        eventually(lambda: not self.rows(busy))

    def _connect(self, vendor: str, sandbox: RunningSandbox[Any], config: dict[str, object]) -> str:
        body = {"vendor": vendor, "name": vendor, "config": config}
        connector = str(self.api.post("/v1/connectors", body)["id"])
        token = self.api.post("/v1/inbox-tokens", {"name": f"webhooks of {vendor}"})
        sandbox.control.send_webhooks_to(token["url"], secret=token["secret"], token_id=token["id"])
        return connector


async def _new_tenant(data_dir: Path) -> str:
    async with _tenants(data_dir) as tenants:
        tenant = await tenants.create(secrets.token_hex(8))
        return await tenants.issue_key(tenant.id, "tester", Scope.ADMIN)


async def _new_key(data_dir: Path, of: str, scope: Scope) -> tuple[str, str]:
    async with _tenants(data_dir) as tenants:
        owner = (await tenants.authenticate(of)).tenant_id
        key = await tenants.issue_key(owner, f"a {scope}er", scope)
        return key, (await tenants.list_keys(owner))[-1].public_id


async def _revoke_key(data_dir: Path, of: str, key_id: str) -> None:
    async with _tenants(data_dir) as tenants:
        await tenants.revoke_key((await tenants.authenticate(of)).tenant_id, key_id)


@asynccontextmanager
async def _tenants(data_dir: Path) -> AsyncIterator[Tenants]:
    database = Database(f"sqlite+aiosqlite:///{data_dir / 'casebridge.db'}")
    try:
        yield Tenants(database, utc_now)
    finally:
        await database.close()


@contextmanager
def running_service(
    data_dir: Path,
    *,
    catalog: ConnectorCatalog | None = None,
    clock: Clock = utc_now,
    **settings: Any,
) -> Iterator[Service]:
    """Serve Casebridge in a background thread on a free loopback port."""
    if not data_dir.exists() and "database_url" not in settings:
        data_dir.mkdir(mode=0o700)
        shutil.copy(migrated_file(), data_dir / "casebridge.db")
    with bound_socket() as listener:
        url = address_of(listener)
        usual = {
            "public_url": url,
            "sweep_seconds": 0.2,
            "reconcile_minutes": 0,
            "inbox_address_rate": 0,
        }
        chosen = Settings(data_dir=data_dir, **{**usual, **settings})
        app = create_app(chosen, catalog=_installed() if catalog is None else catalog, clock=clock)
        with serving(app, listener, patience=chosen.inbox_body_seconds):
            key = (data_dir / "admin.key").read_text().strip()
            with Api(url, key) as api:
                yield Service(url, data_dir, api)


@cache
def _installed() -> ConnectorCatalog:
    return ConnectorCatalog.installed()
