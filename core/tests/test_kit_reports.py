"""What a conformance run tells at its end: the card, its files, and why a rule was skipped."""

from __future__ import annotations

import json

import pytest

from casebridge_core.testing import AdapterTests
from casebridge_core.testing.card import Adapter, Outcome, ReportCard, RuleOutcome
from casebridge_core.testing.rules import ATTRIBUTE

pytest_plugins = ("pytester",)

TESTS = """
import httpx
import pytest
from types import ModuleType

from casebridge_core import *
from casebridge_core.testing import AdapterTests, VendorUnderTest

plugin = ModuleType("casebridge_tiny")
exec('''
from casebridge_core import *

class TinyConfig(ConnectorConfig, frozen=True, kw_only=True):
    {field}

@hookimpl
def itsm_declare_connector():
    return ConnectorManifest(
        vendor="tiny", title="Tiny | Tracker", capabilities=frozenset(), config_type=TinyConfig
    )
''', plugin.__dict__)
import sys
sys.modules["casebridge_tiny"] = plugin
plugin.TinyConfig.__module__ = "casebridge_tiny"


@pytest.fixture
def vendor():
    return VendorUnderTest(
        {{"base_url": "https://tiny.example", "token": "a long token"}},
        transport=httpx.MockTransport(lambda request: httpx.Response(404)),
    )


class TestTiny(AdapterTests):
    plugin = plugin
"""
RULES = [name for name in dir(AdapterTests) if hasattr(getattr(AdapterTests, name), ATTRIBUTE)]
KEPT = 11  # those that an adapter keeps by declaring itself
GOOD = "token: Annotated[Secret, msgspec.Meta(title='Token', description='Make one.')]"
BAD = "token: Annotated[str, msgspec.Meta(title='Token', description='Make one.')]"
IMPORTS = "from typing import Annotated; import msgspec\n"


@pytest.fixture
def adapter(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyprojecttoml("[tool.pytest.ini_options]\naddopts = '-p no:xdist'\n")
    return pytester


def source_of(field: str) -> str:
    return TESTS.format(field=field).replace("exec('''\n", f"exec('''\n{IMPORTS}")


def test_a_run_ends_with_its_card_and_writes_it(adapter: pytest.Pytester) -> None:
    adapter.makepyfile(source_of(GOOD))

    result = adapter.runpytest("--report-card=card.json", "--report-card=card.md", "-q")

    result.assert_outcomes(passed=KEPT, skipped=len(RULES) - KEPT)
    (card,) = json.loads((adapter.path / "card.json").read_text())
    assert card["conforms"] is True
    assert card["counts"] == {"kept": KEPT, "skipped": len(RULES) - KEPT, "broken": 0}
    assert card["adapter"]["vendor"] == "tiny"
    assert card["adapter"]["contract"] == 1
    text = (adapter.path / "card.md").read_text()
    assert text.startswith("### Casebridge conformance: Tiny | Tracker\n")
    assert f"{KEPT} rules kept, 0 broken, {len(RULES) - KEPT} skipped" in text
    assert "\nClaims: nothing.\n" in text
    assert "\n| configuration |    7 |        |         |\n" in text
    assert " rules: not claimed: push_case, find_ticket\n" in text
    assert "The set-up guide has the inbox's address, and no secret: not claimed" in text
    result.stdout.fnmatch_lines(
        ["*casebridge report card*", "*Casebridge conformance*", "*card.md"]
    )


def test_a_broken_rule_is_told_in_one_sentence_without_a_traceback(
    adapter: pytest.Pytester,
) -> None:
    adapter.makepyfile(source_of(BAD))

    result = adapter.runpytest("--report-card=card.json", "-q")

    assert result.ret == 1
    (card,) = json.loads((adapter.path / "card.json").read_text())
    broken = [rule for rule in card["rules"] if rule["outcome"] == "broken"]
    assert card["conforms"] is False
    assert [(rule["rule"], rule["reason"]) for rule in broken] == [
        (
            "test_credentials_are_secrets",
            "token looks like a credential: give it the type Secret",
        )
    ]
    result.stdout.fnmatch_lines(["token looks like a credential: give it the type Secret"])
    result.stdout.no_fnmatch_line("*rules.py:*: in *")


def test_an_adapter_that_is_refused_is_told_so_once(adapter: pytest.Pytester) -> None:
    adapter.makepyfile(source_of(GOOD).replace("frozenset()", "frozenset(Capability)"))

    result = adapter.runpytest("-q")

    result.assert_outcomes(failed=1, skipped=len(RULES) - 1)
    result.stdout.fnmatch_lines(["*it claims fetch_ticket and has no itsm_fetch_ticket*"])
    result.stdout.fnmatch_lines(["*the host refuses this adapter: mend that first*"])


def test_a_run_without_an_adapter_has_no_card(adapter: pytest.Pytester) -> None:
    adapter.makepyfile("def test_nothing(): pass")

    result = adapter.runpytest("--report-card=card.json")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*report card*")
    assert not (adapter.path / "card.json").exists()


def test_the_kit_is_not_imported_where_there_is_no_adapter(adapter: pytest.Pytester) -> None:
    adapter.makepyfile(
        "import sys\n"
        "def test_nothing():\n"
        "    assert 'casebridge_core.pytest_plugin' in sys.modules\n"
        "    assert 'casebridge_core.testing' not in sys.modules\n"
    )

    adapter.runpytest_subprocess().assert_outcomes(passed=1)


def run(rule: str, outcome: Outcome, reason: str = "") -> RuleOutcome:
    return RuleOutcome(subject="tickets", rule=rule, title=rule, outcome=outcome, reason=reason)


def test_the_worst_of_several_runs_counts() -> None:
    runs = [
        run("a", Outcome.SKIPPED, "not here"),
        run("b", Outcome.KEPT),
        run("a", Outcome.KEPT),
        run("b", Outcome.BROKEN, "one | two\nmore"),
        run("c", Outcome.SKIPPED, "never"),
    ]

    card = ReportCard.of(Adapter(vendor="acme"), runs)

    assert [(rule.rule, rule.outcome) for rule in card.rules] == [
        ("a", Outcome.KEPT),
        ("b", Outcome.BROKEN),
        ("c", Outcome.SKIPPED),
    ]
    assert not card.conforms
    assert card.as_markdown().endswith("\nBroken:\n\n- b: one | two\n\nSkipped:\n\n- c: never\n")


def test_an_adapter_of_which_nothing_was_tested_does_not_conform() -> None:
    assert not ReportCard.of(Adapter(vendor="acme"), [run("a", Outcome.SKIPPED)]).conforms


def test_a_long_reason_keeps_its_end() -> None:
    run = RuleOutcome(
        subject="s", rule="r", title="R", outcome=Outcome.BROKEN, reason=f"what{' x' * 600} cure"
    )

    card = ReportCard.of(Adapter(vendor="tiny"), [run]).as_markdown()

    (line,) = [line for line in card.splitlines() if line.startswith("- R: what")]
    assert line.endswith("x cure")
    assert len(line) < 520
