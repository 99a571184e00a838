"""What the doctor looks at: database, master key, plugins, connectors, clocks and public URL.

Nothing is changed, but for a row of the database that is written as it was.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
from sqlalchemy import text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from casebridge.cli import directly
from casebridge.cli.examination import verdicts
from casebridge.cli.examination.connectors import Visited, configured, visit
from casebridge.cli.examination.verdicts import Finding
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import newest_revision, revision_of
from casebridge.persistence.outages import DatabaseUnavailable
from casebridge.services.clock import Clock, utc_now
from casebridge.services.resealing import Resealing
from casebridge.services.vault import Vault, VaultError
from casebridge.settings import Settings
from casebridge_core import ConnectorCatalog

_PATIENCE_SECONDS = 10.0
_REACHED = "Start it, or mend CASEBRIDGE_DATABASE_URL or CASEBRIDGE_DATA_DIR."
_WRITE = text("UPDATE alembic_version SET version_num = version_num")


async def examine(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Finding]:
    """Look at everything, one line after another; what cannot be looked at is left out."""
    catalog = ConnectorCatalog.installed(only=settings.allow_list)
    vault = None
    try:
        vault = Vault.from_settings(settings.keys, settings.key_file, create=False)
        others = [key for key in vault.key_ids if key != vault.current]
        yield verdicts.master_key(vault.current, others)
    except VaultError as error:
        cure = "Put the keys back from the backup; without them no credential opens."
        yield verdicts.refused("master key", "present", str(error), cure)
    try:
        database = Database(settings.database)
    except (ArgumentError, ImportError) as error:
        yield _unreachable(error)
        database = None
    visited = Visited()
    if database is not None:
        try:
            async for finding in _stored(settings, database, vault, catalog, clock, visited):
                yield finding
        finally:
            await database.close()
    else:
        for finding in _plugins(catalog, {}):
            yield finding
    for name, ahead in visited.ahead.items():
        yield verdicts.clock(name, ahead, most=verdicts.VENDOR_SECONDS)
    yield verdicts.address(settings.public_url, settings.address)
    yield await _answering(settings.address, vault)


async def _stored(
    settings: Settings,
    database: Database,
    vault: Vault | None,
    catalog: ConnectorCatalog,
    clock: Clock,
    visited: Visited,
) -> AsyncIterator[Finding]:
    """Look at the database, and at what stands in it."""
    current = False
    async for finding in _database(database):
        yield finding
        current = finding.ok is not False if finding.check == "revision" else current
    rows = await configured(database) if current else []
    if current and vault is not None:
        resealing = Resealing(database, vault)
        shut = await resealing.shut()
        for finding in verdicts.sealed(await resealing.keys(), vault.current, shut):
            yield finding
    missing = defaultdict(list)
    for row, _ in rows:
        if row.vendor not in catalog:
            missing[row.vendor].append(row.name)
    for finding in _plugins(catalog, missing):
        yield finding
    if vault is not None:
        async for finding in visit(settings, database, vault, catalog, rows, clock, visited):
            yield finding
    if current and not database.is_sqlite:
        yield await _clock_of(database, clock)


async def _database(database: Database) -> AsyncIterator[Finding]:
    """Look at the database itself; the last line is about its revision if that is known."""
    if (missing := directly.missing_file(database)) is not None:
        yield verdicts.refused("database", "reachable", missing, _REACHED)
        return
    try:
        async with database.read() as session:
            query = "PRAGMA journal_mode" if database.is_sqlite else "SHOW server_version"
            told = str(await session.scalar(text(query)))
        found = await revision_of(database)
    except (SQLAlchemyError, OSError) as error:
        yield _unreachable(error)
        return
    name = "SQLite" if database.is_sqlite else f"PostgreSQL {told}"
    yield Finding(about="database", check="reachable", ok=True, detail=name)
    if database.is_sqlite:
        yield verdicts.journal(told)
    if found is not None:
        yield verdicts.writable(await _failure_of_write(database))
    yield verdicts.revision(found, newest_revision())


async def _failure_of_write(database: Database) -> str | None:
    try:
        async with database.write() as session:
            await session.execute(_WRITE)
    except (SQLAlchemyError, OSError) as error:
        return f"no ({_kind(error)})"
    return None


async def _clock_of(database: Database, clock: Clock) -> Finding:
    async with database.read() as session:
        began = time.monotonic()
        theirs: datetime = (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        taken = time.monotonic() - began
    ahead = (clock() - theirs).total_seconds() - taken / 2
    return verdicts.clock("the database", ahead, most=verdicts.DATABASE_SECONDS)


def _plugins(catalog: ConnectorCatalog, missing: dict[str, list[str]]) -> list[Finding]:
    refusals = [str(failure.error) for failure in catalog.failures]
    return verdicts.plugins(sorted(catalog), refusals, missing)


async def _answering(address: str, vault: Vault | None) -> Finding:
    """Ask whoever is at the public URL for something that only this service can say."""
    challenge = secrets.token_hex(16)
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            found = await client.get(f"{address}/identity/{challenge}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return verdicts.answer(f"nothing answers at {address} ({_kind(error)})", ours=False)
    if vault is None:
        return Finding(
            about="public URL", check="answers", ok=None, detail="it does; whoever it is"
        )
    ours = found.status_code == httpx.codes.OK and vault.believes(challenge, found.text)
    return verdicts.answer(None, ours=ours)


def _unreachable(error: Exception) -> Finding:
    detail = f"it cannot be reached ({_kind(error)})"
    return Finding(about="database", check="reachable", ok=False, detail=detail, cure=_REACHED)


def _kind(error: BaseException) -> str:
    """Name a failure without its words: they may hold the database's password."""
    if isinstance(error, DatabaseUnavailable):
        return error.reason
    return type(getattr(error, "orig", None) or error).__name__
