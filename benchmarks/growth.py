"""What growth costs: lists, pages, cards and claims with many refs and a long timeline.

Each size is filled into a database of its own, straight by SQL, and every question is asked several
times; the median is printed. A title is searched for through every case of the tenant, newest first
until the page is full, so a word that is nowhere is the one question whose cost grows.

Run: python -m benchmarks.growth [--refs 1000 100000] [--lines-per-ref 10] [--postgres]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update

from casebridge.engine.claims import Claims
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.database import Database
from casebridge.persistence.inbox import UnmappedStatusRow
from casebridge.persistence.migrate import upgrade
from casebridge.services.case_lists import CaseFilter, CaseLists, SyncState
from casebridge.services.cases import Cases
from casebridge.services.clock import utc_now
from casebridge.services.connector_activity import ConnectorActivity
from casebridge.services.remapping import standing
from casebridge.services.tenants import Principal
from casebridge_core import CaseStatus, Severity
from tests.integration.rows import add_connector, add_tenant
from tests.postgres import running_postgres

ASKED = 20
SPAN_SECONDS = 90 * 86_400
DUE = 500
BATCH = 2500
NUMBERS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT :from UNION ALL SELECT n + 1 FROM s WHERE n < :to)",
    "postgresql": "WITH s(n) AS (SELECT generate_series(:from, :to))",
}
AGO = {
    "sqlite": "datetime('now', '-' || ({}) || ' seconds')",
    "postgresql": "now() - make_interval(secs => {})",
}


async def fill(database: Database, refs: int, lines: int) -> Principal:
    """Fill in cases, most of them closed, two tickets each, and their timelines."""
    async with database.write() as session:
        tenant = await add_tenant(session)
        first, second = [await add_connector(session, tenant) for _ in range(2)]
    kind = database.url.get_backend_name()
    known: dict[str, object] = {
        "many": refs // 2,
        "tenant": tenant.id,
        "first": first.id,
        "second": second.id,
        "lines": ", ".join(f"({number})" for number in range(2 * lines)),
        "due": DUE,
    }
    for start in range(1, refs // 2 + 1, BATCH):
        batch = {**known, "from": start, "to": min(start + BATCH - 1, refs // 2)}
        async with database.write() as session:
            for statement in (CASES, REFS, TIMELINE):
                await session.execute(text(_filled_in(statement, kind, batch)))
    async with database.write() as session:
        await session.execute(text("ANALYZE"))
    return Principal(tenant_id=tenant.id, tenant=tenant.public_id, scopes=frozenset(), label="")


CASES = """
INSERT INTO cases (id, public_id, tenant_id, title, summary, severity_initial, severity, status,
  status_trail, status_changed_at, version, deep_link, detection_rules, raw_events, entities,
  created_at, updated_at)
$SERIES
SELECT n, 'case_' || n, :tenant, 'Suspicious sign-in ' || n, '', 'low',
  CASE WHEN n % 1000 = 0 THEN 'critical' ELSE 'low' END,
  CASE WHEN n % 100 = 0 THEN 'open' ELSE 'closed' END,
  '[]', $AGO, 1, 'https://soc.example', '[]', '[]', '[]', $AGO, $AGO FROM s
"""
REFS = """
INSERT INTO case_external_refs (id, public_id, tenant_id, case_id, connector_id, vendor,
  correlation_key, external_id, external_key, settled_status, settled_native, ticket_status,
  assignee_id, last_error, last_error_kind, last_error_at, dead_at, verify_asked, priority,
  attempts, due_at, created_at, updated_at)
$SERIES, t(k) AS (SELECT 0 UNION ALL SELECT 1)
SELECT 2 * n + k, 'ref_' || (2 * n + k), :tenant, n, CASE k WHEN 0 THEN :first ELSE :second END,
  'acme', 'key_' || (2 * n + k), '' || (2 * n + k), 'SEC-' || (2 * n + k), 'open', 'To Do',
  CASE WHEN n % 1000 = 7 THEN 'Waiting' ELSE 'To Do' END,
  CASE WHEN n % 1000 = 3 THEN 'ann' END, CASE WHEN n % 5000 = 1 THEN 'refused' END,
  CASE WHEN n % 5000 = 1 THEN 'InvalidRequest' END, CASE WHEN n % 5000 = 1 THEN $AGO END,
  CASE WHEN n % 5000 = 1 THEN $AGO END, CASE WHEN n < 0 THEN TRUE ELSE FALSE END, 0, 0,
  CASE WHEN n <= :due THEN $AGO END, $AGO, $AGO FROM s, t
