"""Rows by the million, made inside the database: cases with a linked ticket each, and timelines.

Every case is open, its ticket is Jira's ``To Do``, and both sides agree on that.
"""

from __future__ import annotations

from typing import Final

from jira_bodies import issue_id
from sqlalchemy import text

from casebridge.persistence.database import Database

_NUMBERS: Final = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
"""
_CASES: Final = """
INSERT INTO cases (id, public_id, tenant_id, title, summary, severity_initial, severity, status,
  status_trail, status_changed_at, version, deep_link, detection_rules, raw_events, entities,
  created_at, updated_at)
{numbers} SELECT {base} + n, 'case_' || ({base} + n), 1, 'Suspicious sign-in ' || n,
  'Two countries within an hour', 'medium', 'medium', 'open', '["open"]', {moment}, 1,
  'https://soc.example/cases/' || n, '["rule-1"]', '["event-1"]', '[]', {moment}, {moment}
FROM numbers
"""
_REFS: Final = """
INSERT INTO case_external_refs (id, public_id, tenant_id, case_id, connector_id, vendor,
  correlation_key, external_id, external_key, external_url, settled_status, settled_native,
  ticket_status, ticket_status_id, verify_asked, priority, attempts, created_at, updated_at)
{numbers} SELECT {base} + n, 'ref_' || ({base} + n), 1, {base} + n, {connector}, 'jira',
  'aisoc-ref_' || ({base} + n), '' || ({first} + {base} + n), 'SEC-' || ({base} + n),
  'https://bench.atlassian.net/browse/SEC-' || n, 'open', 'To Do', 'To Do', '10000',
  false, 0, 0, {moment}, {moment}
FROM numbers
"""
_TIMELINE: Final = """
INSERT INTO timeline (tenant_id, case_id, at, kind, actor_label, text, detail)
{numbers} SELECT 1, 1 + n % {cases}, {moment}, 'comment', 'api (bench)', 'line ' || n, '{{}}'
FROM numbers
"""


async def fill(url: str, cases: int, *, connector: int = 1, timeline: int = 0) -> None:
    """Add cases, numbered on from those that are there, and timeline rows over all of them."""
    database = Database(url)
    moment = "'2026-03-01 12:00:00.000000'"
    values = {"moment": moment if database.is_sqlite else f"timestamptz {moment[:-1]}+00'"}
    try:
        async with database.write() as session:
            base = await session.scalar(text("SELECT coalesce(max(id), 0) FROM cases")) or 0
            more = {**values, "base": base, "connector": connector, "first": issue_id(0)}
            for statement in (_CASES, _REFS):
                numbers = _NUMBERS.format(count=cases)
                await session.execute(text(statement.format(numbers=numbers, **more)))
            if timeline:
                numbers = _NUMBERS.format(count=timeline)
                more = {**values, "cases": base + cases}
                await session.execute(text(_TIMELINE.format(numbers=numbers, **more)))
            if not database.is_sqlite:
                for table in ("cases", "case_external_refs"):
                    await session.execute(
                        text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")  # noqa: S608 - our own names
                    )
        async with database.engine.connect() as connection:
            await connection.exec_driver_sql("ANALYZE")
    finally:
        await database.close()
