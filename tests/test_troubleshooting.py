"""Troubleshooting against the code: what is quoted is said, and what is said is explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from casebridge.cli.examination import verdicts
from casebridge.domain.health import Grade, Signs, health_of
from casebridge.persistence import outages
from casebridge.services import last_delivery
from casebridge.settings import PREFIX
from casebridge_core import PushError

ROOT: Final = Path(__file__).parent.parent
OPERATING: Final = ROOT / "docs" / "operating"
SOURCES: Final = ("src/casebridge", "core/src", "plugins/*/src")
PAGES: Final = ("database.md", "tickets.md", "troubleshooting.md")
TROUBLES: Final = tuple(
    Signs(**{sign: value})  # type: ignore[arg-type]
    for sign, value in {
        "plugin": False,
        "fits": False,
        "enabled": False,
        "held_by": "bridge",
        "paused": True,
        "paused_by_hand": True,
        "quiet": True,
        "failing": 2,
        "dead": 2,
        "reconcile_error": True,
        "called": False,
    }.items()
)


def quoted(page: str) -> list[str]:
    """Return what the first cells of a page's tables quote: a cell may quote several."""
    rows = re.findall(r"^ *\| ([^|]+?) \| ", (OPERATING / page).read_text(), re.MULTILINE)
    return [quote for row in rows for quote in re.findall(r"`([^`]+)`", row)]


@cache
def said() -> tuple[str, ...]:
    """Return every text of the code, with `…` where something is filled in."""
    files = (path for source in SOURCES for path in ROOT.glob(f"{source}/**/*.py"))
    return tuple(text for path in files for text in _texts(ast.parse(path.read_text())))


def _texts(tree: ast.AST) -> Iterator[str]:
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(_in_words, node.values))
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield str(node.value)


def _in_words(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    is_prefix = isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == "PREFIX"
    return PREFIX if is_prefix else "…"


def kinds_of(kind: type[PushError]) -> set[str]:
    """Return the names of an error and of everything below it that is not a test's own."""
    ours = [each for each in kind.__subclasses__() if each.__module__.startswith("casebridge")]
    return {kind.__name__}.union(*map(kinds_of, ours))


def _sentences() -> list[str]:
    return [quote for page in PAGES for quote in quoted(page) if " " in quote]


@pytest.mark.parametrize("sentence", _sentences())
def test_a_sentence_that_is_quoted_is_said(sentence: str) -> None:
    parts = [re.escape(part) for part in sentence.split("…")]
    pattern = re.compile(".+?".join(parts), re.DOTALL)

    assert any(pattern.search(text) for text in said())


def test_sentences_are_quoted() -> None:
    assert len(_sentences()) > 50


@pytest.mark.parametrize("signs", TROUBLES)
def test_whatever_a_connector_suffers_from_is_explained(signs: Signs) -> None:
    found = health_of(signs)
    patterns = (
        ".+?".join(map(re.escape, quote.split("…"))) for quote in quoted("troubleshooting.md")
    )

    assert found.grade is not Grade.WELL
    assert any(re.match(pattern, found.text) for pattern in patterns)


def test_every_sign_of_trouble_is_tried() -> None:
    well = Signs()
    tried = {
        sign
        for signs in TROUBLES
        for sign in Signs.__struct_fields__
        if getattr(signs, sign) != getattr(well, sign)
    }

    assert tried == {*Signs.__struct_fields__}


def test_every_outage_is_explained() -> None:
    tree = ast.parse(Path(outages.__file__).read_text())
    told = {
        text for text in _texts(tree) if "database" in text and text.islower() and "\n" not in text
    }
    reasons = {text for text in told if re.match(r"(another|somebody|every|the) ", text)}

    assert len(reasons) > 10
    assert reasons <= set(quoted("database.md"))


def test_every_kind_of_failure_is_explained() -> None:
    import casebridge.engine.reconcile_turn  # noqa: F401 - errors of their own
    import casebridge_servicenow  # noqa: F401 - likewise

    assert kinds_of(PushError) - {"PushError"} <= set(quoted("tickets.md"))


def test_every_line_of_the_doctor_is_explained() -> None:
    lines = {last_delivery.NAME}
    for path in Path(verdicts.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call):
                given = [word.value for word in call.keywords if word.arg == "check"]
                if ast.unparse(call.func).endswith("refused"):
                    given.append(call.args[1])
                lines |= {
                    ast.literal_eval(word) for word in given if isinstance(word, ast.Constant)
                }

    assert len(lines) > 10
    assert lines <= set(quoted("troubleshooting.md"))
