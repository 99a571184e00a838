"""The wheels: what is in them, and that a stranger's plugin works as soon as it is installed."""

from __future__ import annotations

import email
import json
import os
import re
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
ROOMS = {
    "casebridge": ROOT,
    "casebridge-core": ROOT / "core",
    "casebridge-jira": ROOT / "plugins" / "jira",
    "casebridge-roundup": ROOT / "plugins" / "roundup",
    "casebridge-servicenow": ROOT / "plugins" / "servicenow",
    "casebridge-sandbox": ROOT / "sandbox",
    "casebridge-example": ROOT / "docs" / "examples" / "casebridge-example",
    "casebridge-redaction": ROOT / "docs" / "examples" / "casebridge-redaction",
}

LIST = """
import json
import casebridge_core
from casebridge_core import ConnectorCatalog

catalog = ConnectorCatalog.installed()
print(json.dumps({
    "core": casebridge_core.__file__,
    "vendors": {v: [h.source.distribution, h.source.version] for v, h in catalog.items()},
    "cross_cutting": [source.name for source in catalog.cross_cutting],
    "failures": [str(failure.error) for failure in catalog.failures],
}))
"""

PUSH = """
import asyncio, json, sys
from datetime import UTC, datetime
import httpx
from casebridge_core import Case, CaseStatus, Connector, ConnectorCatalog, Severity

async def push(url):
    hooks = ConnectorCatalog.installed()["acme"]
    case = Case(
        id="case-1", tenant_id="1", title="Ransomware on web-01.internal", summary="Bad.",
        severity_initial=Severity.HIGH, severity=Severity.HIGH, status=CaseStatus.OPEN,
        deep_link="https://soc.example/cases/case-1", created_at=datetime.now(UTC),
    )
    config = hooks.decode_config({"base_url": url, "token": "t0ken"})
    async with httpx.AsyncClient(trust_env=False) as http:
        connector = Connector(id="1", tenant_id="1", vendor="acme", config=config, http=http)
        pushed = await hooks.push_case(connector, hooks.project_case(connector, case, "cb-1"))
        found = await hooks.find_ticket(connector, "cb-1")
    return {"pushed": pushed.ticket.ref.key, "found": [ticket.ref.key for ticket in found]}

print(json.dumps(asyncio.run(push(sys.argv[1]))))
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the wheel of every room and example, without the network."""
    built: dict[str, Path] = {}
    for name, room in ROOMS.items():
        folder = tmp_path_factory.mktemp(name)
        command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, room)
        run(sys.executable, *command, cwd=folder)
        (built[name],) = folder.glob("*.whl")
    return built


