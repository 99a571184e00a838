"""Taking values apart, whatever they are: structs, JSON, and what lies in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec


def parts(value: object) -> list[tuple[Any, Any]]:
    """Return the parts of a struct or JSON value by name or number; a scalar has none."""
    if isinstance(value, msgspec.Struct):
        return list(msgspec.structs.asdict(value).items())
    if isinstance(value, Mapping):
        return list(cast("dict[Any, Any]", value).items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(cast("Sequence[Any]", value)))
    return []


def scalars(value: object) -> list[Any]:
    """Return every value that has no parts, wherever it lies, names of members included."""
    found = parts(value)
    if not found and not isinstance(value, (dict, list, tuple)):
        return [value]
    return [scalar for pair in found for part in pair for scalar in scalars(part)]


def as_object(value: object) -> dict[str, Any] | None:
    """Return a JSON object as what it is, and None for any other JSON."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
