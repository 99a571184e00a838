"""Short stories in the model's world, each of which a single guard brings to a good end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from casebridge_core import CaseStatus
from tests.fanout.desks import Trouble
from tests.fanout.world import World

OPEN, TRIAGE, CONTAINED, RESOLVED, CLOSED = CaseStatus
Telling = Callable[[World], Coroutine[Any, Any, None]]

NAMED: Final = 0
"""The vendor that names actors and walks hop by hop: To Do, In Progress, Done."""
NAMELESS: Final = 1
"""The vendor that does neither and counts whole seconds: New, Active, Resolved, Closed."""


@dataclass(frozen=True)
class Story:
    """What happens, and at which of the vendors; the other one is not connected."""

    which: int
    tell: Telling

    def __call__(self, world: World) -> Coroutine[Any, Any, None]:
        return self.tell(world)


def at(which: int) -> Callable[[Telling], Story]:
    """Let a story be about one vendor."""
    return lambda telling: Story(which, telling)


async def begin(world: World, status: CaseStatus = OPEN) -> str:
    """Create a case whose tickets both sides agree on, with all post delivered."""
    case = await world.create_case(status)
    await world.work_and_deliver()
    wait(world)
    return case


def wait(world: World, seconds: float = 5) -> None:
    """Let time pass."""
    world.clock.advance(seconds=seconds)


@at(NAMED)
async def a_move_arrives_after_a_later_one(world: World) -> None:
    """Two moves, delivered in the other order."""
    await begin(world)
    world.move_ticket_to(NAMED, 0, "Done")
    wait(world)
    world.move_ticket_to(NAMED, 0, "In Progress")
    await world.deliver_one(NAMED, 1)
    await world.deliver_one(NAMED, 0)


@at(NAMELESS)
async def two_moves_in_one_second_arrive_in_the_other_order(world: World) -> None:
    """A clock of whole seconds gives two moves one time."""
    await begin(world)
    world.move_ticket_to(NAMELESS, 0, "Resolved")
    world.move_ticket_to(NAMELESS, 0, "Active")
    await world.deliver_one(NAMELESS, 1)
    await world.deliver_one(NAMELESS, 0)


@at(NAMELESS)
async def two_moves_in_one_second_arrive(world: World) -> None:
    """They arrive in their order, which nobody can know."""
    await begin(world)
    world.move_ticket_to(NAMELESS, 0, "Resolved")
    world.move_ticket_to(NAMELESS, 0, "Active")


@at(NAMELESS)
async def a_move_in_the_second_of_our_push_arrives_after_it(world: World) -> None:
    """A human's move that our push overwrote is told with the time of the push, by nobody."""
    case = await begin(world)
    world.clock.now = world.clock.now.replace(microsecond=0)
    world.desks[NAMELESS].call_seconds = 0.1
    world.move_ticket_to(NAMELESS, 0, "Resolved")
    await world.counter.move(case, CONTAINED)
    await world.bench.converge()
    while await world.deliver_one(NAMELESS):
        pass


@at(NAMED)
async def a_vendors_clock_runs_ahead_for_one_event(world: World) -> None:
    """After an event from the future, a human's move at the right time is no old news."""
    await begin(world)
    world.desks[NAMED].ahead = timedelta(minutes=5)
    world.move_ticket_to(NAMED, 0, "In Progress")
    await world.deliver_one(NAMED)
    world.desks[NAMED].ahead = timedelta(0)
    wait(world)
    world.move_ticket_to(NAMED, 0, "Done")


@at(NAMED)
async def the_hops_of_our_push_arrive_during_it(world: World) -> None:
    """Our own hops, told by name, come back while the push is under way."""
    case = await begin(world)
    await world.counter.move(case, CLOSED)
    world.desks[NAMED].after_work.append(lambda: world.deliver_one(NAMED))
    await world.bench.converge()


@at(NAMED)
async def the_nameless_hops_of_our_push_arrive_during_it(world: World) -> None:
    """Our own hops, told by nobody, come back while the push is under way."""
    world.desks[NAMED].names_actor = False
    case = await begin(world)
    await world.counter.move(case, CLOSED)
    world.desks[NAMED].after_work.append(lambda: world.deliver_one(NAMED))
    await world.bench.converge()


@at(NAMED)
async def a_refused_push_leaves_the_ticket_half_way(world: World) -> None:
    """A push breaks off on its way, is refused then, and the hop is told by nobody."""
    world.desks[NAMED].names_actor = False
    case = await begin(world)
    await world.counter.move(case, CLOSED)
    world.desks[NAMED].arm("transition", Trouble.BROKEN_OFF_ON_THE_WAY)
    await world.bench.converge()
    world.desks[NAMED].walls.add("Done")
    wait(world, 60)
    await world.bench.converge()


@at(NAMED)
async def a_human_goes_back_during_our_push(world: World) -> None:
    """Our push has landed when a human undoes it, and the news comes before our commit."""

    async def go_back() -> None:
        wait(world)
        world.move_ticket_to(NAMED, 0, "To Do")
        while await world.deliver_one(NAMED):
            pass

    case = await begin(world)
    await world.counter.move(case, TRIAGE)
    world.desks[NAMED].after_work.append(go_back)
    await world.bench.converge()


