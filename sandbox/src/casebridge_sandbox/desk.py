"""The desk: the only place that changes a ticket, and that tells the world of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import UNSET, UnsetType

from casebridge_sandbox.tickets import Change, Comment, HistoryEntry, Link, Person, Ticket

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock
    from casebridge_sandbox.numbering import IdSource

__all__ = ("Desk", "EventKind", "TicketEvent", "Wording")

EventKind = Literal[
    "created",
    "updated",
    "deleted",
    "moved",
    "comment_added",
    "comment_edited",
    "comment_deleted",
]
"""What happened to a ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEvent:
    """Something that happened to a ticket.

    Attributes:
        kind: What happened.
        ticket: The ticket, as it is now; for a deletion, as it was.
        actor: Who did it.
        at: When.
        changes: The fields that changed.
        comment: The comment, for the three kinds that have one.
        history_id: The id of the history entry, when there is one.
        cascade: Whether it is a consequence of another event, as the loss of a deleted
            ticket's comments is.
    """

    kind: EventKind
    ticket: Ticket
    actor: Person
    at: datetime
    changes: tuple[Change, ...] = ()
    comment: Comment | None = None
    history_id: str = ""
    cascade: bool = False


class Wording(Protocol):
    """How a vendor writes the value of a field into its history."""

    def wording(self, ticket: Ticket, field: str, value: object) -> tuple[str | None, str | None]:
        """Return the id and the text of a value; either may be None."""
        ...


