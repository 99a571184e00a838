from __future__ import annotations

import types
from pathlib import Path

import casebridge_sandbox


def test_all_lists_every_public_name_and_no_other() -> None:
    public = {
        name
        for name, value in vars(casebridge_sandbox).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(casebridge_sandbox.__all__) == public - {"annotations"}


def test_every_public_class_and_function_says_what_it_is() -> None:
    for name in casebridge_sandbox.__all__:
        value = getattr(casebridge_sandbox, name)
        if isinstance(value, type | types.FunctionType):
            assert (value.__doc__ or "").strip(), name


def test_the_package_is_typed() -> None:
    (folder,) = casebridge_sandbox.__path__

    assert (Path(folder) / "py.typed").exists()
