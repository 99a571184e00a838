"""The files for operators agree with what the service tells."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from casebridge.cli import main

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "casebridge.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
_SERIES = re.compile(r"casebridge_\w+")
_OF_A_HISTOGRAM = re.compile(r"_(bucket|count|sum)$")


def documented() -> set[str]:
    page = (ROOT / "docs" / "observability.md").read_text()
    return set(re.findall(r"^\| `(casebridge_\w+)`", page, re.MULTILINE))


def rules() -> list[dict[str, Any]]:
    [group] = msgspec.yaml.decode(ALERTS.read_bytes())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_alerts_and_dashboard_ask_for_figures_that_there_are() -> None:
    asked = {name for each in expressions() for name in _SERIES.findall(each)}

    assert {_OF_A_HISTOGRAM.sub("", name) for name in asked} <= documented()


def test_the_dashboard_shows_every_figure() -> None:
    text = DASHBOARD.read_text()

    assert [name for name in documented() if name not in text and "http_request" not in name] == []


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_is_whole(expression: str) -> None:
    for opening, closing in ("()", "[]", "{}"):
        assert expression.count(opening) == expression.count(closing)


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["for"]


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (place["x"] + right, place["y"] + down)
            for right in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
CONTAINER = (DEPLOY / "container" / "Containerfile").read_text()


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is_as_nobody_with_nothing_to_write(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(path.read_text())
    service = unit["Service"]
    command = service["ExecStart"].split()

    assert command[0] == "/opt/casebridge/bin/casebridge"
    assert command[1] in main.commands
    assert service["ProtectSystem"] == "strict"
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert service[name] == "yes"
    assert not service["CapabilityBoundingSet"]
    assert service["Environment"] == f"CASEBRIDGE_DATA_DIR=%S/{service['StateDirectory']}"


def test_the_container_runs_as_nobody_and_is_built_from_every_room() -> None:
    last = CONTAINER.rpartition("\nFROM ")[2]

    assert re.search(r"^USER (?!0)\d+$", last, re.MULTILINE)
    assert json.loads(re.findall(r"^CMD (.*)$", last, re.MULTILINE)[-1])[0] in main.commands
    for plugin in (ROOT / "plugins").iterdir():
        if (plugin / "pyproject.toml").is_file():
            assert f"./plugins/{plugin.name}" in CONTAINER
    assert "--constraint constraints.txt" in CONTAINER


def test_nothing_secret_is_copied_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert {".git", ".venv", "casebridge-data"} <= set(ignored)
