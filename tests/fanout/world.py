"""The world of the model: the bench, two vendors, the post between them, and who acts in it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import event, select

from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.connector_terms import ConnectorEdit
from casebridge.services.tickets import ForceSync
from casebridge_core import CaseStatus, CommentAction, NativeStatus
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import ADA, BEN, Clock, Desk
from tests.fanout.inline import stay_in_this_thread
from tests.fanout.issues import Call, Issue
from tests.fanout.vendors import jira_like, servicenow_like

ResultT = TypeVar("ResultT")

EXOTIC: Final = "Waiting for tea"
PEOPLE: Final = (ADA, BEN, None)
SECOND: Final = timedelta(seconds=1)
FINE: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Move:
    """A human's move of a ticket."""

    vendor: str
    number: str
    native: str
    at: datetime


class World:
    """Two connected vendors and a few cases; `violations` are calls that broke a rule.

    ``lost`` are the bodies that were never delivered, or came when nobody could take them;
    ``time_was_wrong`` is true once a vendor's clock was. ``patience`` is in how many rounds of work
    and post everything must be done.
    """

    patience = 200

    def open_world(
        self,
        path: Path,
        *,
        named: bool = False,
        coarse: bool = False,
        only: int | None = None,
        **jira: Any,
    ) -> None:
        """``named`` and ``coarse`` are how the second vendor tells actors and times.

        ``only`` is the vendor that is connected, None for both.
        """
        self.runner = asyncio.Runner()
        self.path = path
        self.clock = Clock()
        alpha = jira_like(self.clock, **jira)
        beta = servicenow_like(self.clock, names_actor=named, grain=SECOND if coarse else FINE)
        self.desks: tuple[Desk, ...] = (alpha, beta)
        self.open_bench()
        self.cases: list[str] = []
        self.sent: list[bytes] = []
        self.moves: list[Move] = []
        self.lost: list[bytes] = []
        self.time_was_wrong = False
        self.violations: list[str] = []
        self.not_before: dict[str, datetime | None] = {}
        self.run(self._open(range(len(self.desks)) if only is None else [only]))

    def open_bench(self) -> None:
        """Start the host's process."""
        self.bench = Bench(self.path, self.clock, *self.desks)
        event.listen(self.bench.database.engine.sync_engine, "do_connect", stay_in_this_thread)

    async def _open(self, connected: Iterable[int]) -> None:
        self.counter: Counter = await self.bench.open_counter()
        self.connectors = {
            which: await self.counter.connect(self.desks[which]) for which in connected
        }
        self.token = await self.bench.open_inbox(self.counter.who)
        for desk in self.desks:
            desk.watch = self._watcher(desk)

    async def restart(self) -> None:
        """End the host's process and start another."""
        await self.bench.close()
        self.open_bench()
        self.counter = Counter(self.bench, self.counter.who)

    async def come_to_rest(self) -> None:
        """Let everything work again, deliver what is in the post, and repair what was lost."""
        for desk in self.desks:
            desk.disarm()
            desk.ahead = timedelta(0)
            desk.before_work.clear()
            desk.after_work.clear()
        for which in self.connectors:
            await self.switch(which, enabled=True)
            await self.resume(which)
        await self.work_and_deliver()
        if self.lost or self.time_was_wrong:
            await self.bench.tickets.resync_tenant(self.counter.who)
            await self.work_and_deliver()

    async def work_and_deliver(self) -> None:
        """Work, deliver and wait until nothing is left to do."""
        for _ in range(self.patience):
            self.tick()
            worked = await self.bench.converge()
            for desk in self.desks:
                while desk.post:
                    await self.deliver(desk.post.pop(0))
                    worked += 1
            if worked:
                continue
            moment = await self.bench.next_moment()
            if moment is None:
                return
            self.clock.now = moment
        msg = "it does not come to rest"
        raise AssertionError(msg)

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.bench.close())
        self.runner.close()

    def tick(self) -> None:
        self.clock.advance(seconds=0.4)

    # What analysts, workers and people do.

    async def create_case(self, status: CaseStatus = CaseStatus.OPEN) -> str:
        self.cases.append(await self.counter.create_case(status=status))
        return self.cases[-1]

    def pick(self, number: int) -> str:
        self.forget_next_tries()
        return self.cases[number % len(self.cases)]

    def forget_next_tries(self) -> None:
        """Somebody acted, so what waited may be tried at once."""
        self.not_before.clear()

    async def work_once(self) -> None:
        await self.bench.converge_one()
        await self.remember_next_tries()

    def pick_ticket(self, which: int, number: int) -> Issue | None:
        issues = self.desks[which].issues
        return issues[sorted(issues)[number % len(issues)]] if issues else None

    def move_ticket(self, which: int, number: int, status: int) -> None:
        natives = [*self.desks[which].maps.inbound, EXOTIC]
        self.move_ticket_to(which, number, natives[status % len(natives)])

    def move_ticket_to(self, which: int, number: int, native: str) -> None:
        desk, issue = self.desks[which], self.pick_ticket(which, number)
        if issue is not None and native != issue.status:
            self.moves.append(Move(desk.vendor, issue.number, native, self.clock()))
            desk.move(issue, native)

    def handle_ticket(self, which: int, number: int, what: str, choice: int = 0) -> None:
        """Let a human do to a ticket what is not a move."""
        desk, issue = self.desks[which], self.pick_ticket(which, number)
        if issue is None:
            return
        match what:
            case "assign":
                desk.assign(issue, PEOPLE[choice % len(PEOPLE)])
            case "rename":
                desk.rename(issue)
            case "delete":
                desk.delete(issue)
            case _:
                desk.note(issue, CommentAction(what))

    def set_clock(self, which: int, seconds: float) -> None:
        self.desks[which].ahead = timedelta(seconds=seconds)
        self.time_was_wrong |= seconds != 0

    def build_or_tear_down_a_wall(self, which: int, number: int) -> None:
        natives = sorted(set(self.desks[which].maps.outbound.values()))
        self.desks[which].walls ^= {natives[number % len(natives)]}

    def meanings(self, desk: Desk, native: str) -> tuple[CaseStatus, ...]:
        mapped = desk.maps.meanings_of(NativeStatus(name=native)) or ()
        images = (status for status, image in desk.maps.outbound.items() if image == native)
        return (*mapped, *images)

    # What the post does.

    async def deliver_one(self, which: int, number: int = 0) -> str | None:
        post = self.desks[which].post
        return await self.deliver(post.pop(number % len(post))) if post else None

    async def deliver(self, body: bytes) -> str | None:
        """Deliver a body; return the reason in the answer."""
        self.forget_next_tries()
        if body not in self.sent:
            self.sent.append(body)
        answer = await self.bench.deliver(self.token, body)
        if answer.reason in {"connector_disabled", "unlinked_ticket"}:
            self.lost.append(body)
        return answer.reason

    async def deliver_again(self, body: bytes) -> None:
        """Deliver an old body as the vendor's own repetition: under another delivery id."""
        vendor, told = next(iter(msgspec.json.decode(body).items()))
        again = {vendor: {**told, "delivery_id": None}}
        await self.bench.deliver(self.token, msgspec.json.encode(again))

    def lose_one(self, which: int, number: int = 0) -> None:
        post = self.desks[which].post
        if post:
            self.lost.append(post.pop(number % len(post)))

    # What operators do.

    async def pause(self, which: int) -> None:
        await self.bench.connectors.pause(self.counter.who, self.connectors[which], "a test")

    async def resume(self, which: int) -> None:
        self.forget_next_tries()
        await self.bench.connectors.resume(self.counter.who, self.connectors[which])

    async def switch(self, which: int, *, enabled: bool) -> None:
        self.forget_next_tries()
        edit = ConnectorEdit(enabled=enabled)
        await self.bench.connectors.edit(self.counter.who, self.connectors[which], edit)

    async def force(self, case: str, which: int) -> None:
        for ref in await self.counter.refs(case):
            if ref.vendor == self.desks[which].vendor and ref.external_id is not None:
                order = ForceSync(reason="a test")
                await self.bench.tickets.force_sync(self.counter.who, ref.public_id, order)

    # What no call may be.

    async def remember_next_tries(self) -> None:
        async with self.bench.database.read() as session:
            failing = await session.scalars(
                select(RefRow).where(RefRow.last_error.is_not(None), RefRow.due_at.is_not(None))
            )
            for ref in failing:
                about = ref.external_id or ref.correlation_key
                self.not_before[f"{ref.vendor} {about}"] = ref.due_at

    def _watcher(self, desk: Desk) -> Any:
        async def watch(call: Call) -> None:
            if [each.operation for each in desk.calls[-2:]] == ["create", "fetch"]:
                return  # the second half of one step
            async with self.bench.database.read() as session:
                connector = await session.scalar(
                    select(ConnectorRow).where(ConnectorRow.vendor == desk.vendor)
                )
                ref = await session.scalar(
                    select(RefRow).where(
                        RefRow.vendor == desk.vendor,
                        (RefRow.correlation_key == call.about) | (RefRow.external_id == call.about),
                    )
                )
            assert connector is not None
            self.violations += [f"{call} {what}" for what in self.wrong_with(call, connector, ref)]
            if ref is not None and call.native == ref.ticket_status and not ref.force_reason:
                unseen = call.about in desk.unclear or ref.status_unclear_at is not None
                self.violations += [] if unseen else [f"{call}, as it is known to be"]

        return watch

    def wrong_with(self, call: Call, connector: ConnectorRow, ref: RefRow | None) -> Iterator[str]:
        """Tell which rules a call breaks; a plugin's exceptions would not reach the machine."""
        earliest = self.not_before.get(f"{connector.vendor} {call.about}")
        if connector.paused_at is not None:
            yield "of a paused connector"
        if not connector.enabled:
            yield "of a disabled connector"
        if connector.quiet_until is not None and connector.quiet_until > call.at:
            yield f"before {connector.quiet_until}, as the vendor asked"
        if earliest is not None and earliest > call.at:
            yield f"before {earliest}, its next try"
        if ref is not None and ref.dead_at and call.operation in {"create", "transition"}:
            yield "of a dead letter"
