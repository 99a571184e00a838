"""The REST API in this process, and the callers that use it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import update

from casebridge.asgi import create_app
from casebridge.bridge import Bridge
from casebridge.persistence.connectors import RefRow
from casebridge.services.clock import Clock, utc_now
from casebridge.services.tenants import FIRST_KEY_FILE, Scope
from casebridge.settings import Settings
from casebridge_core import ConnectorCatalog
from tests.integration import acme

SECRET = "acme-token-1"
FORM = {"status": "open", "reason": "because"}
"""What the console's forms ask for."""
CONFIG = {"base_url": "https://acme.example", "token": SECRET}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the API with a key, or without one."""

    http: TestClient[Litestar]
    key: str | None

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key is not None else {}
        return self.http.request(
            method, path, headers={**headers, **arguments.pop("headers", {})}, **arguments
        )

    def visit(self, method: str, path: str) -> httpx.Response:
        """Look at a page, or send a form of the console, signed in with the key."""
        signed_in = self.http.post("/sign-in", data={"key": self.key or ""}, follow_redirects=False)
        self.http.cookies.clear()
        headers = {"Cookie": signed_in.headers.get("set-cookie", "none=").partition(";")[0]}
        form = None
        if method == "POST":
            page = self.http.get("/cases", headers=headers).text
            form = {**FORM, "csrf": page.partition('name="csrf" value="')[2].partition('"')[0]}
        return self.http.request(method, path, headers=headers, data=form, follow_redirects=False)

    def ask(self, method: str, path: str, body: object = None, **params: Any) -> Any:
        """Send a request that must succeed; return the answer's JSON."""
        answer = self.send(method, path, json=body, params=params)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def create_case(self, title: str = "Suspicious sign-in", **fields: Any) -> Any:
        return self.ask("POST", "/v1/cases", {"title": title, **fields})

    def add_connector(self, **config: Any) -> Any:
        body = {"vendor": "acme", "name": "acme", "config": {**CONFIG, **config}}
        return self.ask("POST", "/v1/connectors", body)

    def mint_token(self, **fields: Any) -> Any:
        return self.ask("POST", "/v1/inbox-tokens", {"name": "webhooks", **fields})

    def furnish(self) -> dict[str, str]:
        """Create one of everything that a path can name; return the ids by the parameter's name."""
        connector = self.add_connector()
        case = self.create_case()
        token = self.mint_token()
        _link(self.http, case)
        strange = {"external_id": case["tickets"][0]["id"], "status": {"name": "Limbo"}}
        event = self.deliver(token, {"acme": strange}).json()
        self.ask("PUT", "/v1/feature-flags", {"name": "backfill", "enabled": True})
        backfill = self.ask("POST", f"/v1/connectors/{connector['id']}/backfills", {})
        return {
            "backfill_id": backfill["id"],
            "case_id": case["id"],
            "connector_id": connector["id"],
            "event_id": event["event_id"],
            "status_id": self.ask("GET", "/v1/unmapped-statuses")[0]["id"],
            "ticket_id": case["tickets"][0]["id"],
            "token_id": token["id"],
        }

    def deliver(self, token: Any, payload: object, secret: str | None = None) -> httpx.Response:
        """Send a webhook signed with the token's secret."""
        body = msgspec.json.encode(payload)
        key = (secret if secret is not None else token["secret"]).encode()
        return self.http.post(
            f"/v1/inbox/itsm/{token['id']}",
            content=body,
            headers={"X-AiSOC-Signature": hmac.new(key, body, hashlib.sha256).hexdigest()},
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """A service whose engine rests, with its first tenant's administrator."""

    app: Litestar
    http: TestClient[Litestar]
    data_dir: Path
    admin: Caller

    @property
    def nobody(self) -> Caller:
        """Somebody without a key."""
        return Caller(self.http, None)

    def caller(self, key: str) -> Caller:
        """Return a caller with a key."""
        return Caller(self.http, key)

    def link(self, case: Any) -> None:
        """Give each ticket of a case the external id by which the vendor would know it: its id."""
        _link(self.http, case)

    def of_scope(self, *scopes: Scope) -> Caller:
        """Return a caller of the first tenant whose key reaches only so far."""
        bridge: Bridge = self.app.state.bridge

        async def issue() -> str:
            who = await bridge.tenants.authenticate(self.admin.key or "")
            return await bridge.tenants.issue_key(who.tenant_id, "+".join(scopes), *scopes)

        return Caller(self.http, self.http.blocking_portal.call(issue))

    def stranger(self, name: str | None = None) -> Caller:
        """Create another tenant, named by chance or so, and return its administrator."""
        bridge: Bridge = self.app.state.bridge

        async def create() -> str:
            tenant = await bridge.tenants.create(name or secrets.token_hex(8))
            return await bridge.tenants.issue_key(tenant.id, "admin", Scope.ADMIN)

        return Caller(self.http, self.http.blocking_portal.call(create))


def _link(http: TestClient[Litestar], case: Any) -> None:
    bridge: Bridge = http.app.state.bridge

    async def write() -> None:
        ids = [ticket["id"] for ticket in case["tickets"]]
        linked = update(RefRow).where(RefRow.public_id.in_(ids))
        async with bridge.database.write() as session:
            await session.execute(linked.values(external_id=RefRow.public_id, external_key="T-1"))

    http.blocking_portal.call(write)


@contextmanager
def open_desk(data_dir: Path, *, clock: Clock = utc_now, **settings: Any) -> Iterator[Desk]:
    """Run the service in this process with the vendor acme; nothing converges by itself."""
    chosen = Settings(
        data_dir=data_dir,
        **{
            "public_url": "https://soc.example",
            "workers": 0,
            "inbox_address_rate": 0,
            **settings,
        },
    )
    app = create_app(chosen, catalog=ConnectorCatalog.of(acme=acme), clock=clock)
    with TestClient(app, raise_server_exceptions=False) as http:
        key = (data_dir / FIRST_KEY_FILE).read_text().strip()
        yield Desk(app, http, data_dir, Caller(http, key))
