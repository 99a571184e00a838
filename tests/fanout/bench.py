"""The host's real parts on a real database, and a convergence when a test says so."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.engine.claims import Claim, Claims
from casebridge.engine.convergence import Convergence
from casebridge.engine.gate import Gate
from casebridge.engine.minting import Minting
from casebridge.engine.situation import Lookout
from casebridge.engine.steps import Steps
from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.services.authenticity import Authenticity, InboundRequest
from casebridge.services.cases import Cases, NewContainmentAction, StatusMove
from casebridge.services.connections import Connections
from casebridge.services.connector_terms import Limits, NewConnector
from casebridge.services.connectors import Connectors
from casebridge.services.fanout import FanOut
from casebridge.services.inbox import Inbox, InboxAnswer
from casebridge.services.intake import NewCase
from casebridge.services.known_tokens import KnownTokens
from casebridge.services.replay import Replays
from casebridge.services.tenants import Principal, Scope, Tenants
from casebridge.services.throttle import Throttle
from casebridge.services.tickets import Tickets
from casebridge.services.token_secrets import TokenSecrets
from casebridge.services.tokens import NewToken, Tokens
from casebridge.services.vault import Vault
from casebridge_core import CaseStatus, ConnectorCatalog
from casebridge_core.signatures import sign
from tests.fanout.desks import Clock, Desk, WorkerDied
from tests.fanout.plugins import plugin_of

LEASE: Final = timedelta(seconds=60)
_KEY: Final = base64.b64encode(bytes(32)).decode()
_ISOLATE: Final = NewContainmentAction(action="isolate", target="web-01", outcome="isolated")


class _NobodyListens:
    """An engine without wake-ups: refs are found by looking for those that are due."""

    async def wake(self, session: AsyncSession, refs: Sequence[int], at: datetime) -> None:
        """Leave it at what the rows say."""


@dataclass(frozen=True)
class Counter:
    """One tenant at the service's counter: what its analysts can ask for."""

    bench: Bench
    who: Principal

    async def connect(self, desk: Desk, *, url: str = "", **limits: int | None) -> str:
        """Add a connector to a vendor; return its id."""
        config = {"base_url": url or f"https://{desk.vendor}.example"}
        new = NewConnector(
            vendor=desk.vendor,
            name=desk.vendor,
            config=config,
            limits=Limits(**limits),  # type: ignore[arg-type]
        )
        return (await self.bench.connectors.add(self.who, new)).public_id

    async def create_case(self, title: str = "Suspicious sign-in", **fields: Any) -> str:
        """Create a case; return its id."""
        detail = await self.bench.cases.create(self.who, NewCase(title=title, **fields))
        return detail.case.public_id

    async def move(self, case: str, status: CaseStatus | str) -> None:
        """Move a case to a status."""
        await self.bench.cases.move(self.who, case, StatusMove(status=CaseStatus(status)))

    async def contain(self, case: str) -> None:
        """Record a containment action."""
        await self.bench.cases.contain(self.who, case, _ISOLATE)

    async def case(self, case: str) -> CaseRow:
        """Read a case."""
        return (await self.bench.cases.get(self.who, case)).case

    async def refs(self, case: str) -> list[RefRow]:
        """Read the tickets of a case."""
        return [ref for ref, _ in (await self.bench.cases.get(self.who, case)).refs]

    async def ref(self, case: str) -> RefRow:
        """Read the only ticket of a case."""
        (ref,) = await self.refs(case)
        return ref

    async def timeline(self, case: str, kind: str | None = None) -> list[TimelineRow]:
        """Read a case's timeline, or its rows of one kind."""
        rows = await self.bench.cases.timeline(self.who, case, limit=1000)
        return [row for row, _ in rows if kind in {None, row.kind}]


