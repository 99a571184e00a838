from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import casebridge_sandbox
from casebridge_sandbox import JiraSandbox, JiraScenario, ServiceNowSandbox, ServiceNowScenario
from casebridge_sandbox.sandbox import Scenario

README = (Path(__file__).parents[1] / "README.md").read_text()
MODULES = [
    each.name
    for each in pkgutil.walk_packages(casebridge_sandbox.__path__, "casebridge_sandbox.")
    if not each.name.endswith("__main__")
]


def test_the_example_of_the_readme_runs() -> None:
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own text


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert result.failed == 0


def test_the_readme_names_every_fault_and_preset() -> None:
    for kind in re.findall(r'^    "(\w+)",$', _source("faults"), flags=re.MULTILINE):
        assert f"`{kind}`" in README
    for presets in (JiraSandbox.presets, ServiceNowSandbox.presets):
        for preset in presets:
            assert f"`{preset}`" in README


@pytest.mark.parametrize("scenario", [Scenario, JiraScenario, ServiceNowScenario])
def test_every_field_of_a_scenario_is_described(scenario: type[Scenario]) -> None:
    own = set(scenario.__struct_fields__) - set(Scenario.__struct_fields__)
    described = scenario.__doc__ or ""

    for field in own or set(Scenario.__struct_fields__):
        assert re.search(rf"^ +{field}: ", described, flags=re.MULTILINE), field


def _source(module: str) -> str:
    return (Path(casebridge_sandbox.__path__[0]) / f"{module}.py").read_text()
