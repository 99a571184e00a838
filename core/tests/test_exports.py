"""The public names of the contract."""

from __future__ import annotations

import types

import msgspec
import pytest

import casebridge_core
from casebridge_core import cases, catalog, connectors, discovery, tickets


def test_all_lists_every_public_name_and_no_other() -> None:
    public = {
        name
        for name, value in vars(casebridge_core).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(casebridge_core.__all__) == public - {"annotations"}


def test_all_is_sorted_constants_first_then_classes_then_functions() -> None:
    names = list(casebridge_core.__all__)

    def kind(name: str) -> int:
        return 0 if name.isupper() else 1 if name[0].isupper() else 2

    assert names == sorted(names, key=lambda name: (kind(name), name))
    assert len(set(names)) == len(names)


def test_every_public_class_and_function_says_what_it_is() -> None:
    for name in casebridge_core.__all__:
        value = getattr(casebridge_core, name)
        if isinstance(value, type | types.FunctionType):
            assert (value.__doc__ or "").strip(), name


def test_every_value_is_frozen_and_built_by_keywords() -> None:
    values = {
        value
        for module in (casebridge_core, cases, catalog, connectors, discovery, tickets)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct)
    } - {msgspec.Struct}

    assert len(values) > 25
    for value in values:
        assert value.__struct_config__.frozen, value
        with pytest.raises(TypeError):
            value(*value.__struct_fields__)


def test_the_package_is_typed() -> None:
    (folder,) = casebridge_core.__path__
    from pathlib import Path

    assert (Path(folder) / "py.typed").exists()
