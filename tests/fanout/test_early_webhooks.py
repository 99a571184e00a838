"""Webhooks that are quicker than our own commit: the ticket is there, its ref does not know yet."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from casebridge.persistence.inbox import InboundEventRow
from casebridge.services.events import EventFilter, Events
from casebridge_core import CaseStatus
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import Desk, Trouble
from tests.fanout.issues import Call, Issue

RESOLVED = CaseStatus.RESOLVED


@dataclass
class Scene:
    """A case whose ticket is about to be minted at one vendor."""

    bench: Bench
    counter: Counter
    desk: Desk
    token: tuple[str, str]
    case: str

    @property
    def issue(self) -> Issue:
        (issue,) = self.desk.issues.values()
        return issue

    async def post_arrives(self) -> list[str | None]:
        """Deliver every webhook that the vendor sent; return the reasons in the answers."""
        answers = [await self.bench.deliver(self.token, body) for body in self.desk.post]
        self.desk.post.clear()
        return [answer.reason for answer in answers]

    async def human_moves(self, status: CaseStatus) -> None:
        """Move the ticket, of which the webhooks arrive at once."""
        self.bench.clock.advance(seconds=1)
        self.desk.move(self.issue, self.desk.maps.outbound[status])
        assert set(await self.post_arrives()) == {"unlinked_ticket"}
        self.bench.clock.advance(seconds=1)

    async def events(self) -> list[InboundEventRow]:
        """Return the stored events, oldest first."""
        found = await Events(self.bench.database).list(self.counter.who, EventFilter(), limit=100)
        return [each.row for each in reversed(found)]

    async def status(self) -> str:
        return (await self.counter.case(self.case)).status


@pytest.fixture(params=["alpha", "beta"])
async def scene(request: pytest.FixtureRequest, bench: Bench, alpha: Desk, beta: Desk) -> Scene:
    """An open case, at one of the two vendors."""
    desk = {"alpha": alpha, "beta": beta}[request.param]
    counter = await bench.open_counter()
    await counter.connect(desk)
    token = await bench.open_inbox(counter.who)
    return Scene(bench, counter, desk, token, await counter.create_case())


WHEN = ["before the vendor answers", "before the ticket is read back", "after it is read back"]


@pytest.mark.parametrize("when", WHEN)
async def test_a_human_who_moves_a_ticket_before_our_commit_is_heard(
    scene: Scene, when: str
) -> None:
    async def meanwhile(call: Call) -> None:
        if call.operation == ("create" if when == WHEN[0] else "fetch"):
            scene.desk.watch = None
            if when == WHEN[1]:
                await scene.human_moves(RESOLVED)
            else:
                scene.desk.after_work.append(lambda: scene.human_moves(RESOLVED))

    scene.desk.watch = meanwhile

    await scene.bench.converge()

    assert await scene.status() == "resolved"
    assert scene.issue.status == scene.desk.maps.outbound[RESOLVED]
    assert scene.desk.writes("transition") == []
    minting, moving, *replays = await scene.events()
    assert [row.replay_of for row in replays] == [minting.public_id, moving.public_id]
    assert [row.reason for row in (minting, moving)] == ["unlinked_ticket"] * 2
    minted, *_ = await scene.counter.timeline(scene.case, "ticket_minted")
    (moved,) = await scene.counter.timeline(scene.case, "status_changed")
    assert minted.id < moved.id
    assert moved.event_id == replays[1].id


async def test_the_early_webhook_of_our_own_minting_moves_nothing(scene: Scene) -> None:
    async def case_moves_on() -> None:
        assert await scene.post_arrives() == ["unlinked_ticket"]
        await scene.counter.move(scene.case, RESOLVED)

    async def meanwhile(call: Call) -> None:
        if call.operation == "fetch":
            scene.desk.watch = None
            await case_moves_on()

    scene.desk.watch = meanwhile

    await scene.bench.converge()

    assert await scene.status() == "resolved"
    assert scene.issue.status == scene.desk.maps.outbound[RESOLVED]
    assert (await scene.events())[-1].reason in {"own_write", "last_known_status"}


async def test_what_came_before_the_case_moved_on_does_not_bring_it_back(scene: Scene) -> None:
    async def meanwhile(call: Call) -> None:
        if call.operation == "fetch":
            scene.desk.watch = None
            await scene.human_moves(RESOLVED)
            await scene.counter.move(scene.case, CaseStatus.TRIAGE)

    scene.desk.watch = meanwhile

    await scene.bench.converge()

    assert await scene.status() == "triage"
    assert scene.issue.status == scene.desk.maps.outbound[CaseStatus.TRIAGE]


async def test_a_human_is_heard_who_moved_a_ticket_that_had_to_be_searched(
    scene: Scene,
) -> None:
    scene.desk.arm("create", Trouble.STORED_AND_LOST)
    await scene.bench.converge()
    await scene.human_moves(RESOLVED)
    scene.bench.clock.advance(seconds=60)

    await scene.bench.converge()

    _, moving, *replays = await scene.events()
    assert replays[-1].replay_of == moving.public_id
    assert await scene.status() == "resolved"
    assert scene.issue.status == scene.desk.maps.outbound[RESOLVED]


async def test_a_worker_that_dies_before_its_commit_leaves_the_events_to_the_next(
    scene: Scene,
) -> None:
    scene.desk.arm("fetch", Trouble.DEATH_AFTER)
    await scene.bench.converge()
    await scene.post_arrives()
    scene.bench.clock.advance(minutes=5)

    await scene.bench.converge()

    (first, again) = await scene.events()
    assert (first.reason, again.replay_of) == ("unlinked_ticket", first.public_id)
    assert await scene.status() == "open"
