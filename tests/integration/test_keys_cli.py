"""`casebridge tenant` and `casebridge key`, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from litestar.testing import TestClient

from casebridge.asgi import create_app
from casebridge.cli import main
from casebridge.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASEBRIDGE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def status_with(folder: Path, key: str) -> int:
    with TestClient(create_app(Settings(data_dir=folder, workers=0))) as client:
        headers = {"Authorization": f"Bearer {key}"}
        return int(client.post("/v1/cases", json={"title": "x"}, headers=headers).status_code)


def test_an_issued_key_works_within_its_scope_until_it_is_revoked(folder: Path) -> None:
    writer = run("key", "issue", "--name", "pipeline").output.strip()
    reader = run("key", "issue", "--name", "dashboard", "--scope", "read").output.strip()
    assert [status_with(folder, key) for key in (writer, reader)] == [201, 403]
    key_id = run("key", "list").output.splitlines()[2].split()[0]

    revoked = run("key", "revoke", key_id)

    assert revoked.exit_code == 0
    assert status_with(folder, writer) == 401
    assert writer not in run("key", "list").output


def test_a_tenants_key_sees_its_own_cases_only(folder: Path) -> None:
    run("tenant", "create", "blue")
    key = run("key", "issue", "--tenant", "blue", "--name", "ci").output.strip()
    assert status_with(folder, key) == 201

    with TestClient(create_app(Settings(data_dir=folder, workers=0))) as client:
        first = (folder / "admin.key").read_text().strip()
        seen = client.get("/v1/cases", headers={"Authorization": f"Bearer {first}"}).json()

    assert seen["items"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("tenant", "create", "default"), "there is a tenant 'default' already"),
        (("key", "issue", "--tenant", "nobody", "--name", "x"), "there is no tenant 'nobody'"),
        (("key", "revoke", "key_x"), "there is no API key 'key_x'"),
    ],
)
def test_a_wrong_name_is_one_sentence(folder: Path, words: tuple[str, ...], sentence: str) -> None:
    result = run(*words)

    assert result.exit_code == 1
    assert result.output.strip() == f"Error: {sentence}"
