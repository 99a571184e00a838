"""What a vendor remembers: people, tickets, comments, and history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import msgspec

__all__ = ("Change", "Comment", "HistoryEntry", "Link", "Person", "Ticket")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account at the vendor.

    Attributes:
        id: The vendor's stable id of the account.
        name: The login name.
        display_name: The name that people see.
        email: The address, or an empty string when the vendor hides it.
        admin: Whether the account is an administrator.
        active: Whether the account may log in.
    """

    id: str
    name: str
    display_name: str
    email: str = ""
    admin: bool = False
    active: bool = True


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a ticket that changed.

    Attributes:
        field: The field's name; ``status``, ``assignee``, ``project``, and ``key`` are common
            to all vendors.
        before: The value before; an id where the field has ids.
        before_text: The value before, as people read it.
        after: The value after; an id where the field has ids.
        after_text: The value after, as people read it.
    """

    field: str
    before: str | None = None
    before_text: str | None = None
    after: str | None = None
    after_text: str | None = None


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment on a ticket.

    Attributes:
        id: The vendor's id of the comment.
        author: Who wrote it.
        body: The text, or the vendor's document.
        created: When it was written.
        updated: When it was last edited.
        updated_by: Who edited it last.
        internal: Whether the customer must not see it.
        kind: The vendor's word for the sort of comment, for example ``work_notes``.
    """

    id: str
    author: Person
    body: object
    created: datetime
    updated: datetime
    updated_by: Person
    internal: bool = False
    kind: str = "comment"


@dataclass(slots=True, kw_only=True)
class Link:
    """A link from a ticket to a page elsewhere.

    Attributes:
        id: The vendor's id of the link.
        global_id: The id that the linking system chose; one link for each.
        url: Where it leads.
        title: What people see.
        content: The whole object as the caller sent it.
    """

    id: str
    global_id: str | None
    url: str
    title: str
    content: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class HistoryEntry:
    """A set of changes made at once.

    Attributes:
        id: The vendor's id of the entry.
        at: When.
        actor: Who.
        changes: What.
    """

    id: str
    at: datetime
    actor: Person
    changes: tuple[Change, ...]


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A ticket.

    Attributes:
        id: The vendor's id, which never changes.
        key: The name people use, which may change.
        project: The project, queue, or table it is in.
        type: The vendor's type of ticket.
        status: The id of its status.
        assignee: The id of the person who has it, or None.
        reporter: Who created it.
        created: When it was created.
        updated: When it last changed.
        updated_by: Who changed it last.
        fields: Every other field, as the vendor stores it.
        properties: Machine-readable values that people do not see.
        comments: Its comments, oldest first.
        links: Its links to pages elsewhere.
        history: Its changes, oldest first.
    """

    id: str
    key: str
    project: str
    type: str
    status: str
    reporter: Person
    created: datetime
    updated: datetime
    updated_by: Person
    assignee: str | None = None
    fields: dict[str, object] = field(default_factory=dict)
    properties: dict[str, object] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    history: list[HistoryEntry] = field(default_factory=list)

    def comment(self, comment_id: str) -> Comment | None:
        """Return the comment with an id, or None."""
        return next((comment for comment in self.comments if comment.id == comment_id), None)
