"""`casebridge doctor`: a sound installation, and each thing that can be wrong with it."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from casebridge.cli.examination import verdicts
from casebridge.cli.examination.looking import examine
from casebridge.cli.examination.verdicts import Finding
from casebridge.persistence.database import Database
from casebridge.persistence.migrate import upgrade
from casebridge.services.clock import utc_now
from casebridge.settings import Settings
from casebridge_sandbox import RunningSandbox
from tests.shell import Environment, Shell
from tests.stage import Service, eventually

Vendor = RunningSandbox[Any]
Line = dict[str, Any]


@pytest.fixture
def shell(service: Service) -> Shell:
    """A terminal with the service's own settings."""
    return Shell(
        {"CASEBRIDGE_DATA_DIR": str(service.data_dir), "CASEBRIDGE_PUBLIC_URL": service.url}
    )


@pytest.fixture
def copied(service: Service, tmp_path: Path) -> Path:
    """A copy of the data folder, to be spoilt."""
    folder = tmp_path / "copy"
    folder.mkdir()
    shutil.copy(service.data_dir / "casebridge.key", folder)
    with (
        closing(sqlite3.connect(service.data_dir / "casebridge.db")) as here,
        closing(sqlite3.connect(folder / "casebridge.db")) as there,
    ):
        here.backup(there)
    return folder


def failures(shell: Shell, **environment: str) -> dict[tuple[str, str], Line]:
    """Run the doctor; return what failed, of which each line has a cure."""
    result = shell.run("doctor", "--json", environment=environment)
    report = json.loads(result.stdout)
    failed = [line for line in report["lines"] if line["ok"] is False]
    assert report["ok"] is (not failed)
    assert result.exit_code == (1 if failed else 0)
    assert all(line["cure"] for line in failed), failed
    return {(line["about"], line["check"]): line for line in failed}


def test_a_sound_installation_is_told_line_by_line(
    shell: Shell, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)

    printed = shell.says("doctor")

    assert failures(shell) == {}
    for words in ("SQLite", "wal", "sealed values open", "jira, ", "account", "this service"):
        assert words in printed
    assert "within 30 s of jira" in printed


