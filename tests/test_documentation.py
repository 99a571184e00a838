"""The documentation against the code: links, settings, configuration fields, commands, blocks."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import click
import msgspec
import pytest

from casebridge.cli import main
from casebridge.domain.decision import Reason
from casebridge.services.connector_terms import NewConnector
from casebridge.settings import OF_THE_COMMAND_LINE, Settings
from casebridge_core import CaseStatus, ConnectorCatalog, StatusOverrides, UnknownVendor
from casebridge_sandbox.cli import main as sandbox

ROOT: Final = Path(__file__).parent.parent
DOCS: Final = ROOT / "docs"
PAGES: Final = tuple(
    sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
        and "node_modules" not in path.parts
    )
)
VENDORS: Final = ConnectorCatalog.installed(only=("jira", "roundup", "servicenow"))
MOST_PICTURE_BYTES: Final = 80_000
OTHER_TOOLS: Final = frozenset(
    {"cp", "curl", "export", "journalctl", "pip", "podman", "python", "python3", "systemctl"}
)
COMMANDS: Final[dict[str, click.Group]] = {"casebridge": main, "casebridge-sandbox": sandbox}

_FENCED: Final = re.compile(r"^( *)(```+)([a-z]*)[^\n]*\n(.*?)^\1\2 *$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(<?([^()\s>]+)>?\)")
_HEADING: Final = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", re.MULTILINE)
_TARGET: Final = re.compile(r"^([a-z-]+):", re.MULTILINE)
_BODY: Final = re.compile(r"-d '(\{.*?\})'", re.DOTALL)
_VARIABLE: Final = re.compile(r"CASEBRIDGE_[A-Z_]+")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCED.sub("", path.read_text())


def blocks(path: Path, *languages: str) -> list[str]:
    return [
        "\n".join(line.removeprefix(indent) for line in body.splitlines())
        for indent, _, language, body in _FENCED.findall(path.read_text())
        if language in languages
    ]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for heading in _HEADING.findall(text_of(path)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken_links(path: Path) -> Iterator[str]:
    for link in _LINK.findall(text_of(path)):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target):
            yield f"{link}: no such heading"


def shell_lines(path: Path) -> Iterator[list[str]]:
    """Yield the words of every command that a reader is meant to type."""
    for block in blocks(path, "console"):
        for line in block.splitlines():
            command = line.removeprefix("$ ")
            if command != line and not re.match(r"[A-Z_]+=", command):
                yield command.split()


def connector_bodies(path: Path) -> Iterator[dict[str, Any]]:
    """Yield every JSON object that adds a connector, in blocks and after ``-d``."""
    sources = [*blocks(path, "json"), *_BODY.findall(path.read_text())]
    for body in map(json.loads, sources):
        if "vendor" in body and "config" in body:
            yield body


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert list(broken_links(path)) == []


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_block_of_json_and_python_is_valid(path: Path) -> None:
    for block in blocks(path, "json"):
        json.loads(block)
    for block in blocks(path, "python"):
        compile(block, named(path), "exec")


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_command_exists(path: Path) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    for words in shell_lines(path):
        tool = Path(words[0]).name
        if tool == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets, words
        elif tool in COMMANDS:
            command, rest = COMMANDS[tool].commands[words[1]], words[2:]
            while isinstance(command, click.Group):
                command, rest = command.commands[rest[0]], rest[1:]
            options = {name for option in command.params for name in option.opts}
            assert {word for word in rest if word.startswith("--")} <= options, words
        else:
            assert tool in OTHER_TOOLS, words


def test_the_two_commands_of_the_readme_are_in_a_block_of_their_own() -> None:
    shown = [block for block in blocks(ROOT / "README.md", "console") if "make" in block]

    assert shown == ["$ make demo\n$ make test"]


def test_every_picture_is_shown_and_small() -> None:
    """Pages are read on phones too."""
    shown = set(re.findall(r"!\[[^\]]+\]\((docs/images/[^)]+)\)", (ROOT / "README.md").read_text()))
    pictures = sorted((DOCS / "images").iterdir())

    assert {named(path) for path in pictures} == shown
    assert {"cases", "case", "connectors", "unmapped"} <= {
        path.stem.removeprefix("console-") for path in pictures
    }
    assert [path.name for path in pictures if path.stat().st_size > MOST_PICTURE_BYTES] == []


def test_every_setting_is_explained_with_its_default_and_no_other_is_named() -> None:
    page = (DOCS / "operating" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `(CASEBRIDGE_[A-Z_]+)` \| (.+?) \|", page, re.MULTILINE))
    settings = msgspec.to_builtins(Settings(), enc_hook=str)

    assert rows == {
        variable: f"`{default}`" if default != "" else "empty"
        for variable, default in zip(Settings.variables(), settings.values(), strict=True)
    }


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_variable_that_is_named_is_a_setting(path: Path) -> None:
    known = {*Settings.variables(), *OF_THE_COMMAND_LINE}
    assert set(_VARIABLE.findall(path.read_text())) <= known


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_field_of_a_vendors_configuration_is_explained_with_its_default(vendor: str) -> None:
    page = (DOCS / "vendors" / f"{vendor}.md").read_text()
    fields = msgspec.structs.fields(VENDORS[vendor].manifest.config_type)
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| *(.*?) *\|.*\S", page, re.MULTILINE))

    assert {field.encode_name for field in fields} <= rows.keys()
    for field in fields:
        if isinstance(field.default, bool):
            assert rows[field.encode_name] == f"`{str(field.default).lower()}`"
        elif isinstance(field.default, str) and field.default and "{" not in field.default:
            assert rows[field.encode_name] == f"`{field.default}`"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_default_status_map_is_told(vendor: str) -> None:
    page = (DOCS / "vendors" / f"{vendor}.md").read_text()
    body = next(connector_bodies(DOCS / "vendors" / f"{vendor}.md"))
    hooks = VENDORS[vendor]
    connector: Any = type("Stub", (), {"config": hooks.decode_config(body["config"])})
    connector.statuses = StatusOverrides()

    for status in CaseStatus:
        assert f"\n| `{status}` | `{hooks.native_status(connector, status)}`" in page


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_connector_that_is_shown_could_be_added(path: Path) -> None:
    for body in connector_bodies(path):
        new = msgspec.convert(body, NewConnector)
        try:
            VENDORS[new.vendor].decode_config(new.config)
        except UnknownVendor:
            assert "examples" in path.parts, new.vendor


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_status_map_that_is_shown_could_be_saved(path: Path) -> None:
    for block in blocks(path, "json"):
        if isinstance(statuses := json.loads(block).get("statuses"), dict):
            msgspec.convert(statuses, StatusOverrides)


def test_every_decision_is_listed_under_its_title_and_has_its_four_parts() -> None:
    index = (DOCS / "index.md").read_text()
    decisions = sorted((DOCS / "decisions").glob("*.md"))

    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        title, *parts = _HEADING.findall(path.read_text())
        assert f"[{title}](decisions/{path.name})" in index
        assert title.startswith(path.name[:4])
        assert parts == ["Context", "Options", "Choice", "Consequence"]


def test_every_page_of_the_documentation_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [DOCS / "index.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        links = (unquote(link).partition("#")[0] for link in _LINK.findall(text_of(path)))
        waiting += [(path.parent / link).resolve() for link in links if "://" not in link and link]

    assert [named(path) for path in DOCS.rglob("*.md") if path not in reached] == []


def test_the_layers_are_told_as_they_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    held = next(each for each in contracts["contracts"] if each["name"].startswith("Inside"))
    page = (ROOT / "CONTRIBUTING.md").read_text()
    told = page.partition("each layer uses those below it:")[2].partition(".")[0]

    assert re.findall(r"`(\w+)`", told) == [
        layer.strip("()").removeprefix("casebridge.") for layer in held["layers"]
    ]


def test_the_terms_of_the_glossary_are_in_order() -> None:
    terms = re.findall(r"^\*\*(.+?)\*\*", (DOCS / "glossary.md").read_text(), re.MULTILINE)

    assert terms == sorted(set(terms), key=str.casefold)


@pytest.mark.parametrize("path", sorted(DOCS.glob("images/*")), ids=named)
def test_a_picture_is_small_and_shown(path: Path) -> None:
    assert path.stat().st_size < 150_000
    assert any(named(path) in page.read_text() for page in PAGES)


def test_every_reason_is_explained_with_what_to_do() -> None:
    rows = re.findall(
        r"^\| `([a-z_]+)` \| .+ \| .+ \|$", (DOCS / "concepts.md").read_text(), re.MULTILINE
    )

    assert sorted(rows) == sorted(Reason)
