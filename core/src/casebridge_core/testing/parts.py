"""Taking values apart, whatever they are: structs, JSON, and what lies in them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
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


Path = tuple[Any, ...]
"""Where a part of a JSON value lies: names and numbers, outermost first."""


def paths(value: object, before: Path = ()) -> list[Path]:
    """Return the path of every part of a JSON value, what holds others before what it holds."""
    found: list[Path] = []
    for key, item in parts(value):
        found += [(*before, key), *paths(item, (*before, key))]
    return found


def without(value: object, path: Path) -> object:
    """Return a copy of a JSON value in which the part at the path is missing."""
    copied, holder = _copy(value, path)
    if path:
        del holder[path[-1]]
    return copied


def replaced(value: object, path: Path, part: object) -> object:
    """Return a copy of a JSON value with another part at the path."""
    copied, holder = _copy(value, path)
    if path:
        holder[path[-1]] = copy.deepcopy(part)
    return copied


def damaged(value: object, most: int) -> Iterator[object]:
    """Yield copies of a JSON value in which one part is missing or null, outer ones first.

    They are no more than ``most``, and the same in every run.
    """
    inward = sorted(paths(value), key=len)
    for path in inward[: most // 2]:
        yield without(value, path)
        yield replaced(value, path, None)


def _copy(value: object, path: Path) -> tuple[object, Any]:
    """Return a copy, and the part of it that holds the end of the path."""
    copied = copy.deepcopy(value)
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    return copied, holder


def as_object(value: object) -> dict[str, Any] | None:
    """Return a JSON object as what it is, and None for any other JSON."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
