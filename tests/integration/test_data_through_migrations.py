"""Rows through the migrations, on both databases: all are there after it, and work goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from casebridge.persistence.database import Database
from casebridge.persistence.migrate import configuration, upgrade
from casebridge.services.clock import utc_now
from casebridge.services.tenants import FIRST_KEY_FILE, Scope, Tenants
from casebridge.services.vault import Vault
from tests.integration.desk import open_desk
from tests.integration.population import ROWS, content, populate

Opened = Callable[[str], Database]
Content = dict[str, list[dict[str, Any]]]


def revisions(connection: Connection) -> list[str]:
    """Return every revision, oldest first."""
    scripts = ScriptDirectory.from_config(configuration(connection))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


async def on(database: Database, work: Callable[[Connection], Any]) -> Any:
    async with database.write() as session:
        return await (await session.connection()).run_sync(work)


async def populated_at_each_revision(database: Database) -> dict[str, Content]:
    """Upgrade step by step, adding rows to every table at each; return what was there each time."""
    seen: dict[str, Content] = {}
    for revision in await on(database, revisions):
        await upgrade(database, revision)
        await on(database, populate)
        seen[revision] = await on(database, content)
    return seen


async def test_what_earlier_revisions_left_is_all_there_and_the_service_works_on_it(
    opened: Opened, empty_url: str, tmp_path: Path
) -> None:
    database = opened(empty_url)

    seen = await populated_at_each_revision(database)

    now: Content = await on(database, content)
    for number, (revision, tables) in enumerate(seen.items(), 1):
        for name, rows in tables.items():
            times = sum(name in then for then in list(seen.values())[:number])
            assert len(rows) == times * ROWS > 0
            kept = [{column: row[column] for column in rows[0]} for row in now[name]]
            assert kept[: len(rows)] == rows, f"{name} since {revision}"
    tenants = Tenants(database, utc_now)
    (tenant, *_) = await tenants.list()
    key = await tenants.issue_key(tenant.id, "tester", Scope.ADMIN)
    (tmp_path / FIRST_KEY_FILE).write_text(key)
    Vault.from_settings("", tmp_path / "casebridge.key")
    await database.close()
    with open_desk(tmp_path, database_url=empty_url) as desk:
        ask = desk.admin.ask
        (old,) = ask("GET", "/v1/cases")["items"]
        moved = ask("POST", f"/v1/cases/{old['id']}/status", {"status": "contained"})
        assert (moved["status"], desk.admin.create_case()["status"]) == ("contained", "open")
        assert len(ask("GET", f"/v1/cases/{old['id']}/timeline")["items"]) >= 2
        assert [ticket["state"] for ticket in moved["tickets"]]
        for path in ("inbox-tokens", "inbox-events"):
            assert ask("GET", f"/v1/{path}"), path
