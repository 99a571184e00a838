"""The specifications are told in full: in their docstrings and in the reference."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable
from pathlib import Path
from types import ModuleType
from typing import get_origin, get_type_hints

import pytest

from casebridge_core import ConnectorCatalog, TransitionRejected, errors
from casebridge_core.errors import CasebridgeError
from casebridge_core.hookspecs import HOOKSPEC_GROUPS
from casebridge_core.refusals import ASYNC_HOOKS, SPECS

DOCS = Path(__file__).parents[2] / "docs"
TREE: dict[str, type[CasebridgeError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, CasebridgeError)
}


def arguments(hook: str) -> list[str]:
    return [name for name in inspect.signature(SPECS[hook]).parameters if name != "self"]


@pytest.mark.parametrize("hook", SPECS)
def test_a_docstring_says_what_when_returns_and_raises(hook: str) -> None:
    doc = inspect.getdoc(SPECS[hook]) or ""

    first, _, rest = doc.partition("\n")
    assert re.fullmatch(r"[A-Z].*[.]", first), first
    for heading in ("Called:", "Returns:", "Raises:"):
        assert re.search(rf"^{heading} \S", rest, re.MULTILINE), heading
    assert rest.index("Called:") < rest.index("Returns:") < rest.index("Raises:")


@pytest.mark.parametrize("group", HOOKSPEC_GROUPS)
def test_each_group_says_which_capability_it_serves(group: type) -> None:
    assert (group.__doc__ or "").strip()
    assert vars(group).keys() & SPECS.keys()


@pytest.mark.parametrize("hook", SPECS)
def test_annotations_can_be_read_at_run_time(hook: str) -> None:
    hints = get_type_hints(SPECS[hook])

    assert list(hints) == [*arguments(hook), "return"]
    awaited = any(
        get_origin(part) is Awaitable for part in getattr(hints["return"], "__args__", ())
    )
    assert awaited is (hook in ASYNC_HOOKS)


@pytest.mark.parametrize("hook", SPECS)
def test_a_specification_is_no_implementation(hook: str) -> None:
    with pytest.raises(NotImplementedError):
        SPECS[hook](None, *arguments(hook))


@pytest.mark.parametrize("hook", SPECS)
def test_the_reference_has_every_hook_with_its_exact_arguments(hook: str) -> None:
    text = (DOCS / "hooks.md").read_text(encoding="utf-8")
    prefix = "async " if hook in ASYNC_HOOKS else ""

    assert f"### `{prefix}{hook}({', '.join(arguments(hook))})`\n" in text


def test_the_reference_has_no_hook_that_does_not_exist() -> None:
    text = (DOCS / "hooks.md").read_text(encoding="utf-8")

    assert set(re.findall(r"\bitsm_\w+", text)) <= SPECS.keys()
    assert len(re.findall(r"^### `(?:async )?itsm_", text, re.MULTILINE)) == len(SPECS)


def examples_in(page: str) -> ModuleType:
    text = (DOCS / page).read_text(encoding="utf-8")
    module = ModuleType("examples")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    source = compile("\n".join(blocks), page, "exec", dont_inherit=True)
    exec(source, module.__dict__)  # noqa: S102 - our own pages
    return module


def test_the_examples_of_the_reference_are_a_plugin_that_is_accepted() -> None:
    catalog = ConnectorCatalog.of(acme=examples_in("hooks.md"))

    assert catalog.failures == ()
    assert all(catalog["acme"].has(hook) for hook in SPECS)


def test_the_example_of_the_readme_is_a_plugin_that_is_accepted() -> None:
    catalog = ConnectorCatalog.of(acme=examples_in("../core/README.md"))

    assert (list(catalog), catalog.failures) == (["acme"], ())


def test_the_example_of_the_errors_refines_an_answer() -> None:
    refine = vars(examples_in("errors.md"))["refine"]

    error = refine(None, {"error": "field_required", "field": "resolution"})

    assert isinstance(error, TransitionRejected)
    assert error.missing_fields == ("resolution",)
    assert refine(None, None) is None


@pytest.mark.parametrize("name", TREE)
def test_every_error_is_in_the_reference_and_in_the_tree(name: str) -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")

    assert f"`{name}`" in text
    assert re.search(rf"(^ {{4}}|─ ){name}\b", errors.__doc__ or "", re.MULTILINE)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│ ├└─]*)([A-Z]\w+)", line):
            depth = len(found[1]) // 4
            above[depth:] = [found[2]]
            drawn[found[2]] = above[depth - 1] if depth else ""

    assert drawn.pop("CasebridgeError") == ""
    assert drawn == {
        name: kind.__bases__[0].__name__
        for name, kind in TREE.items()
        if kind is not CasebridgeError
    }


@pytest.mark.parametrize("name", TREE)
def test_every_error_is_exported(name: str) -> None:
    import casebridge_core

    assert name in casebridge_core.__all__
