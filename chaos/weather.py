"""The weather: it kills and freezes processes, cuts connections, and sets clocks."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from casebridge.persistence.database import Database
from casebridge_sandbox import Fault, FaultKind, WebhookFaults
from chaos.ledger import Ledger
from chaos.script import Act, What
from chaos.stage import Member, Stage
from tests.proxy import Moment

_CHANCES: Final[tuple[tuple[FaultKind, str, float, float], ...]] = (
    ("rate_limited", "any", 0.012, 0.0),
    ("status", "any", 0.015, 0.0),
    ("html_error", "any", 0.015, 0.0),
    ("html_ok", "any", 0.01, 0.0),
    ("truncated_json", "any", 0.01, 0.0),
    ("delay", "any", 0.03, 0.4),
    ("slow_answer", "any", 0.03, 0.8),
    ("slow_answer", "any", 0.01, 4.0),
    ("cut_before", "any", 0.015, 0.0),
    ("cut_after", "any", 0.02, 0.0),
    ("cut_midway", "any", 0.01, 0.0),
    ("stored_error", "any", 0.02, 0.0),
    ("unknown_outcome", "any", 0.015, 0.0),
    # success for nothing: tickets and their statuses are read back, comments are believed
    ("not_done", "create", 0.03, 0.0),
    ("not_done", "transition", 0.03, 0.0),
)
FAULTS: Final[tuple[Fault, ...]] = tuple(
    Fault(kind=kind, operation=operation, count=None, probability=chance, seconds=seconds)
    for kind, operation, chance, seconds in _CHANCES
)
"""What befalls the calls of a vendor's API."""
WEBHOOKS: Final = WebhookFaults(drop=0.08, double=0.1, reorder=0.1, delay_seconds=0.1)
"""What befalls the webhooks of both vendors."""
CLOCKS: Final = (-20, -3, 0, 0, 5, 90)
"""By how many seconds a vendor's clock is ahead of ours."""
_CALLS: Final = (
    "POST /rest/api/3/issue",
    "POST /rest/api/3/issue/",
    "GET /rest/api/3/issue/",
    "POST /api/now/table/incident",
    "PATCH /api/now/table/incident/",
    "GET /api/now/table/incident/",
)
_INBOX: Final = "POST /v1/inbox/itsm/"
_MOMENTS: Final[tuple[Moment, ...]] = ("before_send", "after_send", "in_answer")