def required(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    every = map(Requirement, metadata.get_all("Requires-Dist") or [])
    return [requirement for requirement in every if "extra ==" not in str(requirement.marker)]


class Environment:
    """A fresh virtual environment that holds the contract's three dependencies and no more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
        paths = {"base": str(folder), "platbase": str(folder)}
        scripts = Path(sysconfig.get_path("scripts", "venv", vars=paths))
        self.python = scripts / ("python.exe" if os.name == "nt" else "python")
        self._site = Path(sysconfig.get_path("purelib", "venv", vars=paths))

    def lend(self, names: Iterator[str]) -> None:
        """Link distributions of the running environment, and what they require, into this one."""
        for name in names:
            lent = distribution(name)
            files = lent.files or ()
            tops = {Path(file.parts[0]) for file in files if file.parts[0] != ".."}
            for top in tops - {Path("__pycache__")}:
                if (self._site / top).exists():
                    continue
                (self._site / top).symlink_to(Path(str(lent.locate_file(top))).resolve())
            wanted = (Requirement(text) for text in lent.requires or ())
            self.lend(r.name for r in wanted if not r.marker or r.marker.evaluate({"extra": ""}))

    def pip(self, *arguments: str | Path) -> None:
        """Run pip on this environment, without the network."""
        pip = (sys.executable, "-m", "pip", "--python", self.python, "--isolated")
        run(*pip, "--disable-pip-version-check", *arguments, cwd=self.folder)

    def ask(self, script: str, *arguments: str) -> Any:
        """Run a script in a process of its own and return the JSON that it prints."""
        return json.loads(run(self.python, "-I", "-c", script, *arguments, cwd=self.folder))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Environment:
    """Make a fresh environment with the contract's wheel in it."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.lend(requirement.name for requirement in required(wheels["casebridge-core"]))
    environment.pip("install", "--quiet", "--no-index", wheels["casebridge-core"])
    return environment


class Acme(BaseHTTPRequestHandler):
    """The imaginary tracker: it stores tickets and finds them by their key."""

    tickets: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        told = {"id": len(self.tickets) + 1, "status": "Open", "changed": "2026-03-01T09:30:00Z"}
        ticket = {**json.loads(body), **told}
        self.tickets.append({**ticket, "authorization": self.headers["Authorization"]})
        self._answer(201, ticket)

    def do_GET(self) -> None:
        key = self.path.partition("?key=")[2]
        self._answer(200, [ticket for ticket in self.tickets if ticket["key"] == key])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Stay silent."""

    def _answer(self, status: int, document: object) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def acme() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve the imaginary tracker on a free port; yield its address and its tickets."""
    tickets: list[dict[str, Any]] = []
    handler = type("AcmeOfThisTest", (Acme,), {"tickets": tickets})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", tickets
        server.shutdown()


def test_an_installed_plugin_is_found_and_works_and_is_gone_when_uninstalled(
    fresh: Environment, wheels: dict[str, Path], acme: tuple[str, list[dict[str, Any]]]
) -> None:
    url, tickets = acme
    names = ("casebridge-example", "casebridge-redaction")
    before = fresh.ask(LIST)

    fresh.pip("install", "--quiet", "--no-index", *(wheels[name] for name in names))
    installed = fresh.ask(LIST)
    answer = fresh.ask(PUSH, url)
    fresh.pip("uninstall", "--quiet", "--yes", *names)
    after = fresh.ask(LIST)

    assert Path(before["core"]).is_relative_to(fresh.folder)
    assert (before["vendors"], before["cross_cutting"], before["failures"]) == ({}, [], [])
    assert installed["vendors"] == {"acme": ["casebridge-example", "0.1.0"]}
    assert (installed["cross_cutting"], installed["failures"]) == (["redaction"], [])
    assert answer == {"pushed": "ACME-1", "found": ["ACME-1"]}
    assert [ticket["title"] for ticket in tickets] == ["Ransomware on [host]"]
    assert tickets[0]["authorization"] == "Bearer t0ken"
    assert after == before


def test_the_contract_needs_pluggy_msgspec_and_httpx_and_nothing_else(
    wheels: dict[str, Path],
) -> None:
    assert {r.name for r in required(wheels["casebridge-core"])} == {"pluggy", "msgspec", "httpx"}
    assert not any(r.marker for r in required(wheels["casebridge-core"]))


@pytest.mark.parametrize(
    "name", ["casebridge-jira", "casebridge-roundup", "casebridge-servicenow", "casebridge-example"]
)
def test_a_vendors_plugin_needs_the_contract_and_nothing_of_the_host(
    wheels: dict[str, Path], name: str
) -> None:
    names = {requirement.name for requirement in required(wheels[name])}

    assert "casebridge-core" in names
    assert names <= {"casebridge-core", "pluggy", "msgspec", "httpx"}


@pytest.mark.parametrize("name", ROOMS)
def test_a_wheel_holds_one_package_and_its_types(wheels: dict[str, Path], name: str) -> None:
    package = name.replace("-", "_")
    with zipfile.ZipFile(wheels[name]) as archive:
        files = archive.namelist()

    tops = {file.partition("/")[0] for file in files}
    assert {top for top in tops if not re.fullmatch(rf"{package}-[\w.]+\.dist-info", top)} == {
        package
    }
    assert f"{package}/py.typed" in files
    modules = [file for file in files if not file.endswith(".jinja")]
    assert not [file for file in modules if "/test_" in file or file.endswith(".pyc")]


def test_the_entry_point_of_a_checkout_is_in_no_wheel(wheels: dict[str, Path]) -> None:
    assert (ROOT / "app.py").exists()
    for wheel in wheels.values():
        with zipfile.ZipFile(wheel) as archive:
            assert "app.py" not in archive.namelist()


@pytest.mark.parametrize("name", ROOMS)
def test_a_wheel_requires_packages_by_name_and_never_by_address(
    wheels: dict[str, Path], name: str
) -> None:
    assert all(requirement.url is None for requirement in required(wheels[name]))
