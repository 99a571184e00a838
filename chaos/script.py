"""What happens when: a pure function of the seed, so that a run can be played again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final, Literal

import msgspec

AnalystAct = Literal["create", "move", "contain", "comment", "force", "resync", "pause"]
PeopleAct = Literal["go", "write", "rewrite", "unwrite", "assign", "rename", "delete"]
WeatherAct = Literal[
    "kill service",
    "kill worker",
    "freeze service",
    "freeze worker",
    "freeze database",
    "lock database",
    "end database sessions",
    "cut vendor",
    "cut inbox",
    "cut a call",
    "hold webhooks",
    "set clock",
]
What = AnalystAct | PeopleAct | WeatherAct

ANALYSTS: Final[Mapping[What, int]] = {
    "create": 20,
    "move": 45,
    "contain": 15,
    "comment": 8,
    "force": 4,
    "resync": 4,
    "pause": 1,
}
PEOPLE: Final[Mapping[What, int]] = {
    "go": 50,
    "write": 18,
    "rewrite": 6,
    "unwrite": 3,
    "assign": 16,
    "rename": 4,
    "delete": 2,
}
WEATHER: Final[Mapping[What, int]] = {
    "kill service": 10,
    "kill worker": 14,
    "freeze service": 6,
    "freeze worker": 8,
    "freeze database": 5,
    "lock database": 5,
    "end database sessions": 5,
    "cut vendor": 12,
    "cut inbox": 10,
    "cut a call": 14,
    "hold webhooks": 6,
    "set clock": 5,
}


class Act(msgspec.Struct, frozen=True):
    """Something that happens ``at`` so many seconds into the storm; ``dice`` decides the rest."""

    at: float
    what: What
    dice: int

    @property
    def chance(self) -> Random:
        """Return what the choices of this act are drawn from."""
        return Random(self.dice)  # noqa: S311 - repeatable chance, not a secret


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """A whole storm. ``standing`` cases are there before it; ``acts`` are in order of time."""

    seed: int
    seconds: float
    standing: int
    acts: tuple[Act, ...]


def write_script(
    seed: int,
    *,
    seconds: float,
    size: int,
    pace: float | None = None,
    between_blows: float = 2.0,
    creates: bool = True,
) -> Script:
    """Write the storm of a seed.

    ``size`` is how many cases there will be, about half of them before the storm, or all of them
    where nothing ``creates`` during it. ``pace`` is how many acts of hands come a second (None: a
    tenth of the size), ``between_blows`` how many seconds lie between two of the weather.
    """
    chance = Random(seed)  # noqa: S311 - as above
    between_hands = 2 / (pace or size / 10)
    acts = [
        *_acts(chance, ANALYSTS, seconds, between_hands),
        *_acts(chance, PEOPLE, seconds, between_hands),
        *_acts(chance, WEATHER, seconds, between_blows),
    ]
    new = [act for act in acts if act.what == "create"]
    most = size // 2 if creates else 0
    surplus = set(new[most:]) if len(new) > most else set()
    acts = sorted((act for act in acts if act not in surplus), key=lambda act: act.at)
    standing = size - min(len(new), most)
    return Script(seed=seed, seconds=seconds, standing=standing, acts=tuple(acts))


def _acts(
    chance: Random, weights: Mapping[What, int], seconds: float, pause: float
) -> Iterator[Act]:
    """Draw acts of one kind, so many seconds apart on average."""
    kinds, at = list(weights), chance.expovariate(1 / pause)
    while at < seconds:
        (what,) = chance.choices(kinds, list(weights.values()))
        yield Act(at, what, chance.getrandbits(32))
        at += chance.expovariate(1 / pause)