class Bench:
    """Everything that a service process is made of, except an engine of its own."""

    def __init__(self, path: Path, clock: Clock, *desks: Desk) -> None:
        """Put the parts together over the migrated database at ``path``."""
        catalog = ConnectorCatalog.of(**{desk.vendor: plugin_of(desk) for desk in desks})
        assert not catalog.failures, catalog.failures
        self.clock = clock
        self.vendors: tuple[str, ...] = tuple(catalog)
        self.database = Database(f"sqlite+aiosqlite:///{path}")
        event.listen(self.database.engine.sync_engine, "connect", _do_not_wait_for_the_disk)
        vault = Vault.from_settings(_KEY, path)
        self.connections = Connections(self.database, catalog, vault, clock, timeout=20.0)
        self.fanout = FanOut(catalog, _NobodyListens())
        secrets = TokenSecrets(vault, clock)
        known = KnownTokens(secrets, clock)
        self.tokens = Tokens(
            self.database, secrets, known, self.connections, clock, "https://soc.example"
        )
        self.tenants = Tenants(self.database, clock)
        self.cases = Cases(self.database, self.fanout, clock, "https://soc.example")
        self.connectors = Connectors(self.database, self.connections, self.fanout, clock)
        self.tickets = Tickets(self.database, self.fanout, clock)
        throttle = Throttle(clock, per_token=0, per_address=0)
        authenticity = Authenticity(self.database, known, catalog, throttle, clock)
        self.inbox = Inbox(self.database, authenticity, self.connections, self.fanout, clock)
        self.claims = Claims(self.database, clock, lease=LEASE)
        self.replays = Replays(self.database, self.connections, self.fanout, clock)
        minting = Minting(self.claims, self.replays, clock)
        self.convergence = Convergence(
            self.claims,
            Lookout(self.database, self.connections, clock),
            Gate(self.database, self.connections, clock),
            Steps(self.database, self.claims, self.fanout, minting, clock),
            clock,
        )

    async def open_counter(self, name: str = "a tenant") -> Counter:
        """Create a tenant and return its administrator's counter."""
        tenant = await self.tenants.create(name)
        key = await self.tenants.issue_key(tenant.id, "analyst", Scope.ADMIN)
        return Counter(self, await self.tenants.authenticate(key))

    async def open_inbox(self, who: Principal) -> tuple[str, str]:
        """Mint an inbox token; return its id and its secret."""
        issued = await self.tokens.mint(who, NewToken(name="webhooks"))
        return issued.row.public_id, issued.secret

    async def deliver(self, token: tuple[str, str], body: bytes) -> InboxAnswer:
        """Deliver a webhook, signed as its vendor would."""
        token_id, secret = token
        headers = {"x-aisoc-signature": sign(secret, body)}
        request = InboundRequest(token_id=token_id, headers=headers, body=body)
        return await self.inbox.receive(request)

    async def take(self, limit: int = 1) -> list[Claim]:
        """Claim refs that are due."""
        return await self.claims.take(limit, self.vendors)

    async def converge_one(self) -> bool:
        """Run one convergence, of which the worker may die; False when nothing is due."""
        claims = await self.take()
        for claim in claims:
            with suppress(WorkerDied):
                await self.convergence.run(claim)
        return bool(claims)

    async def converge(self, *, at_most: int = 1000) -> int:
        """Run convergences until nothing is due now; return how many."""
        count = 0
        while count < at_most and await self.converge_one():
            count += 1
        return count

    async def next_moment(self) -> datetime | None:
        """Return when the next ref is due, or the next silent worker's lease over."""
        async with self.database.read() as session:
            due = await session.scalars(
                select(RefRow.due_at).where(RefRow.due_at.is_not(None), RefRow.gone_at.is_(None))
            )
            moments = [moment for moment in due if moment is not None]
            leases = await session.scalars(select(RefRow.lease_until))
            moments += [until + timedelta(microseconds=1) for until in leases if until is not None]
            quiet = await session.scalars(select(ConnectorRow.quiet_until))
            moments += [until for until in quiet if until is not None]
        later = [moment for moment in moments if moment > self.clock()]
        return min(later, default=None)

    async def close(self) -> None:
        """Close the database and the connections."""
        await self.connections.close()
        await self.database.close()


@asynccontextmanager
async def open_bench(path: Path, clock: Clock, *desks: Desk) -> AsyncIterator[Bench]:
    """Open a bench; close it at the end."""
    bench = Bench(path, clock, *desks)
    try:
        yield bench
    finally:
        await bench.close()


def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()
