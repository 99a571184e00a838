"""`casebridge db`: upgrading and checking, and everything that the check can find."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from casebridge.cli import main
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import newest_revision
from casebridge.persistence.soundness import INVARIANTS
from casebridge_sandbox import RunningSandbox
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]
BREAKAGES = (
    "UPDATE case_external_refs SET vendor = 'another'",
    "UPDATE case_external_refs SET minted_at = created_at, external_id = NULL",
    "UPDATE case_external_refs SET lease_token = 'held', lease_until = NULL",
    "UPDATE cases SET status = 'limbo'",
    "DROP TRIGGER timeline_no_delete",
    "DELETE FROM timeline",
    "UPDATE annotations SET tenant_id = 999",
    "UPDATE inbound_events SET tenant_id = 999",
    "DROP INDEX ix_timeline_case_id_id",
)


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ("db", *words), env={"CASEBRIDGE_DATABASE_URL": url})


def failed(url: str) -> dict[str, Any]:
    """Run the check; return what failed, of which each line has a cure."""
    result = run(url, "check", "--json")
    assert result.stdout, result.stderr
    report = json.loads(result.stdout)
    lines = {line["check"]: line for line in report["lines"] if line["ok"] is False}
    assert result.exit_code == (1 if lines else 0), result.output
    assert all(line["cure"] for line in lines.values())
    return lines


@pytest.fixture
def lived_in(service: Service, case: str, jira: Vendor, tmp_path: Path) -> str:
    """A copy of a database in which a case has a ticket, an event and an annotation; its URL."""
    token = service.api.post("/v1/inbox-tokens", {"name": "webhooks of Jira"})
    jira.control.send_webhooks_to(token["url"], secret=token["secret"], token_id=token["id"])
    key = service.api.linked(case)["jira"]["key"]
    jira.control.comment(key, "Looking into it.")
    eventually(lambda: service.api.case(case)["annotations"])
    copy = tmp_path / "copy.db"
    with (
        closing(sqlite3.connect(service.data_dir / "casebridge.db")) as here,
        closing(sqlite3.connect(copy)) as there,
    ):
        here.backup(there)
    return f"sqlite+aiosqlite:///{copy}"


def test_a_database_is_sound_after_a_life_and_everything_broken_is_found(lived_in: str) -> None:
    assert failed(lived_in) == {}
    with closing(sqlite3.connect(lived_in.partition("///")[2])) as database:
        for statement in BREAKAGES:
            database.execute(statement)
        database.commit()

    lines = failed(lived_in)

    expected = {invariant.name for invariant in INVARIANTS} | {"tables", "foreign keys"}
    assert set(lines) == expected
    assert "ix_timeline_case_id_id" in lines["tables"]["detail"]
    assert "trigger timeline_no_delete" in lines["tables"]["detail"]
    assert "annotations" in lines["foreign keys"]["detail"]


def test_a_damaged_file_is_found(lived_in: str) -> None:
    path = Path(lived_in.partition("///")[2])
    with closing(sqlite3.connect(path)) as database:
        (page,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_cases_public_id'"
            " OR name = 'sqlite_autoindex_cases_1' LIMIT 1"
        ).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size + size // 2)
        file.write(b"\xff" * (size // 2))

    assert "integrity" in failed(lived_in)


def test_a_database_of_a_newer_release_is_left_alone(lived_in: str) -> None:
    with closing(sqlite3.connect(lived_in.partition("///")[2])) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()

    assert set(failed(lived_in)) == {"revision"}
    refused = run(lived_in, "upgrade")
    assert refused.exit_code == 1
    assert "9999, which this release does not know" in refused.stderr


def test_a_database_is_made_and_upgraded_once(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'new' / 'casebridge.db'}"
    assert "there is no database" in run(url, "check").stderr

    first, again = run(url, "upgrade"), run(url, "upgrade")

    assert f"at revision {newest_revision()} (it was empty)" in first.output
    assert "already" in again.output
    assert failed(url) == {}


async def _execute(url: str, *statements: str) -> None:
    database = Database(url)
    async with database.write() as session:
        for statement in statements:
            await session.execute(text(statement))
    await database.close()


def test_postgresql_is_upgraded_and_checked(postgres_url: str) -> None:
    assert "db upgrade" in failed(postgres_url)["revision"]["cure"]
    assert run(postgres_url, "upgrade").exit_code == 0
    assert failed(postgres_url) == {}
    statements = (
        "ALTER TABLE timeline DISABLE TRIGGER timeline_append_only",
        "ALTER TABLE cases ADD CONSTRAINT late FOREIGN KEY (id) REFERENCES tenants NOT VALID",
        "CREATE TABLE of_another_program (id integer)",
    )
    asyncio.run(_execute(postgres_url, *statements))

    lines = failed(postgres_url)

    assert "trigger timeline_append_only" in lines["tables"]["detail"]
    assert "of_another_program" not in lines["tables"]["detail"]
    assert "late" in lines["foreign keys"]["detail"]
