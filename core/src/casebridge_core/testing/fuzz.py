"""Fuzzing with Hypothesis: what comes out is the smallest value that breaks a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.strategies import SearchStrategy

from casebridge_core.testing.parts import paths, replaced, without

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
    path = strategies.sampled_from(paths(sample) or [()])
    whole: SearchStrategy[Any] = strategies.just(dict(sample))
    lacking: SearchStrategy[Any] = strategies.builds(without, whole, path)
    other: SearchStrategy[Any] = strategies.builds(replaced, whole, path, ANY_JSON)
    return lacking | other
