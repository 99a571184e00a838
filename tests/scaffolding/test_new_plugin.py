"""`casebridge new-plugin`: what it makes installs, is clean, and leads its author to the end."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from packaging.requirements import Requirement

from casebridge.cli import main
from tests.scaffolding import author

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = Path("src/casebridge_tidy_desk")
LISTED: Final = """
import json
from casebridge_core import ConnectorCatalog

catalog = ConnectorCatalog.installed()
assert not catalog.failures, catalog.failures
print(json.dumps({
    name: [hooks.manifest.title, hooks.source.distribution, hooks.source.version]
    for name, hooks in catalog.items()
}))
"""
STRANGER: Final = """
import casebridge_core as cb


@cb.hookimpl
def itsm_declare_connector():
    return cb.ConnectorManifest(
        vendor="acme", title="Acme", capabilities=frozenset(), config_type=cb.ConnectorConfig
    )
"""


def new_plugin(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new-plugin", *arguments])


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "casebridge-tidy-desk"
    made = new_plugin("tidy_desk", "--author", "Ada Author", "--into", str(folder))
    assert made.exit_code == 0, made.output
    return folder


def run(
    folder: Path, *command: str, path: tuple[Path, ...] = ()
) -> subprocess.CompletedProcess[str]:
    paths = [*map(str, path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(  # noqa: S603 - this Python, on what was just made
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def rules(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], list[Any]]:
    """Run the plugin's own tests; return how they ended and what became of each rule."""
    card = folder / "card.json"
    ran = run(
        folder,
        "-m",
        "pytest",
        "-q",
        "-x",
        "--report-card",
        str(card),
        *options,
        path=(folder / "src",),
    )
    (told,) = json.loads(card.read_text())
    return ran, told["rules"]


def test_it_is_clean_to_the_tools_that_its_author_will_run(plugin: Path) -> None:
    assert run(plugin, "-m", "ruff", "check").stdout.startswith("All checks passed")
    formatted = run(plugin, "-m", "ruff", "format", "--check")
    assert formatted.returncode == 0, formatted.stdout


@pytest.mark.parametrize("vendor", ["ab", "a" * 32, "the_one_desk_of_all_desks_we_had"])
def test_no_line_is_too_long_however_long_the_vendors_name_is(vendor: str, tmp_path: Path) -> None:
    made = new_plugin(vendor, "--into", str(tmp_path / "new"))
    assert made.exit_code == 0, made.output

    checked = run(tmp_path / "new", "-m", "ruff", "check", "--extend-select", "E501")
    assert checked.returncode == 0, checked.stdout
    formatted = run(tmp_path / "new", "-m", "ruff", "format", "--check", "--diff")
    assert formatted.returncode == 0, formatted.stdout


def test_it_declares_what_it_imports(plugin: Path) -> None:
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    declared = {Requirement(line).name.replace("-", "_") for line in project["dependencies"]}
    trees = [ast.parse(path.read_text()) for path in (plugin / PACKAGE).glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {
        *(node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)),
        *(name.name for node in nodes if isinstance(node, ast.Import) for name in node.names),
    }

    modules = {name.partition(".")[0] for name in imported}
    assert modules - sys.stdlib_module_names - {PACKAGE.name} == declared


def test_the_next_steps_are_for_the_python_that_has_what_they_need(tmp_path: Path) -> None:
    told = new_plugin("tidy_desk", "--into", str(tmp_path / "my desk")).output

    assert "in a new one, pip's index must have both" in told
    commands = [shlex.split(line) for line in told.splitlines() if line.startswith("  ")]
    assert commands == [
        ["cd", str(tmp_path / "my desk")],
        [sys.executable, "-m", "pip", "install", "--editable", ".[test]"],
        [sys.executable, "-m", "pytest", "-x"],
    ]


def test_a_plugin_that_would_be_replaced_is_told_of(tmp_path: Path) -> None:
    made = new_plugin("jira", "--into", str(tmp_path / "new"))

    assert made.exit_code == 0
    assert "casebridge-jira serves the vendor 'jira' here already" in made.stderr
    assert "replaces it" in made.stderr
    assert not new_plugin("tidy_desk", "--into", str(tmp_path / "other")).stderr


def test_a_vendor_that_another_plugin_serves_is_told_of(tmp_path: Path) -> None:
    installed = tmp_path / "site" / "stranger-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[casebridge]\nacme = stranger\n")
    (installed.parent / "stranger.py").write_text(STRANGER)

    call = "from casebridge.cli import main; main(['new-plugin', 'acme'])"
    made = run(tmp_path, "-c", call, path=(installed.parent,))

    assert made.returncode == 0, made.stderr
    assert "stranger serves the vendor 'acme' here already" in made.stderr
    assert "Of two plugins of one vendor neither is used" in made.stderr


def test_it_installs_and_the_service_finds_it(plugin: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    options = ("--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-compile")
    installed = run(plugin, "-m", "pip", "install", *options, "--target", str(site), ".")
    assert installed.returncode == 0, installed.stderr

    listed = run(tmp_path, "-c", LISTED, path=(site,))
    found = json.loads(listed.stdout)
    assert found["tidy_desk"] == ["Tidy Desk", "casebridge-tidy-desk", "0.1.0"]


def test_the_first_failure_says_what_to_write_until_all_rules_are_kept(plugin: Path) -> None:
    client, webhooks = plugin / PACKAGE / "client.py", plugin / PACKAGE / "webhooks.py"
    fresh, _ = rules(plugin)
    called = author.with_top(client.read_text(), author.CLIENT_TOP)
    client.write_text(author.with_bodies(called, author.CLIENT))
    deaf, _ = rules(plugin)
    heard = author.with_bodies(webhooks.read_text(), author.WEBHOOK)
    webhooks.write_text(author.with_top(heard, author.WEBHOOK_TOP))

    done, found = rules(plugin)

    assert "NotImplementedError: client.create: " in fresh.stdout
    assert "webhooks.event_from: " in deaf.stdout
    assert done.returncode == 0, done.stdout[-3000:]
    assert {rule["outcome"] for rule in found} == {"kept", "skipped"}


@pytest.mark.parametrize("vendor", ["A", "x", "9lives", "with-dash", "a" * 33, "naïve", "../up"])
def test_a_name_that_the_contract_does_not_take_is_refused(vendor: str, tmp_path: Path) -> None:
    made = new_plugin(vendor, "--into", str(tmp_path / "new"))

    assert made.exit_code == 1
    assert "begins with a letter" in made.output
    assert not (tmp_path / "new").exists()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")

    made = new_plugin("acme", "--into", str(tmp_path))

    assert made.exit_code == 1
    assert "not empty" in made.output
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("licence", "says"), [("MIT", "Permission is hereby granted"), ("Apache-2.0", "LICENSE-2.0")]
)
def test_the_licence_is_the_authors_choice(licence: str, says: str, tmp_path: Path) -> None:
    new_plugin(
        "acme", "--author", 'Ada "A" O\\x', "--license", licence, "--into", str(tmp_path / "a")
    )

    assert says in (tmp_path / "a" / "LICENSE").read_text()
    assert f'license = "{licence}"' in (tmp_path / "a" / "pyproject.toml").read_text()


def test_no_licence_is_a_choice_too(tmp_path: Path) -> None:
    new_plugin("acme", "--license", "none", "--into", str(tmp_path / "a"))

    assert not (tmp_path / "a" / "LICENSE").exists()
    assert "license" not in (tmp_path / "a" / "pyproject.toml").read_text()
