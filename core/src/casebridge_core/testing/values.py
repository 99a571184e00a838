"""What a hook returned, looked at closely: no naive time, no number where a text belongs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from casebridge_core.testing.parts import parts


def flaws(value: object, where: str = "") -> Iterator[str]:
    """Yield what is wrong with a value of the contract that a hook returned.

    A struct that Python code builds is not checked by msgspec, so an ``id`` may well be a number.
    """
    name = where or type(value).__name__
    yield from _naive_times(value, name)
    yield from _wrong_types(value, name)


def _naive_times(value: object, where: str) -> Iterator[str]:
    if isinstance(value, datetime) and value.utcoffset() is None:
        yield f"{where} is a time without a zone: give it tzinfo=UTC, whatever the vendor writes"
    for key, part in parts(value):
        yield from _naive_times(part, f"{where}.{key}")


def _wrong_types(value: object, where: str) -> Iterator[str]:
    """Yield what does not fit the fields' types, in structs wherever they lie."""
    if not isinstance(value, msgspec.Struct):
        for key, part in parts(value):
            yield from _wrong_types(part, f"{where}.{key}")
        return
    for field in msgspec.structs.fields(type(value)):
        held = getattr(value, field.name)
        if held is msgspec.UNSET or isinstance(held, type):
            continue  # absent, or a configuration's type
        try:
            plain = msgspec.to_builtins(held, builtin_types=(datetime,))
            msgspec.convert(plain, field.type, builtin_types=(datetime,))
        except (msgspec.ValidationError, TypeError) as error:
            what, _, deeper = str(error).partition(" - at `$")
            yield f"{where}.{field.name}{deeper.rstrip('`')}: {what}, in what the hook returned"
