"""A plugin of a stranger comes, goes and comes back: only the service starts again."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from casebridge_sandbox import RunningSandbox, running
from tests.processes import free_port, service_process
from tests.stage import Service, eventually

EXAMPLE: Final = Path(__file__).parents[2] / "docs" / "examples" / "casebridge-example"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder into which pip has installed the example plugin."""
    source, folder = tmp_path / "source", tmp_path / "site"
    shutil.copytree(EXAMPLE, source)
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile")
    command = (sys.executable, "-m", "pip", "install", *options, "--target", folder, source)
    subprocess.run(command, check=True)  # noqa: S603 - pip, on our own example
    return folder


def acme_simulator(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the vendor that the example's own tests describe."""
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    found = importlib.util.spec_from_file_location(
        "acme_conformance", EXAMPLE / "tests" / "test_conformance.py"
    )
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module.AcmeSimulator()


def add_acme(service: Service, acme: RunningSandbox[Any]) -> str:
    config = {"base_url": acme.url, "token": "simulator-token"}
    body = {"vendor": "acme", "name": "acme", "config": config}
    return str(service.api.post("/v1/connectors", body)["id"])


def test_a_plugin_that_is_uninstalled_and_comes_back_goes_on_where_it_was(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, data = free_port(), tmp_path / "data"
    with running(acme_simulator(monkeypatch)) as acme:
        with service_process(data, port, site=site) as running_one:
            connector = add_acme(running_one.service, acme)
            case = running_one.service.api.create_case("Before")
            before = running_one.service.api.linked(case)["acme"]
            running_one.stop()

        with service_process(data, port) as running_one:
            api = running_one.service.api
            assert "acme" not in {entry["vendor"] for entry in api.get("/v1/plugins")["vendors"]}
            card = api.get(f"/v1/connectors/{connector}")
            assert (card["state"], card["config"]) == ("plugin missing", None)
            api.move(case, "resolved")
            meanwhile = api.create_case("Meanwhile")
            kept = api.ticket(case, "acme")
            assert (kept["key"], kept["url"]) == (before["key"], before["url"])
            running_one.stop()
        assert [ticket.status for ticket in acme.control.tickets()] == ["Open"]

        with service_process(data, port, site=site) as running_one:
            api = running_one.service.api
            eventually(lambda: api.ticket(case, "acme")["state"] == "linked")
            api.linked(meanwhile)
            assert api.get(f"/v1/connectors/{connector}")["state"] == "active"
            running_one.stop()

        statuses = {ticket.summary: ticket.status for ticket in acme.control.tickets()}
        assert statuses == {"Before": "Solved", "Meanwhile": "Open"}
