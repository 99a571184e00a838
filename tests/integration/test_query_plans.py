"""Hot questions are answered from indexes, on both databases: what grows is never read whole.

PostgreSQL is told that reading a whole table costs a fortune, so it does that only where no index
leads anywhere; SQLite knows nothing of the sizes, as in production.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import event, update

from casebridge.engine.claims import Claims
from casebridge.engine.retention import Retention
from casebridge.persistence.backfills import BackfillRow
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.schema import Row
from casebridge.services.backfill_tally import count_waiting, take_tally
from casebridge.services.case_lists import CaseFilter, CaseLists, SyncState
from casebridge.services.cases import Cases
from casebridge.services.connector_activity import ConnectorActivity
from casebridge.services.fanout import FanOut
from casebridge.services.inbox_statements import Statements
from casebridge.services.known_tickets import has_tickets, longest_unread, oldest_open
from casebridge.services.last_delivery import last_delivery
from casebridge.services.remapping import standing
from casebridge.services.tenants import Principal
from casebridge_core import CaseStatus, ConnectorCatalog, Severity
from tests.integration.rows import NOON, add_case, add_connector, add_ref, add_tenant

GROWING: Final = {
    "annotations",
    "case_external_refs",
    "cases",
    "containment_actions",
    "inbound_events",
    "posted_comments",
    "timeline",
}
PARTIAL: Final = {
    index.name
    for table in Row.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
"""Indexes of what is seldom so: reading one whole is what it is for."""


@dataclass
class Scene:
    """A case with a ticket, and whoever asks for it."""

    database: Database
    who: Principal
    connector: ConnectorRow
    case: CaseRow
    ref: RefRow

    @property
    def lists(self) -> CaseLists:
        return CaseLists(self.database)

    @property
    def activity(self) -> ConnectorActivity:
        return ConnectorActivity(self.database, lambda: NOON)

    async def page(self, **which: Any) -> None:
        await self.lists.page(self.who, CaseFilter(**which), limit=50, before=1000)

    async def in_session(self, ask: Callable[..., Coroutine[Any, Any, object]], **how: Any) -> None:
        async with self.database.read() as session:
            await ask(session, self.connector.id, **how)

    async def case_page(self) -> None:
        cases = Cases(self.database, None, lambda: NOON, "")  # type: ignore[arg-type]
        await cases.get(self.who, self.case.public_id)
        await cases.timeline(self.who, self.case.public_id, limit=50, newest=True)

    async def card(self) -> None:
        await self.activity.failures([self.connector])
        await self.activity.failing(self.connector)
        await self.activity.last_day([self.connector])
        async with self.database.read() as session:
            await last_delivery(session, self.connector)

    async def unmapped(self) -> None:
        async with self.database.read() as session:
            await standing(session, [UnmappedStatusRow(id=1)])

    async def claims(self) -> None:
        claims = Claims(self.database, lambda: NOON, lease=timedelta(seconds=-1))
        await claims.take(5, ("acme",))
        (claim,) = await claims.take(5, ("acme",))  # of the worker that has fallen silent
        async with claims.commit(claim):
            pass
        await claims.renew(claim)
        await claims.release(claim)

    async def backfill(self) -> None:
        row = BackfillRow(id=1, tenant_id=self.who.tenant_id, connector_id=self.connector.id)
        async with self.database.read() as session:
            await count_waiting(session, row.tenant_id, row.connector_id)
            await take_tally(session, row, NOON, with_cases=False)

    async def webhooks(self) -> None:
        """Ask what a group of deliveries asks, and have what follows it scheduled."""
        ask = Statements(is_sqlite=self.database.is_sqlite)
        named = ask.lists(connectors=[self.connector.id, 9], vendors=["acme"], tickets=["1", "2"])
        repeated = ask.lists(tokens=[1, 2], digests=["a", "b"], deliveries=["c", "d"])
        asked = {
            ask.lock_cases: named,
            ask.refs: named,
            ask.same_bodies: repeated,
            ask.same_ids: repeated,
            ask.refs_of_cases: ask.lists(cases=[self.case.id, 9]),
        }
        async with self.database.read() as session:
            for statement, lists in asked.items():
                await session.execute(statement, lists)
            fanout = FanOut(ConnectorCatalog.of(), _NobodyListens())
            await fanout.schedule_all(session, [self.case.id, 9], NOON, but=[self.ref.id])

    async def retention(self) -> None:
        retention = Retention(self.database, lambda: NOON, lasting=timedelta(days=1))
        await retention.purge()


class _NobodyListens:
    async def wake(self, *_: Any) -> None:
        """Wake nobody."""


ASKED: Final[dict[str, Callable[[Scene], Coroutine[Any, Any, object]]]] = {
    "every case": lambda scene: scene.page(),
    "cases by words": lambda scene: scene.page(search="sign-in"),
    "cases by status": lambda scene: scene.page(status=CaseStatus.OPEN),
    "cases by severity": lambda scene: scene.page(severity=Severity.HIGH),
    "cases by assignee": lambda scene: scene.page(assignee="ann@example.org"),
    "cases by connector": lambda scene: scene.page(connector=scene.connector.public_id),
    **{f"cases, {state}": partial(Scene.page, sync=state) for state in SyncState},
    "cases that need attention": lambda scene: scene.lists.needing_attention(scene.who, limit=9),
    "how many cases": lambda scene: scene.lists.counts(scene.who),
    "a case's page": Scene.case_page,
    "a connector's card": Scene.card,
    "unmapped statuses": Scene.unmapped,
    "claims": Scene.claims,
    "the reconciler's tickets": lambda scene: scene.in_session(has_tickets),
    "the oldest ticket": lambda scene: scene.in_session(oldest_open),
    "unread tickets": lambda scene: scene.in_session(longest_unread, before=NOON, limit=20),
    "a backfill": Scene.backfill,
    "retention": Scene.retention,
    "a group of webhooks": Scene.webhooks,
}


async def test_nothing_that_grows_is_read_whole(database: Database) -> None:
    scene = await _scene(database)
    whole: list[str] = []
    for name, ask in ASKED.items():
        with _heard(database) as statements:
            await ask(scene)
        assert statements, name
        for statement, parameters in statements:
            found = await _read_whole(database, statement, parameters)
            whole += [f"{name}: {table}\n{statement}" for table in found]

    assert whole == []


async def test_a_question_without_an_index_is_noticed(database: Database) -> None:
    found = await _read_whole(database, "SELECT id FROM cases WHERE summary = 'x'", ())

    assert found == ["cases"]


async def _scene(database: Database) -> Scene:
    async with database.write() as session:
        tenant = await add_tenant(session)
        connector = await add_connector(session, tenant)
        case = await add_case(session, tenant)
        ref = await add_ref(session, case, connector)
        await session.execute(update(RefRow).values(due_at=NOON))
    who = Principal(tenant_id=tenant.id, tenant=tenant.public_id, scopes=frozenset(), label="")
    return Scene(database, who, connector, case, ref)


@contextmanager
def _heard(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are executed inside."""
    heard: list[tuple[str, Any]] = []

    def hear(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        heard.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


async def _read_whole(database: Database, statement: str, parameters: Any) -> list[str]:
    """Return the growing tables that a statement would read whole."""
    if not re.match(r"(SELECT|WITH|UPDATE|DELETE)\b", statement):
        return []
    async with database.read() as session:
        connection = await session.connection()
        if database.is_sqlite:
            plan = f"EXPLAIN QUERY PLAN {statement}"
            rows = await connection.exec_driver_sql(plan, parameters)
            scans = [re.match(r"SCAN (\w+)(?: USING.* INDEX (\w+))?", row.detail) for row in rows]
            whole = [scan for scan in scans if scan and scan[2] not in PARTIAL]
            names = [re.sub(r"_\d+$", "", scan[1]) for scan in whole]
            return [name for name in names if name in GROWING]
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = f"EXPLAIN (FORMAT JSON) {statement}"
        found = (await connection.exec_driver_sql(plan, parameters)).scalar_one()
        tree = json.loads(found) if isinstance(found, str) else found
        return list(_unconditional(tree[0]["Plan"]))


def _unconditional(node: dict[str, Any]) -> Iterator[str]:
    """Yield the growing tables that a plan of PostgreSQL reads without a condition on an index."""
    reads = node.get("Relation Name") in GROWING and node["Node Type"].endswith("Scan")
    if reads and not ({"Index Cond", "Recheck Cond"} & node.keys()):
        yield node["Relation Name"]
    for below in node.get("Plans", ()):
        yield from _unconditional(below)
