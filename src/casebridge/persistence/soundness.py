"""Looking for what must not be in a database: damage, dangling rows, and broken invariants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from casebridge.persistence.database import Database
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.persistence.schema import Row, every_table

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MOST: Final = 5
"""How many offenders are named; who has more has to look anyway."""


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that holds for every row, and the query for the ids of those for which it does not.

    The query has one column of text, in an order.
    """

    name: str
    query: str


INVARIANTS: Final = (
    Invariant(
        "a ref belongs to the tenant of its case and of its connector, and has its vendor",
        "SELECT r.public_id FROM case_external_refs r JOIN cases c ON c.id = r.case_id"
        " JOIN connectors k ON k.id = r.connector_id WHERE r.tenant_id <> c.tenant_id"
        " OR r.tenant_id <> k.tenant_id OR r.vendor <> k.vendor ORDER BY r.id",
    ),
    Invariant(
        "a minted ticket has an id at its vendor",
        "SELECT public_id FROM case_external_refs"
        " WHERE minted_at IS NOT NULL AND external_id IS NULL ORDER BY id",
    ),
    Invariant(
        "a lease has an owner and an end",
        "SELECT public_id FROM case_external_refs"
        " WHERE (lease_token IS NULL) <> (lease_until IS NULL) ORDER BY id",
    ),
    Invariant(
        "a case stands on the ladder",
        "SELECT public_id FROM cases WHERE status NOT IN"
        " ('open', 'triage', 'contained', 'resolved', 'closed') ORDER BY id",
    ),
    Invariant(
        "a case has a timeline, in its own tenant",
        "SELECT c.public_id FROM cases c WHERE NOT EXISTS (SELECT 1 FROM timeline t"
        " WHERE t.case_id = c.id AND t.tenant_id = c.tenant_id) OR EXISTS (SELECT 1 FROM timeline t"
        " WHERE t.case_id = c.id AND t.tenant_id <> c.tenant_id) ORDER BY c.id",
    ),
    Invariant(
        "an annotation belongs to the case and the tenant of its ref",
        "SELECT a.public_id FROM annotations a JOIN case_external_refs r ON r.id = a.ref_id"
        " WHERE a.case_id <> r.case_id OR a.tenant_id <> r.tenant_id ORDER BY a.id",
    ),
    Invariant(
        "an event belongs to the tenant of its token and of its case",
        "SELECT e.public_id FROM inbound_events e JOIN inbox_tokens t ON t.id = e.token_id"
        " LEFT JOIN cases c ON c.id = e.case_id WHERE e.tenant_id <> t.tenant_id"
        " OR e.tenant_id <> c.tenant_id ORDER BY e.id",
    ),
)
_TRIGGERS: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'timeline'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'timeline'::regclass"
    " AND NOT tgisinternal AND tgenabled <> 'D'",
}
_APPEND_ONLY: Final = {
    "sqlite": {"timeline_no_update", "timeline_no_delete"},
    "postgresql": {"timeline_append_only"},
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What does not hold, and where: the first few offenders, and how many there are in all."""

    name: str
    found: Sequence[str]
    count: int


async def damage(database: Database) -> Trouble | None:
    """Read the whole file of an embedded database; PostgreSQL checks its pages by itself."""
    if not database.is_sqlite:
        return None
    try:
        async with database.read() as session:
            lines = (await session.scalars(text(f"PRAGMA integrity_check({_MOST})"))).all()
    except DatabaseUnavailable as error:  # too damaged even for that
        lines = [error.reason]
    return None if lines == ["ok"] else Trouble("integrity", lines, len(lines))


async def dangling(database: Database) -> Trouble | None:
    """Look for foreign keys that lead nowhere, or on PostgreSQL for those not enforced."""
    query = "PRAGMA foreign_key_check"
    if not database.is_sqlite:
        query = (
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype = 'f' AND NOT convalidated ORDER BY 1, 2"
        )
    async with database.read() as session:
        found = [f"{row[0]} {row[1]}" for row in await session.execute(text(query))]
    return Trouble("foreign keys", found[:_MOST], len(found)) if found else None


async def drift(database: Database) -> Trouble | None:
    """Compare the tables with those that this release works with, append-only rows included."""
    async with database.read() as session:
        connection = await session.connection()
        found = await connection.run_sync(_differences)
        dialect = connection.dialect.name
        there = set(await session.scalars(text(_TRIGGERS[dialect])))
    found += [f"trigger {name}" for name in sorted(_APPEND_ONLY[dialect] - there)]
    return Trouble("tables", found[:_MOST], len(found)) if found else None


async def broken(database: Database, invariant: Invariant) -> Trouble | None:
    """Return for whom an invariant does not hold."""
    async with database.read() as session:
        found = [str(each) for each in await session.scalars(text(invariant.query))]
    return Trouble(invariant.name, found[:_MOST], len(found)) if found else None


def _differences(connection: Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - it costs a start 0.2 s
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

    every_table()  # which loads them all
    context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
    return [_in_words(difference) for difference in compare_metadata(context, Row.metadata)]


def _is_ours(item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:  # noqa: FBT001 - Alembic's signature
    """Leave out tables of others, such as those of the queue between workers."""
    del item
    return not (kind == "table" and reflected and name not in Row.metadata.tables)


def _in_words(difference: Any) -> str:  # noqa: ANN401 - Alembic's tuples, or a list of them
    if isinstance(difference, list):
        return "; ".join(map(_in_words, difference))
    names = [getattr(part, "name", part) for part in difference[1:]]
    return " ".join(str(name) for name in (difference[0], *names) if isinstance(name, str))