class Weather:
    """What befalls the stage; each blow is over when its act returns."""

    def __init__(self, stage: Stage, ledger: Ledger, *, force: float = 1.0) -> None:
        """``force`` is how long everything lasts, 1 for longer than a lease now and then."""
        self._force = force
        self._stage = stage
        self._ledger = ledger
        self._at_risk = WEBHOOKS
        self._blows: dict[What, Callable[[Random], bool]] = {
            "kill service": lambda chance: self._kill(chance.choice(stage.services), chance),
            "kill worker": lambda chance: self._kill(chance.choice(stage.workers), chance),
            "freeze service": lambda chance: self._freeze(chance.choice(stage.services), chance),
            "freeze worker": lambda chance: self._freeze(chance.choice(stage.workers), chance),
            "freeze database": self._freeze_database,
            "lock database": self._lock_database,
            "end database sessions": self._end_sessions,
            "cut vendor": lambda chance: chance.choice(stage.vendors).proxy.cut() > 0,
            "cut inbox": self._cut_inbox,
            "cut a call": self._cut_a_call,
            "hold webhooks": self._hold,
            "set clock": self._set_clock,
        }

    def begin(self, seed: int, *, losing: bool = True) -> None:
        """Let every call and every webhook be at risk; webhooks get lost only where it says so."""
        self._at_risk = replace(WEBHOOKS, seed=seed, drop=WEBHOOKS.drop if losing else 0.0)
        for vendor in self._stage.vendors:
            control = vendor.served.control
            for fault in FAULTS:
                control.arm(
                    fault.kind,
                    fault.operation,
                    count=fault.count,
                    probability=fault.probability,
                    seconds=fault.seconds,
                )
            control.webhook_faults(self._at_risk)

    def end(self) -> None:
        """Let everything work again."""
        for vendor in self._stage.vendors:
            vendor.served.control.disarm()
            vendor.served.control.webhook_faults()
            vendor.served.control.release("shuffled")
            vendor.clock.set(0)
        self._stage.everybody_ready()

    def act(self, act: Act) -> None:
        """Do what an act says; one that has nothing to strike does nothing."""
        chance = act.chance
        if self._blows[act.what](chance):
            self._ledger.struck(act.what)

    def _last(self, chance: Random, least: float, most: float) -> None:
        """Let a blow last, in seconds."""
        time.sleep(self._force * chance.uniform(least, most))

    def _kill(self, member: Member, chance: Random) -> bool:
        """Kill a process as a power cut does, and start it again a moment later."""
        with _held(member) as mine:
            if not mine:
                return False
            member.program.kill()
            self._last(chance, 0.2, 2.0)
            member.program.start_again()
        return True

    def _freeze(self, member: Member, chance: Random) -> bool:
        """Stop a process where it is, for longer than a lease now and then."""
        with _held(member) as mine:
            if not mine:
                return False
            member.program.freeze()
            self._last(chance, 0.3, 7.0)
            member.program.thaw()
        return True

    def _freeze_database(self, chance: Random) -> bool:
        """Stop every process that serves a session, as a machine that swaps does."""
        server = self._stage.postgres.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        with _frozen([int(child) for child in children]):
            self._last(chance, 0.3, 3.0)
        return True

    def _lock_database(self, chance: Random) -> bool:
        """Hold the table that everybody needs."""

        async def hold(session: AsyncSession) -> None:
            await session.execute(text("LOCK TABLE cases IN ACCESS EXCLUSIVE MODE"))
            await asyncio.sleep(self._force * chance.uniform(0.3, 2.0))

        return asyncio.run(self._in_a_session(hold))

    def _end_sessions(self, chance: Random) -> bool:
        """End half of the sessions, in the middle of whatever they do."""

        async def end(session: AsyncSession) -> None:
            await session.execute(text(_END_SESSIONS), {"half": chance.randrange(2)})

        return asyncio.run(self._in_a_session(end))

    async def _in_a_session(self, work: Callable[[AsyncSession], Awaitable[None]]) -> bool:
        """Work in a session of its own, which another blow may end: then it strikes nothing."""
        database = Database(self._stage.database)
        try:
            async with database.write() as session:
                await work(session)
        except (SQLAlchemyError, OSError):
            return False
        finally:
            with suppress(SQLAlchemyError, OSError):
                await database.close()
        return True

    def _cut_inbox(self, chance: Random) -> bool:
        """Cut the next webhook: before it arrives, or before its answer does."""
        chance.choice(self._stage.inboxes).arm(_INBOX, chance.choice(_MOMENTS))
        return True

    def _cut_a_call(self, chance: Random) -> bool:
        """Cut the next call of some kind to each vendor."""
        for vendor in self._stage.vendors:
            vendor.proxy.arm(chance.choice(_CALLS), chance.choice(_MOMENTS))
        return True

    def _set_clock(self, chance: Random) -> bool:
        """Set a vendor's clock."""
        chance.choice(self._stage.vendors).clock.set(chance.choice(CLOCKS))
        return True

    def _hold(self, chance: Random) -> bool:
        """Keep a vendor's webhooks back for a while, and send them in another order."""
        vendor = chance.choice(self._stage.vendors)
        control = vendor.served.control
        control.webhook_faults(WebhookFaults(hold=True, double=WEBHOOKS.double))
        self._last(chance, 1.0, 4.0)
        control.webhook_faults(replace(self._at_risk, seed=chance.getrandbits(16)))
        control.release(chance.choice(("reversed", "shuffled")))
        return True


_END_SESSIONS: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid % 2 = :half
"""


@contextmanager
def _held(member: Member) -> Iterator[bool]:
    """Hold a process for one blow at a time; False when another is at it."""
    mine = member.lock.acquire(blocking=False)
    try:
        yield mine
    finally:
        if mine:
            member.lock.release()


@contextmanager
def _frozen(processes: list[int]) -> Iterator[None]:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
