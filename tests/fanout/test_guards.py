"""Every guard has its mutant: without it, a story of the model's world comes to a bad end.

A story that ends well with the guards, and badly without one, shows that the judgement would
notice; the model plays the same world at random.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from casebridge.domain import comments, convergence, decision, inbound, whereabouts
from casebridge.domain.comments import KnownComment
from casebridge.domain.convergence import PostComment
from casebridge.domain.decision import RefState
from casebridge.domain.watermarks import Arrival, Source, Weight
from casebridge.engine import situation, steps
from casebridge.services import taking
from tests.fanout import stories
from tests.fanout.conftest import NewDatabase
from tests.fanout.judgement import come_to_rest_soon, judge, nothing_old_matters
from tests.fanout.stories import Story
from tests.fanout.world import World

Mutant = Callable[[pytest.MonkeyPatch], None]

_WEIGH: Final = Arrival.weigh


def takes(weight: Weight) -> Mutant:
    """Take for the newest what is not known to be."""

    def weigh(self: Arrival, *known: Any) -> Weight:
        found = _WEIGH(self, *known)
        return Weight.TAKE if found is weight else found

    return lambda patch: patch.setattr(Arrival, "weigh", weigh)


def believes_every_clock(patch: pytest.MonkeyPatch) -> None:
    def weigh(self: Arrival, watermark: datetime | None, *more: Any) -> Weight:
        if self.source is Source.TOLD and self.at and watermark and self.at < watermark:
            return Weight.LEAVE
        return _WEIGH(self, watermark, *more)

    patch.setattr(Arrival, "weigh", weigh)


def believes_no_reading(patch: pytest.MonkeyPatch) -> None:
    def weigh(self: Arrival, *known: Any) -> Weight:
        source = Source.LISTED if self.source is Source.READ else self.source
        return _WEIGH(msgspec.structs.replace(self, source=source), *known)

    patch.setattr(Arrival, "weigh", weigh)


def always(module: object, guard: str, answer: object) -> Mutant:
    """Let a guard always say the same."""
    return lambda patch: patch.setattr(module, guard, lambda *_, **__: answer)


def knowing(**fields: object) -> Mutant:
    """Let the status decision know less of the ref."""
    decide = decision.decide_status

    def forgetful(case: Any, ref: RefState, *rest: Any, **more: Any) -> Any:
        return decide(case, msgspec.structs.replace(ref, **fields), *rest, **more)

    return lambda patch: patch.setattr(inbound, "decide_status", forgetful)


def knows_one_meaning(patch: pytest.MonkeyPatch) -> None:
    decide = decision.decide_status

    def literal(*known: Any, meanings: Any, **more: Any) -> Any:
        return decide(*known, meanings=meanings[:1], **more)

    patch.setattr(inbound, "decide_status", literal)


def keeps_no_tombstone(patch: pytest.MonkeyPatch) -> None:
    deleted_at = comments._deleted_at

    def careless(known: KnownComment, *told: Any) -> Any:
        return deleted_at(known, *told) if known.text else None

    patch.setattr(comments, "_deleted_at", careless)


def posts_again_without_a_search(patch: pytest.MonkeyPatch) -> None:
    next_step = convergence.next_step

    def careless(*known: Any, **more: Any) -> Any:
        step = next_step(*known, **more)
        if isinstance(step, PostComment):
            return PostComment(step.comment, search_first=False)
        return step

    patch.setattr(situation, "next_step", careless)


GUARDS: Final[dict[str, tuple[Mutant, Story]]] = {
    "stale": (takes(Weight.LEAVE), stories.a_move_arrives_after_a_later_one),
    "tie": (takes(Weight.ASK), stories.two_moves_in_one_second_arrive_in_the_other_order),
    "tie with our push": (
        takes(Weight.ASK),
        stories.a_move_in_the_second_of_our_push_arrives_after_it,
    ),
    "wrong clock": (believes_every_clock, stories.a_vendors_clock_runs_ahead_for_one_event),
    "a reading settles it": (
        believes_no_reading,
        stories.two_moves_in_one_second_arrive,
    ),
    "a reading is overtaken": (
        always(steps, "_was_heard_of", answer=False),
        stories.news_comes_while_the_ticket_is_read,
    ),
    "own write": (
        always(decision, "is_own_write", answer=False),
        stories.the_hops_of_our_push_arrive_during_it,
    ),
    "push in flight": (
        always(decision, "_may_be_our_own_hop", answer=False),
        stories.the_nameless_hops_of_our_push_arrive_during_it,
    ),
    "half-way push": (knowing(unclear=False), stories.a_refused_push_leaves_the_ticket_half_way),
    "back during a push": (knowing(pushing=False), stories.a_human_goes_back_during_our_push),
    "unclear push": (
        always(situation, "is_unclear", answer=False),
        stories.a_push_is_cut_off_and_the_case_goes_back,
    ),
    "superseded": (
        always(decision, "_is_superseded", answer=False),
        stories.the_case_moves_after_the_ticket_did,
    ),
    "echo": (knows_one_meaning, stories.a_contained_case_meets_its_own_native_status),
    "held last": (
        lambda patch: patch.setattr(decision, "_held_last", lambda _, meanings: meanings[0]),
        stories.a_contained_case_comes_back_from_done,
    ),
    "last known": (
        always(decision, "is_same", answer=False),
        stories.the_case_has_moved_and_its_old_native_status_is_told_again,
    ),
    "settled": (
        always(taking, "settle", answer=None),
        stories.a_ticket_moves_to_where_no_case_is_projected,
    ),
    "gone": (
        always(whereabouts, "_is_back", answer=True),
        stories.a_ticket_moved_before_it_was_deleted,
    ),
    "key": (
        always(whereabouts, "_weight_of_key", answer=Weight.TAKE),
        stories.a_ticket_is_renamed_twice,
    ),
    "assignee": (takes(Weight.LEAVE), stories.a_ticket_is_assigned_twice),
    "assignee's tie": (takes(Weight.ASK), stories.a_ticket_is_assigned_twice_in_one_second),
    "comment": (
        always(comments, "_is_newer", answer=True),
        stories.a_comment_is_edited_before_it_is_heard_of,
    ),
    "tombstone": (keeps_no_tombstone, stories.a_comment_is_deleted_before_it_is_heard_of),
    "comment search": (posts_again_without_a_search, stories.an_answer_to_a_comment_is_lost),
}


def play(path: Path, story: Story) -> None:
    """Play a story to its end, and judge."""
    world = World()
    world.patience = 30
    world.open_world(path, coarse=True, only=story.which)
    try:
        world.run(story(world))
        world.run(come_to_rest_soon(world))
        world.run(judge(world))
        world.run(nothing_old_matters(world))
    finally:
        world.close()


@pytest.mark.parametrize(
    "story",
    dict.fromkeys(story for _, story in GUARDS.values()),
    ids=lambda story: story.tell.__name__,
)
def test_with_every_guard_it_ends_well(new_database: NewDatabase, story: Story) -> None:
    play(new_database(), story)


@pytest.mark.parametrize("guard", GUARDS)
def test_without_its_guard_it_does_not(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    mutant, story = GUARDS[guard]
    mutant(monkeypatch)

    with pytest.raises(AssertionError):
        play(new_database(), story)
