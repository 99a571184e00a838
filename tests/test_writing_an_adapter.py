"""The tutorial, done: its files are the example's, each step is sound, and the card is real."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from casebridge_core import Capability, ConnectorCatalog, TicketRef
from casebridge_core.refusals import HOOKS_OF
from casebridge_core.testing import AdapterTests, Bench, NotOffered, SimulatedVendor
from casebridge_core.testing.rules import ATTRIBUTE
from casebridge_sandbox import Call, Ticket, running

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs" / "writing-an-adapter.md").read_text()
EXAMPLE: Final = ROOT / "docs" / "examples" / "casebridge-example"
PLUGIN: Final = "src/casebridge_example/plugin.py"
RULES: Final = [
    name for name in dir(AdapterTests) if hasattr(getattr(AdapterTests, name), ATTRIBUTE)
]

_TITLED: Final = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def titled_blocks() -> dict[str, list[str]]:
    """Return what the page has the reader write, by file."""
    blocks: dict[str, list[str]] = defaultdict(list)
    for title, text in _TITLED.findall(PAGE):
        blocks[title].append(text.rstrip("\n"))
    return blocks


BLOCKS: Final = titled_blocks()
STEPS: Final = range(1, len(BLOCKS[PLUGIN]) + 1)


def written(title: str, steps: int | None = None) -> str:
    return "\n\n\n".join(BLOCKS[title][:steps]) + "\n"


def run(source: str, name: str) -> Any:
    """Run source text as a module."""
    module = sys.modules[name] = ModuleType(name)  # msgspec looks there for what annotations name
    module.__file__ = name
    exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own text
    return module


def adapter_after(step: int) -> ModuleType:
    """Run the plugin as far as a step of the page has brought it, claiming what is there."""
    source = written(PLUGIN, step)
    there = set(re.findall(r"def (itsm_\w+)", source))
    claims = [f"cb.Capability.{c.name}" for c in Capability if HOOKS_OF[c] <= there]
    claimed = f"frozenset(({', '.join((*claims, ''))}))"
    source = source.replace("frozenset(cb.Capability)", claimed if claims else "frozenset()")
    module: ModuleType = run(source, f"casebridge_tutorial_{step}")
    return module


@pytest.mark.parametrize("title", BLOCKS)
def test_the_page_writes_the_example(title: str) -> None:
    assert written(title) == (EXAMPLE / title).read_text()


def test_the_first_run_fails_as_the_page_tells() -> None:
    module = run(written(PLUGIN, 1), "casebridge_tutorial")

    (failure,) = ConnectorCatalog.of(acme=module).failures

    assert f"\n{failure.error.problem}\n" in PAGE


@pytest.fixture(scope="module")
def acme() -> Iterator[SimulatedVendor]:
    """Run the simulator of the page."""
    source = written("tests/test_conformance.py")
    module = run(
        source.replace("from casebridge_example import plugin\n", "plugin = None\n"), "acme"
    )
    with running(module.AcmeSimulator()) as vendor:
        yield SimulatedVendor(vendor, {"base_url": vendor.url, "token": "simulator-token"})


@pytest.fixture(scope="module")
def others() -> list[ModuleType]:
    """Run the page's other examples: a desk with numbered statuses, and a test project."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [run(block, f"casebridge_page_{number}") for number, block in enumerate(blocks)]


def test_the_simulator_has_what_the_page_says(others: list[ModuleType]) -> None:
    told = PAGE.partition("### What a simulator has")[2].partition("```")[0]
    desk = others[0].NumberedDesk()
    holders = {"call": Call, "self.desk": desk.desk, "self": desk, "ticket": Ticket}

    for holder, has in holders.items():
        names = set(re.findall(rf"`{re.escape(holder)}\.(\w+)", told))
        assert names
        assert [name for name in names if not hasattr(has, name)] == []


def test_a_test_project_has_samples_and_says_what_it_cannot_do(
    others: list[ModuleType], acme: SimulatedVendor
) -> None:
    project = others[1]
    vendor = project.AcmeTestProject(acme.config)
    bench = Bench(adapter_after(len(STEPS)), vendor)

    project.TestAcmeProject().test_samples_are_claimed(bench)
    with pytest.raises(NotOffered, match="nobody but Casebridge"):
        vendor.comment(TicketRef(external_id="1", key="ACME-1", url=acme.config["base_url"]), "Hi")


def test_the_adapter_is_as_short_as_the_page_says() -> None:
    source = written(PLUGIN)
    counted = {number for number, line in enumerate(source.splitlines(), 1) if line.strip()}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            counted -= set(range(node.lineno, (node.end_lineno or 0) + 1))

    assert len(counted) < 150


@pytest.mark.parametrize("step", STEPS[:-2])  # the card is about all of them
def test_no_step_breaks_a_rule(step: int, acme: SimulatedVendor) -> None:
    bench = Bench(adapter_after(step), acme)
    kept = []

    for rule in RULES:
        acme.reset()
        try:
            getattr(AdapterTests(), rule)(bench)
        except pytest.skip.Exception:
            continue
        kept.append(rule)

    assert len(kept) > 8


def test_the_card_is_the_one_that_the_page_shows(tmp_path: Path) -> None:
    for title in BLOCKS:
        path = tmp_path / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(title))
    (tmp_path / "src" / "casebridge_example" / "__init__.py").touch()
    installed = tmp_path / "src" / "casebridge_example-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: casebridge-example\nVersion: 0.1.0\n"
    )
    (installed / "entry_points.txt").write_text("[casebridge]\nacme = casebridge_example.plugin\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--report-card=card.md"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert (tmp_path / "card.md").read_text() in PAGE