def test_nothing_is_made_where_there_is_nothing(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"

    failed = failures(shell, CASEBRIDGE_DATA_DIR=str(folder))

    assert set(failed) == {("database", "reachable"), ("master key", "present")}
    assert not folder.exists()


def test_a_database_that_does_not_answer(shell: Shell) -> None:
    url = "postgresql+asyncpg://somebody:swordfish@127.0.0.1:9/nothing"

    failed = failures(shell, CASEBRIDGE_DATABASE_URL=url)

    assert "swordfish" not in str(failed)
    assert set(failed) == {("database", "reachable")}


def test_a_database_of_another_release(shell: Shell, copied: Path) -> None:
    with closing(sqlite3.connect(copied / "casebridge.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
        database.commit()

    failed = failures(shell, CASEBRIDGE_DATA_DIR=str(copied))

    assert "casebridge db upgrade" in failed["database", "revision"]["cure"]


@pytest.mark.parametrize(
    ("query", "check"), [("vfs=unix-dotfile", "journal"), ("mode=ro", "writable")]
)
def test_a_file_system_that_is_not_fit(shell: Shell, copied: Path, query: str, check: str) -> None:
    with closing(sqlite3.connect(copied / "casebridge.db")) as database:
        database.execute(f"PRAGMA journal_mode = {'DELETE' if check == 'journal' else 'WAL'}")
    url = f"sqlite+aiosqlite:///file:{copied / 'casebridge.db'}?{query}&uri=true"

    assert set(failures(shell, CASEBRIDGE_DATABASE_URL=url)) == {("database", check)}


def test_a_key_file_that_others_can_read(shell: Shell, copied: Path) -> None:
    (copied / "casebridge.key").chmod(0o640)

    failed = failures(shell, CASEBRIDGE_DATA_DIR=str(copied))

    assert "chmod 600" in failed["master key", "present"]["cure"]


def test_a_key_of_another_service(shell: Shell, service: Service, jira: Vendor) -> None:
    service.add_jira(jira)

    failed = failures(shell, CASEBRIDGE_KEYS=base64.b64encode(b"k" * 32).decode())

    assert {("master key", "opens"), ("public URL", "answers")} <= set(failed)
    assert ("connector jira", "check") in failed


def test_an_unfinished_rotation_is_worth_a_note() -> None:
    told = verdicts.sealed({"new": 2, "old": 3}, "new", [])

    assert [(line.check, line.ok) for line in told] == [("opens", True), ("rotation", None)]


def test_a_plugin_that_is_missing_and_none_at_all(
    shell: Shell, service: Service, jira: Vendor
) -> None:
    service.add_jira(jira)

    failed = failures(shell, CASEBRIDGE_PLUGINS="nobody")

    assert {("plugins", "installed"), ("plugins", "missing")} <= set(failed)
    assert "casebridge-jira" in failed["plugins", "missing"]["cure"]


def test_a_plugin_that_is_broken(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "casebridge_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: casebridge-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[casebridge]\nbroken = casebridge_broken\n")
    (tmp_path / "casebridge_broken.py").write_text("raise RuntimeError('half installed')\n")
    monkeypatch.syspath_prepend(tmp_path)

    failed = failures(shell)

    assert "half installed" in failed["plugins", "refused"]["detail"]


def test_a_vendor_that_refuses_the_credential_and_the_pause_that_follows(
    shell: Shell, service: Service, jira: Vendor
) -> None:
    connector = service.add_jira(jira)
    jira.control.change_scenario(api_token="renewed")
    service.api.create_case()
    path = f"/v1/connectors/{connector}"
    eventually(lambda: service.api.get(path)["state"] == "paused")

    failed = failures(shell)

    assert {about for about, _ in failed} == {"connector jira"}
    assert len(failed) > 1
    assert "connector check" in failed["connector jira", "paused"]["cure"]
    assert service.api.get(path)["state"] == "paused"
    jira.control.change_scenario(api_token="jira-sandbox-token")
    assert set(failures(shell)) == {("connector jira", "paused")}
    assert service.api.get(path)["state"] == "paused"


def test_what_people_switched_off_is_no_failure(
    shell: Shell, service: Service, jira: Vendor, servicenow: Vendor
) -> None:
    paused, disabled = service.add_jira(jira), service.add_servicenow(servicenow)
    service.api.post(f"/v1/connectors/{paused}/pause", {"reason": "change freeze"})
    service.api.patch(f"/v1/connectors/{disabled}", {"enabled": False})

    printed = shell.says("doctor")

    assert "change freeze" in printed
    assert "switched off" in printed


def found(settings: Settings, **ahead: float) -> list[Finding]:
    """Examine with a clock that is wrong."""

    async def work() -> list[Finding]:
        clock = lambda: utc_now() + timedelta(**ahead)  # noqa: E731 - a clock
        return [finding async for finding in examine(settings, clock=clock)]

    return asyncio.run(work())


def test_a_clock_that_is_not_the_vendors(service: Service, jira: Vendor) -> None:
    service.add_jira(jira)
    settings = Settings(data_dir=service.data_dir, public_url=service.url)

    (wrong,) = [line for line in found(settings, minutes=5) if line.about == "clock"]

    assert (wrong.check, wrong.ok) == ("jira", False)
    assert "ahead of jira" in wrong.detail
    assert "NTP" in wrong.cure


def test_a_clock_that_is_not_the_databases(service: Service, postgres_url: str) -> None:
    async def migrate() -> None:
        database = Database(postgres_url)
        await upgrade(database)
        await database.close()

    asyncio.run(migrate())
    settings = Settings(
        data_dir=service.data_dir, database_url=postgres_url, public_url=service.url
    )

    lines = {line.check: line for line in found(settings, seconds=-30)}

    assert "PostgreSQL" in lines["reachable"].detail
    assert lines["the database"].ok is False
    assert "30 s behind" in lines["the database"].detail
    assert lines["writable"].ok


@pytest.mark.parametrize(
    ("url", "failed"),
    [
        ("http://casebridge.invalid", {"https", "answers"}),
        ("https://127.0.0.1:9", {"answers"}),
    ],
)
def test_a_public_url_that_leads_nowhere(shell: Shell, url: str, failed: set[str]) -> None:
    checks = failures(shell, CASEBRIDGE_PUBLIC_URL=url)

    assert set(checks) == {("public URL", check) for check in failed}


def test_a_public_url_at_which_another_service_answers(shell: Shell, jira: Vendor) -> None:
    failed = failures(shell, CASEBRIDGE_PUBLIC_URL=jira.url)

    assert "another service" in failed["public URL", "answers"]["detail"]


def test_settings_that_cannot_be_read_are_one_sentence(shell: Shell) -> None:
    wrong: Environment = {"CASEBRIDGE_WORKERS": "many"}

    assert "CASEBRIDGE_WORKERS" in shell.fails("doctor", environment=wrong)
