"""The kit's proof: for each rule, an adapter that breaks it and is noticed.

The adapter is the example in docs/, with one fault at a time; the vendor is its simulator.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from casebridge_core.testing import AdapterTests, Bench, SimulatedVendor, VendorUnderTest
from casebridge_core.testing.rulebook import declaration
from casebridge_core.testing.rules import ATTRIBUTE
from casebridge_sandbox import Call, Reply, running

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "docs" / "examples" / "casebridge-example"
SOURCE = (EXAMPLE / "src" / "casebridge_example" / "plugin.py").read_text()
MUTANTS: list[dict[str, str]] = tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]
RULES = {name for name in dir(AdapterTests) if hasattr(getattr(AdapterTests, name), ATTRIBUTE)}
SAMPLE = {
    "acme": {
        "ticket": {"id": 7, "status": "Solved", "changed": "2026-03-01T09:30:00Z"},
        "by": "ada",
        "at": "2026-03-01T09:30:00Z",
        "changes": ["status"],
    }
}


class Samples(AdapterTests):
    payloads = (SAMPLE,)


def adapter(source: str, name: str = "casebridge_mutant.plugin") -> ModuleType:
    """Run the source of an adapter as a module."""
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    sys.modules[name] = module  # msgspec looks there for what annotations name
    exec(compile(source, f"<{name}>", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - our own text
    return module


@pytest.fixture(scope="module")
def acme() -> Iterator[SimulatedVendor]:
    """Run the example's simulator."""
    sys.path.insert(0, str(EXAMPLE / "src"))
    spec = importlib.util.spec_from_file_location("acme", EXAMPLE / "tests/test_conformance.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Acme(module.AcmeSimulator):  # type: ignore[misc]  # loaded from a path
        def change(self, call: Call) -> Reply:
            """Take a key too, for an adapter that sends it late."""
            if "key" not in call.json_object():
                reply: Reply = super().change(call)
                return reply
            self.desk.update(self.ticket(call), call.person, fields=call.json_object())
            return Reply.empty()

    with running(Acme()) as vendor:
        yield SimulatedVendor(vendor, {"base_url": vendor.url, "token": "simulator-token"})
    sys.path.remove(str(EXAMPLE / "src"))


@pytest.fixture
def vendor(acme: SimulatedVendor) -> SimulatedVendor:
    """Return acme on its first day; it waits for no webhook that will not come."""
    acme.reset()
    acme.patience = 0.4
    return acme


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m['rule'][5:]}: {m['fault']}")
def test_a_fault_is_noticed_by_its_rule(mutant: dict[str, str], vendor: SimulatedVendor) -> None:
    find = mutant.get("find", "")
    assert find in SOURCE, "the example has changed: change the mutant with it"
    source = SOURCE.replace(find, mutant.get("replace", ""), 1) + mutant.get("append", "")
    bench = Bench(adapter(source), vendor)

    with pytest.raises((pytest.fail.Exception, pytest.skip.Exception, Exception)) as noticed:
        getattr(Samples(), mutant["rule"])(bench)

    assert mutant["says"] in f"{noticed.value} {noticed.value.__cause__!r}"


def test_an_entry_point_that_names_another_module_is_noticed(
    vendor: SimulatedVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint(name="acme", value="casebridge_mutant.hooks", group="casebridge")
    monkeypatch.setattr(declaration, "entry_points", lambda **_: (point,))
    bench = Bench(adapter(SOURCE), vendor)

    with pytest.raises(pytest.fail.Exception, match=r"names casebridge_mutant\.hooks"):
        Samples().test_entry_point_names_the_module(bench)


def test_what_a_broken_simulator_says_is_told() -> None:
    said = "the simulator's handler `create` raised NameError: no ticket"
    broken = httpx.MockTransport(lambda _: httpx.Response(500, json={"error": said}))
    config = {"base_url": "https://acme.example", "token": "simulator-token"}
    bench = Bench(adapter(SOURCE), VendorUnderTest(config, transport=broken))

    with pytest.raises(pytest.fail.Exception, match="handler `create` raised NameError: no ticket"):
        Samples().test_a_ticket_is_read_as_it_is(bench)


def test_no_rule_is_without_its_mutant() -> None:
    assert {m["rule"] for m in MUTANTS} | {"test_entry_point_names_the_module"} == RULES
