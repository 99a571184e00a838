"""What the timeline says of one event: what changed, what it rests on, or why nothing changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from casebridge.domain.actors import TimelineKind
from casebridge.domain.decision import Reason
from casebridge.domain.inbound import Decision
from casebridge.persistence.cases import CaseRow
from casebridge.persistence.connectors import RefRow
from casebridge.services import timeline
from casebridge.services.timeline import Cause
from casebridge_core import Person, TicketEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where news comes from that no webhook told.

    ``actor`` is the label of its rows, ``words`` the text of the row that refers to the source.
    Only what the case takes over gets rows: most of what is read again and again is known.
    """

    actor: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Narration:
    """The lines about one event, for the caller to store; ``event_id`` is the stored webhook."""

    case: CaseRow
    ref: RefRow
    cause: Cause
    event_id: str | None
    origin: Origin | None
    lines: list[timeline.Line] = field(default_factory=list)

    def record(self, kind: TimelineKind, text: str, **detail: object) -> None:
        """Add a line."""
        self.lines.append(timeline.columns(self.case, self.cause, kind, text, detail))

    def refer(self) -> None:
        """Record what the rows before it rest on."""
        text = f"payload {self.event_id}" if self.event_id else "read from the ticket itself"
        if self.origin is not None:
            text = self.origin.words
        self.record(TimelineKind.INBOUND_PAYLOAD, text, event=self.event_id)

    def conclude(
        self,
        event: TicketEvent,
        decision: Decision,
        *,
        taken: bool,
        account: str | None,
        dismissed: bool,
    ) -> None:
        """Record what a change rests on, or why there is none.

        ``account`` is ours; ``dismissed`` says that somebody gave the status no meaning on purpose.
        """
        if decision.status.apply is not None or (self.origin is not None and taken):
            self.refer()
        elif self.origin is None and not taken and decision.whereabouts.is_there:
            what = f"is {event.status.name}" if event.status is not None else "changed"
            reason = Reason.OWN_WRITE if _is_ours(event, account) else decision.reason
            why = _DISMISSED if dismissed else in_words(reason)
            text = f"{self.ref.external_key} {what}: {why}"
            self.record(TimelineKind.INBOUND_IGNORED, text, reason=decision.reason)


def named(person: Person | None) -> str:
    """Return what people call somebody."""
    return (person.name or person.id) if person is not None else "somebody"


def in_words(reason: str | None) -> str:
    """Return why an event changed nothing, as an analyst reads it."""
    return _WORDS.get(reason, str(reason))


def _is_ours(event: TicketEvent, account: str | None) -> bool:
    """Tell whether the event only tells what the bridge itself did."""
    people = {person.id for person in (event.actor, *(c.author for c in event.comments)) if person}
    return people == {account}


_DISMISSED: Final = "this status means nothing for a case, as somebody has said"
_WORDS: Final[dict[str | None, str]] = {
    Reason.NO_STATUS: "nothing that the case takes over",
    Reason.STALE: "older than what is known",
    Reason.OWN_WRITE: "our own change coming back",
    Reason.PUSH_IN_FLIGHT: "our own change is under way, and the ticket is read after it",
    Reason.VERIFY_ASKED: "what came first cannot be told, so the ticket itself is read",
    Reason.LAST_KNOWN: "known already",
    Reason.ALREADY_THERE: "the case is there already",
    Reason.SUPERSEDED: "the case has moved since, and the ticket will follow",
    Reason.UNMAPPED: "this status has no meaning for the case yet; map it to take it over",
}
