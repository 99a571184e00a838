"""Vendors in memory, whose every failure and every webhook is in the test's hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum, auto
from typing import Any, Final, TypeVar

import msgspec

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    ChangePage,
    CommentAction,
    Connector,
    InboundComment,
    NativeStatus,
    OutcomeUnknown,
    Person,
    RateLimited,
    StatusChange,
    StatusMap,
    Ticket,
    TicketEvent,
    TicketNotFound,
    TicketRef,
    TransitionRejected,
    VendorUnavailable,
)
from tests.fanout.issues import Call, Issue, Note

ResultT = TypeVar("ResultT")
Action = Callable[[], Awaitable[object]]

US: Final = Person(id="bridge", name="Casebridge")
ADA: Final = Person(id="ada", name="Ada Analyst")
BEN: Final = Person(id="ben", name="Ben Responder")
QUIET_SECONDS: Final = 90.0
SLOW_SECONDS: Final = 20.0
_WRITES: Final = frozenset({"create", "transition", "comment"})


class WorkerDied(BaseException):
    """The process ends here: nothing after this is run, and the claim is not given back."""


class Trouble(StrEnum):
    """What goes wrong in one call."""

    UNAVAILABLE = auto()
    LIMITED = auto()
    REFUSED_CREDENTIAL = auto()
    STORED_AND_LOST = auto()
    STORED_LATE_AND_LOST = auto()
    BROKEN_OFF_ON_THE_WAY = auto()
    IGNORED = auto()
    DEATH_BEFORE = auto()
    DEATH_AFTER = auto()


class Clock:
    """A time of day that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move the clock forward, by keywords such as ``minutes=5``."""
        self.now += timedelta(**by)


@dataclass
class Desk:
    """A vendor. ``path`` are its statuses in the order of its workflow, one hop after the other.

    A status behind a wall cannot be entered by the bridge. ``unclear`` are the tickets of which the
    bridge has not seen what its last push came to. A fresh ticket is hidden from a search
    for ``hidden_for``; the vendor's clock has the resolution ``grain`` and is ``ahead`` of ours. A
    list of changes has ``page_size`` tickets a page, and shows those in ``lagging`` as they were.
    """

    vendor: str
    clock: Clock
    maps: StatusMap
    path: tuple[str, ...]
    names_actor: bool = True
    hidden_for: timedelta = timedelta(seconds=25)
    grain: timedelta = timedelta(microseconds=1)
    ahead: timedelta = timedelta(0)
    call_seconds: float = 0.4
    page_size: int = 2
    lagging: dict[str, Issue] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)
    deleted: list[Issue] = field(default_factory=list)
    walls: set[str] = field(default_factory=set)
    troubles: dict[str, list[Trouble]] = field(default_factory=dict)
    post: list[bytes] = field(default_factory=list)
    from_the_future: list[bytes] = field(default_factory=list)
    told: int = 0
    unclear: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    before_work: list[Action] = field(default_factory=list)
    after_work: list[Action] = field(default_factory=list)
    watch: Callable[[Call], Awaitable[None]] | None = None
    on_call: Callable[[Connector[Any], str], Awaitable[None]] | None = None

    def arm(self, operation: str, *troubles: Trouble) -> None:
        """Let the next calls of an operation go wrong, one after the other."""
        self.troubles.setdefault(operation, []).extend(troubles)

    def disarm(self) -> None:
        """Forget what was to go wrong."""
        self.troubles.clear()

    def writes(self, *operations: str) -> list[Call]:
        """Return the calls that were to change something, oldest first."""
        return [call for call in self.calls if call.operation in (operations or _WRITES)]

    def of_key(self, correlation_key: str) -> list[Issue]:
        """Return every ticket that ever carried a key."""
        every = (*self.issues.values(), *self.deleted)
        return [issue for issue in every if issue.correlation_key == correlation_key]

    def move(self, issue: Issue, native: str, by: Person = ADA) -> None:
        """Move a ticket, and put the news of it into the post."""
        issue.status = native
        issue.updated_at = self._moment()
        self._tell(issue, by, status=self._native(native))

    def delete(self, issue: Issue) -> None:
        """Delete a ticket, and put the news of it into the post."""
        self.deleted.append(self.issues.pop(issue.number))
        issue.updated_at = self._moment()
        self._tell(issue, ADA, deleted=True)

    def assign(self, issue: Issue, person: Person | None) -> None:
        """Give a ticket to somebody, and put the news of it into the post."""
        issue.assignee, issue.updated_at = person, self._moment()
        self._tell(issue, ADA, assignee=person)

    def rename(self, issue: Issue) -> None:
        """Move a ticket to another project, and put the news of it into the post."""
        issue.project, issue.updated_at = issue.project + "X", self._moment()
        self._tell(issue, ADA)

    def note(self, issue: Issue, action: CommentAction) -> None:
        """Let a human write a comment, or edit or delete the newest one; put it into the post."""
        alive = [note for note in issue.notes if not note.deleted]
        self.told += 1
        if action is CommentAction.CREATED or not alive:
            action = CommentAction.CREATED
            note = Note(f"{issue.number}-n{len(issue.notes)}", f"text {self.told:05}")
            issue.notes.append(note)
        elif action is CommentAction.EDITED:
            note = alive[-1]
            note.text = f"text {self.told:05}"
        else:
            note = alive[-1]
            note.deleted = True
        issue.updated_at = self._moment()
        comment = InboundComment(
            external_id=note.number,
            action=action,
            text=note.text,
            author=ADA,
            at=issue.updated_at,
        )
        self._tell(issue, ADA, comments=(comment,))

    async def call(
        self,
        connector: Connector[Any],
        operation: str,
        about: str,
        work: Callable[[Trouble | None], ResultT],
        *,
        native: str = "",
    ) -> ResultT:
        """Do what a call asks for, unless something goes wrong; a call takes ``call_seconds``."""
        self.clock.advance(seconds=self.call_seconds)
        call = Call(operation, about, self.clock(), native)
        self.calls.append(call)
        if self.watch is not None:
            await self.watch(call)
        if self.on_call is not None:
            await self.on_call(connector, operation)
        self.unclear |= {about} if operation == "transition" else set()
        waiting = self.troubles.get(operation)
        trouble = waiting.pop(0) if waiting else None
        self._fail_before(trouble)
        await _run(self.before_work)
        result = work(trouble)
        await _run(self.after_work)
        self._fail_after(trouble)
        self.unclear -= {about} if operation == "transition" else set()
        return result

    def create(self, projection: CaseProjection, status: str) -> Issue:
        """Store a ticket."""
        number = str(len(self.issues) + len(self.deleted) + 1)
        now = self._moment()
        issue = Issue(number, projection.correlation_key, status, self.clock(), now)
        self.issues[number] = issue
        self._tell(issue, US, status=self._native(status))
        return issue

    def transition(self, issue: Issue, change: StatusChange, trouble: Trouble | None) -> None:
        """Walk a ticket to a status, hop by hop; a wall stops it where it is."""
        if trouble is Trouble.IGNORED:
            return
        if change.native in self.walls and not change.forced:
            msg = f"{issue.number} cannot go to {change.native}"
            raise TransitionRejected(msg)
        way = self._way(issue.status, change.native)
        broken_off = trouble is Trouble.BROKEN_OFF_ON_THE_WAY
        for native in way[:-1] if broken_off else way:
            self.move(issue, native, US)
        if broken_off:
            msg = f"{self.vendor} is down"
            raise VendorUnavailable(msg)

    def find(self, correlation_key: str) -> tuple[Ticket, ...]:
        """Search as the vendor does: a fresh ticket is not in the index yet."""
        return tuple(
            self.shown(issue)
            for issue in self.issues.values()
            if issue.correlation_key == correlation_key
            and self.clock() - issue.stored_at >= self.hidden_for
        )

    def changes(self, since: datetime, page: str | None) -> ChangePage:
        """List the tickets that changed since a moment, oldest change first."""
        shown = {**self.issues, **self.lagging}
        found = sorted(
            (issue for issue in shown.values() if issue.updated_at >= since),
            key=lambda issue: (issue.updated_at, issue.number),
        )
        start = int(page or 0)
        end = start + self.page_size
        return ChangePage(
            events=tuple(
                TicketEvent(
                    vendor=self.vendor,
                    external_id=issue.number,
                    key=f"T-{issue.number}",
                    status=self._native(issue.status),
                    occurred_at=issue.updated_at,
                )
                for issue in found[start:end]
            ),
            next_page=str(end) if end < len(found) else None,
        )

    def get(self, number: str) -> Issue:
        """Return a ticket; raises `TicketNotFound`."""
        if number not in self.issues:
            msg = f"there is no ticket {number}"
            raise TicketNotFound(msg)
        return self.issues[number]

    def shown(self, issue: Issue) -> Ticket:
        """Return a ticket in the contract's words."""
        url = f"https://{self.vendor}.example/{issue.number}"
        return Ticket(
            ref=TicketRef(external_id=issue.number, key=issue.key, url=url),
            status=self._native(issue.status),
            correlation_key=issue.correlation_key,
            assignee=issue.assignee,
            updated_at=issue.updated_at,
        )

    def _way(self, start: str, end: str) -> list[str]:
        if start == end:
            return []
        if start not in self.path or end not in self.path:
            return [end]
        first, last = self.path.index(start), self.path.index(end)
        if first < last:
            return list(self.path[first + 1 : last + 1])
        return list(self.path[last:first][::-1])

    def _native(self, name: str) -> NativeStatus:
        return NativeStatus(name=name)

    def _moment(self) -> datetime:
        now = self.clock() + self.ahead
        return now - (now - datetime(2026, 1, 1, tzinfo=UTC)) % self.grain

    def _tell(self, issue: Issue, by: Person, **fields: Any) -> None:
        self.told += 1
        event = TicketEvent(
            vendor=self.vendor,
            external_id=issue.number,
            key=issue.key,
            actor=by if self.names_actor else None,
            occurred_at=issue.updated_at,
            delivery_id=f"{self.vendor}-{self.told}",
            **fields,
        )
        self.post.append(msgspec.json.encode({self.vendor: event}))
        self.from_the_future += self.post[-1:] if self.ahead else []

    def _fail_before(self, trouble: Trouble | None) -> None:
        if trouble is Trouble.UNAVAILABLE:
            msg = f"could not connect to {self.vendor}"
            raise VendorUnavailable(msg)
        if trouble is Trouble.LIMITED:
            msg = f"{self.vendor} asks to wait"
            raise RateLimited(msg, retry_after=QUIET_SECONDS)
        if trouble is Trouble.REFUSED_CREDENTIAL:
            msg = f"{self.vendor} refuses the credential"
            raise AuthenticationFailed(msg)
        if trouble is Trouble.DEATH_BEFORE:
            raise WorkerDied
        if trouble is Trouble.STORED_LATE_AND_LOST:
            self.clock.advance(seconds=SLOW_SECONDS)

    def _fail_after(self, trouble: Trouble | None) -> None:
        if trouble in {Trouble.STORED_AND_LOST, Trouble.STORED_LATE_AND_LOST}:
            msg = f"{self.vendor} broke off"
            raise OutcomeUnknown(msg)
        if trouble is Trouble.DEATH_AFTER:
            raise WorkerDied


async def _run(actions: list[Action]) -> None:
    while actions:
        await actions.pop(0)()
