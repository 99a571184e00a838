"""The world of the model: the bench, two vendors, the post between them, and the judgement."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import select

from casebridge.persistence.cases import CaseRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.services.connectors import ConnectorEdit
from casebridge.services.tickets import ForceSync
from casebridge_core import CaseStatus, NativeStatus
from tests.fanout.bench import Bench, Counter
from tests.fanout.desks import Call, Clock, Desk, jira_like, servicenow_like

ResultT = TypeVar("ResultT")

EXOTIC: Final = "Waiting for tea"


class World:
    """Two connected vendors and a few cases; `violations` are calls that broke a rule."""

    def open_world(self, path: Path) -> None:
        self.runner = asyncio.Runner()
        self.clock = Clock()
        alpha = jira_like(self.clock)
        beta = servicenow_like(self.clock)
        self.desks: tuple[Desk, ...] = (alpha, beta)
        self.bench = Bench(path, self.clock, *self.desks)
        self.cases: list[str] = []
        self.sent: list[bytes] = []
        self.moves: Tally[tuple[str, str, str]] = Tally()
        self.news_was_lost = False
        self.violations: list[str] = []
        self.not_before: dict[str, datetime | None] = {}
        self.run(self._open())

    async def _open(self) -> None:
        self.counter: Counter = await self.bench.open_counter()
        self.connectors = [await self.counter.connect(desk) for desk in self.desks]
        self.token = await self.bench.open_inbox(self.counter.who)
        for desk in self.desks:
            desk.watch = self._watcher(desk)

    async def come_to_rest(self) -> None:
        for desk in self.desks:
            desk.disarm()
            desk.before_work.clear()
            desk.after_work.clear()
        for which in range(len(self.desks)):
            await self.switch(which, enabled=True)
            await self.resume(which)
        await self._work_and_deliver()
        if self.news_was_lost:
            await self.bench.tickets.resync_tenant(self.counter.who)
            await self._work_and_deliver()

    async def _work_and_deliver(self) -> None:
        for _ in range(200):
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

    async def judge(self) -> None:
        async with self.bench.database.read() as session:
            refs = (await session.scalars(select(RefRow))).all()
        for ref in refs:
            case = await self._case_of(ref)
            desk = next(desk for desk in self.desks if desk.vendor == ref.vendor)
            told = f"{ref.vendor} {ref.external_key}: case {case.status}, error {ref.last_error}"
            assert (ref.due_at, ref.lease_token) == (None, None), told
            if ref.last_error is not None:
                assert ref.dead_at is not None, told
                wanted = desk.maps.outbound[CaseStatus(case.status)]
                assert ref.last_error_kind != "TransitionRejected" or wanted in ref.last_error, told
                continue
            assert ref.external_id is not None, told
            issue = desk.issues[ref.external_id]
            meanings = self.meanings(desk, issue.status)
            told = f"{told}, ticket {issue.status}"
            assert not meanings or CaseStatus(case.status) in meanings, told
            detail = await self.bench.cases.get(self.counter.who, case.public_id)
            assert len(issue.comments) == len(detail.actions), told
        await self._nobody_moved_a_case_unasked()
        assert not self.violations, self.violations

    async def _nobody_moved_a_case_unasked(self) -> None:
        """Each change that came from a vendor has a human's move of that case's ticket to thank."""
        async with self.bench.database.read() as session:
            rows = await session.execute(
                select(TimelineRow, CaseRow.public_id, RefRow.external_id, ConnectorRow.vendor)
                .join(CaseRow, CaseRow.id == TimelineRow.case_id)
                .join(ConnectorRow, ConnectorRow.id == TimelineRow.connector_id)
                .join(
                    RefRow,
                    (RefRow.case_id == CaseRow.id) & (RefRow.connector_id == ConnectorRow.id),
                )
                .where(TimelineRow.kind == "status_changed")
            )
            changes = Tally(
                (vendor, number, str(row.detail["after"])) for row, _, number, vendor in rows
            )
        for (vendor, number, after), count in changes.items():
            desk = next(desk for desk in self.desks if desk.vendor == vendor)
            asked = sum(
                times
                for (at, ticket, native), times in self.moves.items()
                if (at, ticket) == (vendor, number)
                and CaseStatus(after) in self.meanings(desk, native)
            )
            assert count <= asked, f"{vendor} {number} moved its case to {after} unasked"

    async def nothing_old_matters(self) -> None:
        """Deliver old webhooks again, newest first: a case at rest stays at rest."""
        before = [(await self.counter.case(case)).status for case in self.cases]
        writes = [len(desk.writes()) for desk in self.desks]
        for body in self.sent[:-9:-1]:
            await self.bench.deliver(self.token, body)
        await self.bench.converge()
        assert [(await self.counter.case(case)).status for case in self.cases] == before
        assert [len(desk.writes()) for desk in self.desks] == writes

    def run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.runner.run(work)

    def tick(self) -> None:
        self.clock.advance(seconds=0.4)

    def pick(self, number: int) -> str:
        self.forget_next_tries()
        return self.cases[number % len(self.cases)]

    def forget_next_tries(self) -> None:
        """Somebody acted, so what waited may be tried at once."""
        self.not_before.clear()

    def move_ticket(self, which: int, number: int, status: int) -> None:
        desk = self.desks[which]
        if not desk.issues:
            return
        issue = desk.issues[sorted(desk.issues)[number % len(desk.issues)]]
        natives = [*desk.maps.inbound, EXOTIC]
        native = natives[status % len(natives)]
        if native != issue.status:
            self.moves[desk.vendor, issue.number, native] += 1
            desk.move(issue, native)

    def build_or_tear_down_a_wall(self, which: int, number: int) -> None:
        natives = sorted(set(self.desks[which].maps.outbound.values()))
        self.desks[which].walls ^= {natives[number % len(natives)]}

    def meanings(self, desk: Desk, native: str) -> tuple[CaseStatus, ...]:
        mapped = desk.maps.meanings_of(NativeStatus(name=native)) or ()
        images = (status for status, image in desk.maps.outbound.items() if image == native)
        return (*mapped, *images)

    async def deliver_one(self, which: int, number: int) -> None:
        post = self.desks[which].post
        if post:
            await self.deliver(post.pop(number % len(post)))

    async def deliver(self, body: bytes) -> None:
        self.forget_next_tries()
        if body not in self.sent:
            self.sent.append(body)
        answer = await self.bench.deliver(self.token, body)
        if answer.reason in {"connector_disabled", "unlinked_ticket"}:
            self.news_was_lost = True

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
                unseen = call.about in desk.unclear  # so that it may have moved since
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

    async def _case_of(self, ref: RefRow) -> CaseRow:
        async with self.bench.database.read() as session:
            return await session.get_one(CaseRow, ref.case_id)
