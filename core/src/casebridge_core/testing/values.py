"""What a hook returned, looked at closely: no naive time, no number where a text belongs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from casebridge_core.testing.parts import parts


def flaws(value: object, where: str = "") -> Iterator[str]:
    """Yield what is wrong with a value of the contract that a hook returned.

    A struct that Python code builds is not checked by msgspec, so an ``id`` may well be a number.
    """
    name = where or type(value).__name__
    if isinstance(value, datetime) and value.utcoffset() is None:
        yield f"{name} is a time without a zone: give it tzinfo=UTC, whatever the vendor writes"
    for key, part in parts(value):
        yield from flaws(part, f"{name}.{key}")
    if isinstance(value, msgspec.Struct):
        for field in msgspec.structs.fields(type(value)):
            yield from _wrong_type(getattr(value, field.name), field.type, f"{name}.{field.name}")


def _wrong_type(held: object, kind: Any, where: str) -> Iterator[str]:  # noqa: ANN401 - an annotation
    if held is msgspec.UNSET or isinstance(held, (msgspec.Struct, tuple, list, Mapping, type)):
        return  # absent, or looked at part by part
    try:
        msgspec.convert(held, kind, builtin_types=(datetime,))
    except msgspec.ValidationError as error:
        yield f"{where}: {error}, in what the hook returned"
