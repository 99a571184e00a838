"""The script of the live demo: a beginning, then the scenes in rounds that become slower.

It is bounded: left alone for a day, it has not come to its end, and at its end it has opened some
four hundred cases. Every round is told apart from the others by the seed only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from casebridge.demo.acts import Act, Ask, Connect, Open, Rest, Until
from casebridge.demo.cast import Cast
from casebridge.demo.scenes import SCENES, UNKNOWN_STATUSES, Scene, an_unmapped_status
from casebridge.domain.actors import TimelineKind

ROUNDS: Final = 40
SEED: Final = 7
_SLOWEST: Final = 16
_BETWEEN: Final = Rest(seconds=6)
STATES: Final = frozenset({"pending", "syncing", "linked", "failing", "dead", "paused", "gone"})
"""The states of tickets that the first round shows."""
KINDS: Final = frozenset(TimelineKind) - {
    TimelineKind.PUSH_SKIPPED,
    TimelineKind.TICKET_RESTORED,
    TimelineKind.TICKET_MISSING,
}
"""The kinds of timeline rows that the first round brings about.

The stand-ins restore no ticket, and that one is missing is found once a day only."""


def script(seed: int = SEED, *, rounds: int = ROUNDS) -> Iterator[Act]:
    """Return everything that happens, in order; the same seed tells the same."""
    cast = Cast(seed)
    yield from _beginning(cast)
    for number in range(rounds):
        scenes = list(SCENES)
        if number:
            cast.random.shuffle(scenes)
        slowness = min(2**number, _SLOWEST)
        for scene in scenes:
            for act in (*_with_a_status_of_its_own(scene, number)(cast), _BETWEEN):
                yield _slowed(act, slowness) if isinstance(act, Rest) else act


def _beginning(cast: Cast) -> Iterator[Act]:
    """Open cases, connect the vendors, and mint tickets for what was there before."""
    before = [cast.number() for _ in range(3)]
    for case in before:
        yield Open(
            case=case, fields=cast.incident(), line="{title!r} is opened", page="/cases/{id}"
        )
    yield Connect(
        vendor="jira", config={"category_fallback": False}, line="Jira is connected, both ways"
    )
    yield Connect(
        vendor="servicenow", line="ServiceNow is connected, both ways", page="/connectors"
    )
    yield Ask(method="PUT", path="/v1/feature-flags", body={"name": "backfill", "enabled": True})
    for vendor, title in (("jira", "Jira"), ("servicenow", "ServiceNow")):
        yield Ask(
            path=f"/v1/connectors/{{{vendor}_connector}}/backfills",
            body={},
            line=f"a backfill mints {title}'s tickets for the cases that were there before",
        )
    for case in before:
        yield Until(case=case, state="linked", line="minted {jira} and {servicenow}")
    yield _BETWEEN


def _with_a_status_of_its_own(scene: Scene, number: int) -> Scene:
    """A status that was mapped in one round is known in the next."""
    if scene is not an_unmapped_status:
        return scene
    if number >= len(UNKNOWN_STATUSES):
        return lambda _: iter(())
    return partial(an_unmapped_status, name=UNKNOWN_STATUSES[number])


def _slowed(rest: Rest, slowness: int) -> Rest:
    return msgspec.structs.replace(rest, seconds=rest.seconds * slowness)
