"""Where the ids of tickets, comments, and links come from."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Protocol

__all__ = ("HexIds", "IdSource", "NumericIds")


class IdSource(Protocol):
    """A source of ids, each of its kind only once."""

    def next_id(self, kind: str) -> str:
        """Return a fresh id for a kind of thing, for example ``"ticket"``."""
        ...


class NumericIds:
    """Ids that count up, a row for each kind, as Jira's do.

    Args:
        start: The first id of every kind.
    """

    def __init__(self, start: int = 10001) -> None:
        self._start = start
        self._given: Counter[str] = Counter()

    def next_id(self, kind: str) -> str:
        """Return the next number as a string."""
        number = self._start + self._given[kind]
        self._given[kind] += 1
        return str(number)


class HexIds:
    """Ids of 32 hexadecimal digits, the same in every run, as ServiceNow's look.

    Args:
        seed: What the row of ids is derived from.
    """

    def __init__(self, seed: int = 0) -> None:
        # Repeatable, not secret: the ids name rows of a stand-in.
        self._random = Random(seed)  # noqa: S311

    def next_id(self, kind: str) -> str:  # noqa: ARG002 - one row for every kind
        """Return the next id."""
        return f"{self._random.getrandbits(128):032x}"