"""
TIMELINE = """
INSERT INTO timeline (tenant_id, case_id, at, kind, actor_label, text, connector_id, detail)
$SERIES, u(k) AS (VALUES :lines)
SELECT :tenant, n, $AGO, 'status_changed', 'cross_system:acme', 'open to closed',
  CASE k % 2 WHEN 0 THEN :first ELSE :second END, '{}' FROM s, u
"""


def _filled_in(statement: str, kind: str, values: dict[str, object]) -> str:
    ago = AGO[kind].format(f"n * 1.0 * {SPAN_SECONDS} / :many")
    sql = statement.replace("$SERIES", NUMBERS[kind]).replace("$AGO", ago)
    for name, value in values.items():
        sql = sql.replace(f":{name}", str(value))
    return sql


def questions(
    database: Database, who: Principal, connector: ConnectorRow
) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what is asked."""
    lists, activity = CaseLists(database), ConnectorActivity(database, utc_now)
    cases: Any = Cases(database, None, utc_now, "")  # type: ignore[arg-type]
    claims = Claims(database, utc_now, lease=timedelta(seconds=10))

    def page(**which: Any) -> Callable[[], Awaitable[Any]]:  # noqa: ANN401 - a filter's fields
        return lambda: lists.page(who, CaseFilter(**which), limit=50)

    async def card() -> None:
        await activity.failures([connector])
        await activity.failing(connector)
        await activity.last_day([connector])

    async def case_page() -> None:
        await cases.get(who, "case_1")
        await cases.timeline(who, "case_1", limit=100, newest=True)

    async def unmapped() -> None:
        async with database.read() as session:
            rows = (await session.scalars(select(UnmappedStatusRow))).all()
            await standing(session, rows)

    async def claim() -> None:
        taken = await claims.take(8, ("acme",))
        again = {"due_at": RefRow.updated_at, "lease_token": None, "lease_until": None}
        mine = RefRow.id.in_([each.ref_id for each in taken])
        async with database.write() as session:
            await session.execute(update(RefRow).where(mine).values(again))

    return {
        "case list": page(),
        "  by status": page(status=CaseStatus.OPEN),
        "  by severity": page(severity=Severity.CRITICAL),
        "  by assignee": page(assignee="ann"),
        "  by connector": page(connector=connector.public_id),
        **{f"  {state}": page(sync=state) for state in SyncState},
        "  by a key": page(search="SEC-20"),
        "  by a word that is nowhere": page(search="nowhere to be found"),
        "needing attention": lambda: lists.needing_attention(who, limit=10),
        "cases by status, counted": lambda: lists.counts(who),
        "case page": case_page,
        "connector card": card,
        "unmapped statuses": unmapped,
        f"claim 8 of {DUE} due, give back": claim,
    }


async def measure(url: str, refs: int, lines: int) -> dict[str, float]:
    """Return the milliseconds of each question."""
    database = Database(url)
    await upgrade(database)
    began = time.perf_counter()
    who = await fill(database, refs, lines)
    print(f"filled {refs} refs in {time.perf_counter() - began:.0f} s", flush=True)
    async with database.write() as session:
        connector = (await session.scalars(select(ConnectorRow).limit(1))).one()
        now = utc_now()
        seen = {"name": "Waiting", "seen": 1, "first_seen_at": now, "last_seen_at": now}
        whose = {"tenant_id": who.tenant_id, "connector_id": connector.id}
        session.add(UnmappedStatusRow(public_id="uns_1", **seen, **whose))
    found = {}
    for name, ask in questions(database, who, connector).items():
        took = []
        for _ in range(ASKED):
            began = time.perf_counter()
            await ask()
            took.append(time.perf_counter() - began)
        found[name] = 1000 * statistics.median(took)
    await database.close()
    return found


def main() -> None:
    """Fill databases and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--refs", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--lines-per-ref", type=int, default=10)
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running_postgres()) if arguments.postgres else None
        columns = []
        for refs in arguments.refs:
            url = f"sqlite+aiosqlite:///{folder / f'{refs}.db'}"
            if server is not None:
                url = server.create_database(f"growth_{refs}")
            columns.append(asyncio.run(measure(url, refs, arguments.lines_per_ref)))
    print(f"{'median, ms':<34}" + "".join(f"{refs:>12} refs" for refs in arguments.refs))
    for name in columns[0]:
        print(f"{name:<34}" + "".join(f"{column[name]:>17.1f}" for column in columns))


if __name__ == "__main__":
    main()
