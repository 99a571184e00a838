"""The files for operators agree with what the service tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

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