@at(NAMED)
async def the_case_moves_after_the_ticket_did(world: World) -> None:
    """A human's move is still in the post when an analyst closes the case."""
    case = await begin(world)
    world.move_ticket_to(NAMED, 0, "In Progress")
    wait(world)
    await world.counter.move(case, CLOSED)
    await world.deliver_one(NAMED)
    assert (await world.counter.case(case)).status == CLOSED


@at(NAMED)
async def a_contained_case_meets_its_own_native_status(world: World) -> None:
    """A human moves the ticket to where a pending push is about to bring it."""
    case = await begin(world, RESOLVED)
    await world.counter.move(case, CONTAINED)
    wait(world)
    world.move_ticket_to(NAMED, 0, "In Progress")
    await world.deliver_one(NAMED)
    assert (await world.counter.case(case)).status == CONTAINED


@at(NAMED)
async def a_contained_case_comes_back_from_done(world: World) -> None:
    """A human reopens the ticket of a case that was contained before it was resolved."""
    case = await begin(world, CONTAINED)
    world.move_ticket_to(NAMED, 0, "Done")
    await world.work_and_deliver()
    wait(world)
    world.move_ticket_to(NAMED, 0, "In Progress")
    await world.work_and_deliver()
    assert (await world.counter.case(case)).status == CONTAINED


@at(NAMED)
async def the_case_has_moved_and_its_old_native_status_is_told_again(world: World) -> None:
    """A comment's webhook repeats the status before the push of a new one has begun."""
    case = await begin(world)
    issue = world.pick_ticket(NAMED, 0)
    assert issue is not None
    await world.counter.move(case, CLOSED)
    wait(world)
    world.desks[NAMED].move(issue, issue.status)
    await world.deliver_one(NAMED)
    assert (await world.counter.case(case)).status == CLOSED


@at(NAMELESS)
async def news_comes_while_the_ticket_is_read(world: World) -> None:
    """A doubt is looked into; when it was read, and before our commit, the ticket moves again."""

    async def move_again() -> None:
        wait(world)
        world.move_ticket_to(NAMELESS, 0, "Closed")
        await world.deliver_one(NAMELESS)

    await two_moves_in_one_second_arrive_in_the_other_order(world)
    wait(world)
    world.desks[NAMELESS].after_work.append(move_again)
    await world.bench.converge()


@at(NAMED)
async def a_ticket_moved_before_it_was_deleted(world: World) -> None:
    """The deletion overtakes the move."""
    await begin(world)
    world.move_ticket_to(NAMED, 0, "Done")
    wait(world)
    world.handle_ticket(NAMED, 0, "delete")
    await world.deliver_one(NAMED, 1)
    reason = await world.deliver_one(NAMED)
    assert reason == "ticket_deleted"
    assert (await world.counter.case(world.cases[0])).status == OPEN


@at(NAMED)
async def a_ticket_is_renamed_twice(world: World) -> None:
    """The older of two keys arrives last."""
    await begin(world)
    for _ in range(2):
        world.handle_ticket(NAMED, 0, "rename")
        wait(world)
    await world.deliver_one(NAMED, 1)


@at(NAMED)
async def a_ticket_is_assigned_twice(world: World) -> None:
    """The older of two assignments arrives last."""
    await begin(world)
    for choice in range(2):
        world.handle_ticket(NAMED, 0, "assign", choice)
        wait(world)
    await world.deliver_one(NAMED, 1)


@at(NAMELESS)
async def a_ticket_is_assigned_twice_in_one_second(world: World) -> None:
    """Two assignments of one second arrive in the other order."""
    await begin(world)
    for choice in range(2):
        world.handle_ticket(NAMELESS, 0, "assign", choice)
    await world.deliver_one(NAMELESS, 1)


@at(NAMED)
async def a_comment_is_edited_before_it_is_heard_of(world: World) -> None:
    """Creation and edit arrive in the other order."""
    await begin(world)
    for what in ("created", "edited"):
        world.handle_ticket(NAMED, 0, what)
        wait(world)
    await world.deliver_one(NAMED, 1)


@at(NAMED)
async def a_comment_is_deleted_before_it_is_heard_of(world: World) -> None:
    """Creation and deletion arrive in the other order."""
    await begin(world)
    for what in ("created", "deleted"):
        world.handle_ticket(NAMED, 0, what)
        wait(world)
    await world.deliver_one(NAMED, 1)


@at(NAMED)
async def an_answer_to_a_comment_is_lost(world: World) -> None:
    """Our comment stands on the ticket, and nobody told us."""
    case = await begin(world)
    world.desks[NAMED].arm("comment", Trouble.STORED_AND_LOST)
    await world.counter.contain(case)
    await world.bench.converge()
    wait(world, 60)


@at(NAMED)
async def a_push_is_cut_off_and_the_case_goes_back(world: World) -> None:
    """A push that broke off moved the ticket; the case returns to where both last agreed."""
    case = await begin(world)
    await world.counter.move(case, RESOLVED)
    world.desks[NAMED].arm("transition", Trouble.STORED_AND_LOST)
    await world.bench.converge()
    await world.counter.move(case, OPEN)


@at(NAMED)
async def a_ticket_moves_to_where_no_case_is_projected(world: World) -> None:
    """The case follows, and the ticket is left where the human put it."""
    case = await begin(world)
    world.move_ticket_to(NAMED, 0, "In Review")
    await world.work_and_deliver()
    await world.counter.contain(case)
    await world.work_and_deliver()
    assert world.desks[NAMED].writes("transition") == []
