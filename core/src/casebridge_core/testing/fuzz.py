"""Fuzzing with Hypothesis: what comes out is the smallest value that breaks a rule."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.strategies import SearchStrategy

from casebridge_core.testing.parts import parts

ValueT = TypeVar("ValueT")

_EXAMPLES: Final = 200
_SETTINGS: Final = settings(
    max_examples=_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)


def _objects(values: SearchStrategy[Any], most: int) -> SearchStrategy[dict[str, Any]]:
    return strategies.dictionaries(strategies.text(max_size=8), values, max_size=most)


ANY_TEXT: Final = strategies.text()
ANY_JSON: Final[SearchStrategy[Any]] = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner, max_size=3) | _objects(inner, 3),
    max_leaves=6,
)


class _Broken(Exception):
    """A value broke the rule."""


def smallest_breaking(
    strategy: SearchStrategy[ValueT], complain: Callable[[ValueT], str | None]
) -> str | None:
    """Return the complaint about the smallest value of a strategy that gets one, or None.

    The values are the same in every run.
    """

    @_SETTINGS
    @given(strategy)
    def attempt(value: ValueT) -> None:
        if complaint := complain(value):
            raise _Broken(complaint)

    try:
        attempt()
    except _Broken as broken:
        return str(broken)
    return None


def payloads_like(samples: Sequence[Mapping[str, Any]]) -> SearchStrategy[dict[str, Any]]:
    """Return any JSON objects, and copies of samples in which something is missing or other."""
    return strategies.sampled_from(samples).flatmap(_damaged) | _objects(ANY_JSON, 4)


def _damaged(sample: Mapping[str, Any]) -> SearchStrategy[dict[str, Any]]:
    path = strategies.sampled_from(_paths(sample) or [()])
    return strategies.builds(_without, strategies.just(sample), path) | strategies.builds(
        _with, strategies.just(sample), path, ANY_JSON
    )


def _without(sample: Mapping[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    copied, holder = _copy(sample, path)
    if path:
        del holder[path[-1]]
    return copied


def _with(sample: Mapping[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    copied, holder = _copy(sample, path)
    if path:
        holder[path[-1]] = copy.deepcopy(value)
    return copied


def _copy(sample: Mapping[str, Any], path: tuple[Any, ...]) -> tuple[dict[str, Any], Any]:
    """Return a copy, and the part of it that holds the end of the path."""
    copied = copy.deepcopy(dict(sample))
    holder: Any = copied
    for step in path[:-1]:
        holder = holder[step]
    return copied, holder


def _paths(value: object, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every part of a JSON value, outermost first."""
    found: list[tuple[Any, ...]] = []
    for key, item in parts(value):
        found += [(*before, key), *_paths(item, (*before, key))]
    return found
