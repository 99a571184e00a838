"""Attacks, threats and questions: every row of these pages has a test, which exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
ROWS: Final = [
    [cell.strip() for cell in line.strip("| \n").split(" | ")]
    for page in ("attacks.md", "threat-model.md", "faq.md")
    for line in (ROOT / "docs" / page).read_text().splitlines()
    if line.startswith("| **")
]
TESTS: Final = [
    (threat, name) for threat, _, tests in ROWS for name in re.findall(r"`([^`]+)`", tests)
]
DEMANDED: Final = (
    "forged",
    "replayed",
    "re-aimed",
    "stale",
    "reordered",
    "truncated",
    "doubled concurrently",
    "by timing",
    "by its answer",
    "tenant crossed",
    "flood",
    "size bomb",
    "nesting bomb",
    "slow body",
)


@cache
def named_in(path: Path) -> frozenset[str]:
    """Return the names of a file's tests."""
    tree = ast.parse(path.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


@pytest.mark.parametrize(("threat", "name"), TESTS)
def test_a_test_that_is_named_exists(threat: str, name: str) -> None:
    path, _, test = name.partition("::")

    assert (ROOT / path).is_file(), threat
    assert test.startswith("test_")
    assert test in named_in(ROOT / path), threat


def test_every_threat_says_what_stops_it_and_has_a_test() -> None:
    assert [row for row in ROWS if len(row) != 3 or not all(row)] == []
    assert {threat for threat, _ in TESTS} == {row[0] for row in ROWS}


@pytest.mark.parametrize("threat", DEMANDED)
def test_no_known_threat_is_left_out(threat: str) -> None:
    assert any(threat in row[0].lower() for row in ROWS)
