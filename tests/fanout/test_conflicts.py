"""The specification's four conflicts at every point of a call: before, in the middle, and after.

The vendors are in memory, so that news arrives exactly where a test wants it: before the vendor
has done our work, or when it has and the answer is still on its way. One names who moved a ticket
and walks its workflow hop by hop, the other does neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from casebridge.services.tickets import ForceSync
from casebridge_core import CaseStatus
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import Action, Desk, Trouble
from tests.fanout.issues import Issue

WHERE = ["before the vendor did it", "before its answer arrived", "after our commit"]
each_point = pytest.mark.parametrize("where", WHERE)


@dataclass
class Scene:
    """A case whose ticket both sides agree on, and all of whose webhooks are delivered."""

    bench: Bench
    counter: Counter
    desk: Desk
    token: tuple[str, str]
    case: str = ""

    @property
    def issue(self) -> Issue:
        (issue,) = self.desk.issues.values()
        return issue

    def native(self, status: CaseStatus) -> str:
        return self.desk.maps.outbound[status]

    def human_moves(self, status: CaseStatus) -> None:
        self.bench.clock.advance(seconds=1)
        self.desk.move(self.issue, self.native(status))
        self.bench.clock.advance(seconds=1)

    async def post_arrives(self) -> None:
        while self.desk.post:
            await self.bench.deliver(self.token, self.desk.post.pop(0))

    async def settle(self) -> None:
        """Work and deliver until neither is left."""
        await self.bench.converge()
        while self.desk.post:
            await self.post_arrives()
            await self.bench.converge()

    async def work(self, where: str, action: Action) -> None:
        """Work, and let something happen at a point of the next call."""
        if where == WHERE[0]:
            self.desk.before_work.append(action)
        elif where == WHERE[1]:
            self.desk.after_work.append(action)
        await self.bench.converge()
        if where == WHERE[2]:
            await action()
        await self.settle()

    async def changes(self) -> list[str]:
        return [row.text for row in await self.counter.timeline(self.case, "status_changed")]

    async def status(self) -> str:
        return (await self.counter.case(self.case)).status


@pytest.fixture(params=["alpha", "beta"])
async def scene(request: pytest.FixtureRequest, bench: Bench, alpha: Desk, beta: Desk) -> Scene:
    """A case that is open, at one of the two vendors."""
    desk = {"alpha": alpha, "beta": beta}[request.param]
    counter = await bench.open_counter()
    await counter.connect(desk)
    made = Scene(bench, counter, desk, await bench.open_inbox(counter.who))
    made.case = await counter.create_case()
    await made.settle()
    desk.calls.clear()
    return made


@each_point
async def test_rule_1_the_case_wins_over_a_ticket_that_was_already_moving(
    scene: Scene, where: str
) -> None:
    """A person moves the ticket to "in progress", whose webhook is still on its way.

    Then an analyst resolves the case, and its push starts. The webhook arrives before the vendor
    has done the push, before its answer arrives, or after the push is noted.
    """
    scene.human_moves(CaseStatus.TRIAGE)
    await scene.counter.move(scene.case, CaseStatus.RESOLVED)

    await scene.work(where, scene.post_arrives)

    assert await scene.changes() == ["open → resolved"]
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert (await scene.counter.ref(scene.case)).last_error is None


@each_point
async def test_rule_1_holds_when_the_push_is_lost_and_repeated(scene: Scene, where: str) -> None:
    """As above, and the answer to the push is lost, so that it is pushed again."""
    scene.human_moves(CaseStatus.TRIAGE)
    scene.desk.arm("transition", Trouble.STORED_AND_LOST)
    await scene.counter.move(scene.case, CaseStatus.RESOLVED)

    await scene.work(where, scene.post_arrives)
    scene.bench.clock.advance(minutes=1)
    await scene.settle()

    assert await scene.changes() == ["open → resolved"]
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert (await scene.counter.ref(scene.case)).last_error is None


@pytest.mark.parametrize("scene", ["alpha"], indirect=True)
@each_point
async def test_rule_1_is_about_who_was_first_and_a_later_move_has_the_last_word(
    scene: Scene, where: str
) -> None:
    """An analyst resolves the case and its push starts.

    A person then moves the ticket to "in progress", and the webhook, which names the person,
    arrives at once: in the middle of the push, which may be the later of the two at the vendor, or
    after it.
    """

    async def human_moves_and_is_heard() -> None:
        scene.human_moves(CaseStatus.TRIAGE)
        await scene.post_arrives()

    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.work(where, human_moves_and_is_heard)

    assert await scene.changes() == ["open → resolved", "resolved → triage"]
    assert scene.issue.status == scene.native(CaseStatus.TRIAGE)


@each_point
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer lost"])
async def test_rule_2_the_ticket_wins_for_the_status_and_containment_stays_on_record(
    scene: Scene, where: str, *, lost: bool
) -> None:
    """A containment action is recorded and its comment is on its way to the ticket.

    A person resolves the ticket, and the webhook arrives before the comment is stored, before the
    vendor's answer arrives, or after. The answer may be lost besides.
    """

    async def human_resolves_and_is_heard() -> None:
        scene.human_moves(CaseStatus.RESOLVED)
        await scene.post_arrives()

    if lost:
        scene.desk.arm("comment", Trouble.STORED_AND_LOST)
    await scene.counter.contain(scene.case)
    await scene.work(where, human_resolves_and_is_heard)
    scene.bench.clock.advance(minutes=1)
    await scene.settle()

    assert await scene.changes() == ["open → resolved"]
    (contained,) = await scene.counter.timeline(scene.case, "containment_action")
    assert contained.text == "isolate on web-01: isolated"
    assert len(scene.issue.comments) == 1
    assert scene.desk.writes("transition") == []
    assert (await scene.counter.ref(scene.case)).last_error is None


@pytest.mark.parametrize("first", ["analyst", "webhook"])
async def test_rule_3_two_transactions_at_once_are_one_change(scene: Scene, first: str) -> None:
    """A person resolves the ticket; the webhook and the analyst's own change run at once.

    Each is a transaction of its own; the database lets one of them through first.
    """
    scene.human_moves(CaseStatus.RESOLVED)
    body = scene.desk.post.pop(0)
    both = [
        scene.counter.move(scene.case, CaseStatus.RESOLVED),
        scene.bench.deliver(scene.token, body),
    ]

    await asyncio.gather(*(both if first == "analyst" else reversed(both)))
    await scene.settle()

    assert await scene.changes() == ["open → resolved"]
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert scene.desk.writes("transition") == []


@pytest.mark.parametrize("where", WHERE[:2])
async def test_rule_3_the_same_status_in_the_middle_of_its_push_is_one_change(
    scene: Scene, where: str
) -> None:
    """The analyst resolves the case and the push starts; a person resolves the ticket meanwhile.

    The webhook arrives in the middle of the push.
    """

    async def human_resolves_and_is_heard() -> None:
        if scene.issue.status != scene.native(CaseStatus.RESOLVED):
            scene.human_moves(CaseStatus.RESOLVED)
        await scene.post_arrives()

    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.work(where, human_resolves_and_is_heard)

    assert await scene.changes() == ["open → resolved"]
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert len(scene.desk.writes("transition")) == 1


async def test_rule_4_a_refused_move_leaves_each_side_where_it_is_and_is_told_once(
    scene: Scene,
) -> None:
    """The vendor's workflow refuses the case's status; afterwards nothing else happens."""
    scene.desk.walls.add(scene.native(CaseStatus.RESOLVED))

    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.settle()
    scene.bench.clock.advance(days=5)
    await scene.settle()

    assert await scene.status() == "resolved"
    assert scene.issue.status == scene.native(CaseStatus.OPEN)
    assert len(scene.desk.writes("transition")) == 1
    (told,) = await scene.counter.timeline(scene.case, "push_failed")
    assert "cannot go to" in told.text
    (card,) = await scene.bench.connectors.list(scene.counter.who)
    (failing,) = await scene.bench.connectors.failing_refs(scene.counter.who, card.public_id)
    assert failing.last_error_kind == "TransitionRejected"
    assert card.paused_at is None


def the_workflow_is_mended(scene: Scene) -> None:
    scene.desk.walls.clear()


def a_person_does_it(scene: Scene) -> None:
    scene.human_moves(CaseStatus.RESOLVED)


@pytest.mark.parametrize("cure", [the_workflow_is_mended, a_person_does_it])
async def test_rule_4_what_a_human_does_about_it_ends_the_failure(
    scene: Scene, cure: Callable[[Scene], None]
) -> None:
    """The move is refused; a person mends the workflow or moves the ticket; then a resync."""
    scene.desk.walls.add(scene.native(CaseStatus.RESOLVED))
    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.settle()

    cure(scene)
    await scene.bench.cases.resync(scene.counter.who, scene.case)
    await scene.settle()

    assert await scene.changes() == ["open → resolved"]
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert (await scene.counter.ref(scene.case)).last_error is None


async def test_rule_4_a_force_sync_goes_past_the_workflow_once(scene: Scene) -> None:
    """The move is refused; somebody forces it; the next move of the case is an ordinary one."""
    for status in (CaseStatus.RESOLVED, CaseStatus.TRIAGE):
        scene.desk.walls.add(scene.native(status))
    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.settle()
    ref = await scene.counter.ref(scene.case)

    order = ForceSync(reason="the workflow is wrong")
    await scene.bench.tickets.force_sync(scene.counter.who, ref.public_id, order)
    await scene.settle()

    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert await scene.changes() == ["open → resolved"]
    (pushed,) = await scene.counter.timeline(scene.case, "status_pushed")
    assert pushed.text.endswith("(forced by api (analyst))")
    await scene.counter.move(scene.case, CaseStatus.TRIAGE)
    await scene.settle()
    assert scene.issue.status == scene.native(CaseStatus.RESOLVED)
    assert (await scene.counter.ref(scene.case)).last_error_kind == "TransitionRejected"


async def test_rule_4_a_force_sync_is_for_one_attempt_however_that_ends(scene: Scene) -> None:
    """A forced push meets an outage; when the vendor is back, the push is an ordinary one."""
    scene.desk.walls.add(scene.native(CaseStatus.RESOLVED))
    await scene.counter.move(scene.case, CaseStatus.RESOLVED)
    await scene.settle()
    ref = await scene.counter.ref(scene.case)
    scene.desk.arm("transition", Trouble.UNAVAILABLE)

    order = ForceSync(reason="the workflow is wrong")
    await scene.bench.tickets.force_sync(scene.counter.who, ref.public_id, order)
    await scene.settle()
    scene.bench.clock.advance(minutes=1)
    await scene.settle()

    after = await scene.counter.ref(scene.case)
    assert (after.force_reason, after.force_actor) == (None, None)
    assert after.last_error_kind == "TransitionRejected"
    assert scene.issue.status == scene.native(CaseStatus.OPEN)