class Desk:
    """People and tickets, in memory.

    Args:
        clock: Where the time stamps come from.
        ids: Where ids come from.
        wording: How values read in the history.
        publish: What to call with every event.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        ids: IdSource,
        wording: Wording,
        publish: Callable[[TicketEvent], None],
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._wording = wording
        self._publish = publish
        self._revision = 0
        self._muted = False
        self.people: dict[str, Person] = {}
        self.tickets: dict[str, Ticket] = {}
        self._next_number: dict[str, int] = {}

    @property
    def revision(self) -> int:
        """A number that grows with every change, for pages that watch."""
        return self._revision

    def enrol(self, people: Iterable[Person]) -> None:
        """Add people, replacing those with the same id."""
        self.people.update({person.id: person for person in people})

    def person(self, reference: str) -> Person | None:
        """Return the person with an id, login name, display name, or address; or None."""
        found = self.people.get(reference)
        if found:
            return found
        wanted = reference.casefold()
        for person in self.people.values():
            if wanted in (
                person.name.casefold(),
                person.display_name.casefold(),
                person.email.casefold() or None,
            ):
                return person
        return None

    def find(self, id_or_key: str) -> Ticket | None:
        """Return the ticket with an id or a key (in any case), or None."""
        found = self.tickets.get(id_or_key)
        if found:
            return found
        wanted = id_or_key.upper()
        return next((each for each in self.tickets.values() if each.key.upper() == wanted), None)

    def next_number(self, project: str) -> int:
        """Return the next number in a project, beginning with 1."""
        number = self._next_number.get(project, 0) + 1
        self._next_number[project] = number
        return number

    def create(  # noqa: PLR0913 - a ticket has that many parts
        self,
        actor: Person,
        *,
        key: str,
        project: str,
        type_: str,
        status: str,
        fields: Mapping[str, object],
        assignee: str | None = None,
        reporter: Person | None = None,
        ticket_id: str | None = None,
    ) -> Ticket:
        """Add a ticket and publish it."""
        now = self._clock()
        ticket = Ticket(
            id=ticket_id or self._ids.next_id("ticket"),
            key=key,
            project=project,
            type=type_,
            status=status,
            assignee=assignee,
            reporter=reporter or actor,
            created=now,
            updated=now,
            updated_by=actor,
            fields=dict(fields),
        )
        self.tickets[ticket.id] = ticket
        _, status_text = self._wording.wording(ticket, "status", status)
        first = Change(field="status", after=status, after_text=status_text)
        self._tell("created", ticket, actor, changes=(first,))
        return ticket

    def update(
        self,
        ticket: Ticket,
        actor: Person,
        *,
        status: str | None = None,
        assignee: str | UnsetType | None = UNSET,
        fields: Mapping[str, object] | None = None,
    ) -> tuple[Change, ...]:
        """Change a ticket at once and publish what changed.

        Args:
            ticket: The ticket.
            actor: Who changes it.
            status: The id of the new status, if it changes.
            assignee: The id of the new assignee, None to take it from everybody.
            fields: New values of other fields; None removes one.

        Returns:
            What changed; empty, and nothing published, when all was so before.
        """
        changes = []
        for name, value in (fields or {}).items():
            before = ticket.fields.get(name)
            if before == value:
                continue
            changes.append(self._change(ticket, name, before, value))
            if value is None:
                ticket.fields.pop(name, None)
            else:
                ticket.fields[name] = value
        if not isinstance(assignee, UnsetType) and assignee != ticket.assignee:
            changes.append(self._change(ticket, "assignee", ticket.assignee, assignee))
            ticket.assignee = assignee
        if status is not None and status != ticket.status:
            changes.append(self._change(ticket, "status", ticket.status, status))
            ticket.status = status
        if not changes:
            return ()
        self._record("updated", ticket, actor, tuple(changes))
        return tuple(changes)

    def rename(self, ticket: Ticket, actor: Person, *, project: str, key: str) -> None:
        """Move a ticket to another project, which changes its key but not its id."""
        changes = (
            Change(
                field="project",
                before=ticket.project,
                before_text=ticket.project,
                after=project,
                after_text=project,
            ),
            Change(field="key", before_text=ticket.key, after_text=key),
        )
        ticket.project, ticket.key = project, key
        self._record("moved", ticket, actor, changes)

    def delete(self, ticket: Ticket, actor: Person) -> None:
        """Remove a ticket, publish that, and then the loss of its comments."""
        del self.tickets[ticket.id]
        self._tell("deleted", ticket, actor)
        for comment in ticket.comments:
            self._tell("comment_deleted", ticket, actor, comment=comment, cascade=True)

    def comment(
        self,
        ticket: Ticket,
        actor: Person,
        body: object,
        *,
        internal: bool = False,
        kind: str = "comment",
    ) -> Comment:
        """Add a comment and publish it."""
        now = self._clock()
        comment = Comment(
            id=self._ids.next_id("comment"),
            author=actor,
            body=body,
            created=now,
            updated=now,
            updated_by=actor,
            internal=internal,
            kind=kind,
        )
        ticket.comments.append(comment)
        self._touch(ticket, actor)
        self._tell("comment_added", ticket, actor, comment=comment)
        return comment

    def edit_comment(self, ticket: Ticket, actor: Person, comment: Comment, body: object) -> None:
        """Replace the text of a comment and publish it."""
        comment.body = body
        comment.updated, comment.updated_by = self._clock(), actor
        self._touch(ticket, actor)
        self._tell("comment_edited", ticket, actor, comment=comment)

    def delete_comment(self, ticket: Ticket, actor: Person, comment: Comment) -> None:
        """Remove a comment and publish it."""
        ticket.comments.remove(comment)
        self._touch(ticket, actor)
        self._tell("comment_deleted", ticket, actor, comment=comment)

    def link(
        self,
        ticket: Ticket,
        *,
        global_id: str | None,
        url: str,
        title: str,
        content: dict[str, object],
    ) -> tuple[Link, bool]:
        """Add a link, or replace the one with the same global id.

        Returns:
            The link, and whether it is new.
        """
        self._revision += 1
        for link in ticket.links:
            if global_id is not None and link.global_id == global_id:
                link.url, link.title, link.content = url, title, content
                return link, False
        link = Link(
            id=self._ids.next_id("link"),
            global_id=global_id,
            url=url,
            title=title,
            content=content,
        )
        ticket.links.append(link)
        return link, True

    def rehearse(self, work: Callable[[], object]) -> None:
        """Do some work and then undo it, publishing nothing: an answer without the deed."""
        kept = copy.deepcopy(self.tickets), dict(self._next_number)
        self._muted = True
        try:
            work()
        finally:
            self._muted = False
            self.tickets, self._next_number = kept

    def _change(self, ticket: Ticket, field: str, before: object, after: object) -> Change:
        before_id, before_text = self._wording.wording(ticket, field, before)
        after_id, after_text = self._wording.wording(ticket, field, after)
        return Change(
            field=field,
            before=before_id,
            before_text=before_text,
            after=after_id,
            after_text=after_text,
        )

    def _record(
        self, kind: EventKind, ticket: Ticket, actor: Person, changes: tuple[Change, ...]
    ) -> None:
        self._touch(ticket, actor)
        entry = HistoryEntry(
            id=self._ids.next_id("history"), at=ticket.updated, actor=actor, changes=changes
        )
        ticket.history.append(entry)
        self._tell(kind, ticket, actor, changes=changes, history_id=entry.id)

    def _touch(self, ticket: Ticket, actor: Person) -> None:
        ticket.updated, ticket.updated_by = self._clock(), actor

    def _tell(
        self,
        kind: EventKind,
        ticket: Ticket,
        actor: Person,
        *,
        changes: tuple[Change, ...] = (),
        comment: Comment | None = None,
        history_id: str = "",
        cascade: bool = False,
    ) -> None:
        if self._muted:
            return
        self._revision += 1
        self._publish(
            TicketEvent(
                kind=kind,
                ticket=ticket,
                actor=actor,
                at=self._clock(),
                changes=changes,
                comment=comment,
                history_id=history_id,
                cascade=cascade,
            )
        )
