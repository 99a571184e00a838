"""What goes over the wire between a test and the control API."""

from __future__ import annotations

from datetime import datetime

import msgspec

from casebridge_sandbox.tickets import Change
from casebridge_sandbox.webhooks import ReleaseOrder
from casebridge_sandbox.workflow import Category

__all__ = (
    "AboutSandbox",
    "AssignOrder",
    "ClockOrder",
    "CommentEdit",
    "CommentOrder",
    "CommentView",
    "CreateOrder",
    "DeleteOrder",
    "EditOrder",
    "EndpointView",
    "HeldOrder",
    "HistoryView",
    "IdleView",
    "LinkView",
    "MoveOrder",
    "RenameOrder",
    "TicketView",
    "WebhooksView",
)


class CommentView(msgspec.Struct, frozen=True, kw_only=True):
    """A comment.

    Attributes:
        id: The vendor's id.
        author: The author's display name.
        author_id: The vendor's id of the author.
        text: The comment as plain text.
        internal: Whether the customer must not see it.
        kind: The vendor's word for the sort of comment.
        created: When it was written, in UTC.
        updated: When it was last edited, in UTC.
    """

    id: str
    author: str
    author_id: str
    text: str
    internal: bool
    kind: str
    created: datetime
    updated: datetime


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link to a page elsewhere.

    Attributes:
        id: The vendor's id.
        global_id: The id that the linking system chose.
        url: Where it leads.
        title: What people see.
    """

    id: str
    global_id: str | None
    url: str
    title: str


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """Changes that were made at once.

    Attributes:
        id: The vendor's id.
        at: When, in UTC.
        actor: The display name of who made them.
        changes: What changed.
    """

    id: str
    at: datetime
    actor: str
    changes: tuple[Change, ...]


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with everything about it.

    Attributes:
        id: The vendor's id, which never changes.
        key: The name people use.
        project: The project or table.
        type: The vendor's type.
        url: The address of its page.
        summary: The one-line summary.
        description: The description as plain text.
        status: The name of the status.
        status_id: The id of the status.
        category: What the status means.
        assignee: The display name of the assignee, or None.
        reporter: The display name of who created it.
        created: When it was created, in UTC.
        updated: When it last changed, in UTC.
        updated_by: The display name of who changed it last.
        fields: Every other field, as the vendor stores it.
        properties: Machine-readable values.
        comments: The comments, oldest first.
        links: The links.
        history: The changes, oldest first.
    """

    id: str
    key: str
    project: str
    type: str
    url: str
    summary: str
    description: str
    status: str
    status_id: str
    category: Category
    assignee: str | None
    reporter: str
    created: datetime
    updated: datetime
    updated_by: str
    fields: dict[str, object]
    properties: dict[str, object]
    comments: tuple[CommentView, ...]
    links: tuple[LinkView, ...]
    history: tuple[HistoryView, ...]


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint without its secret.

    Attributes:
        id: The id.
        url: The address.
        signed: Whether it has a secret.
        token_id: The public id sent along.
        events: The events sent; none means all.
        projects: The projects or tables; none means all.
    """

    id: str
    url: str
    signed: bool
    token_id: str | None
    events: tuple[str, ...]
    projects: tuple[str, ...]


class WebhooksView(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the outgoing messages.

    Attributes:
        endpoints: Where they go.
        pending: How many are under way or wait for a retry.
        held: How many are kept back.
    """

    endpoints: tuple[EndpointView, ...]
    pending: int
    held: int


class AboutSandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What is being served.

    Attributes:
        vendor: The short name.
        title: The name of the pages.
        base_url: The address to configure an integration with.
        presets: The names of the scenario presets.
        operations: The names of the operations that faults can strike.
        people: The display names of the accounts.
        revision: A number that grows with every change.
    """

    vendor: str
    title: str
    base_url: str
    presets: tuple[str, ...]
    operations: tuple[str, ...]
    people: tuple[str, ...]
    revision: int


class IdleView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the delivery queue is empty.

    Attributes:
        idle: Whether it is.
        pending: How many messages are left.
    """

    idle: bool
    pending: int


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something a named person does; the first of the scenario's people unless named."""

    by: str | None = None


class CreateOrder(_Order, frozen=True, kw_only=True):
    """Create a ticket by hand."""

    summary: str
    description: str = ""
    project: str | None = None
    fields: dict[str, object] = {}


class MoveOrder(_Order, frozen=True, kw_only=True):
    """Move a ticket to a status."""

    status: str
    fields: dict[str, object] = {}
    force: bool = False


class AssignOrder(_Order, frozen=True, kw_only=True):
    """Give a ticket to a person, or to nobody."""

    to: str | None


class EditOrder(_Order, frozen=True, kw_only=True):
    """Change other fields of a ticket."""

    fields: dict[str, object]


class CommentOrder(_Order, frozen=True, kw_only=True):
    """Comment on a ticket."""

    text: str
    internal: bool = False


class CommentEdit(_Order, frozen=True, kw_only=True):
    """Replace the text of a comment."""

    text: str


class DeleteOrder(_Order, frozen=True, kw_only=True):
    """Delete a ticket or a comment."""


class RenameOrder(_Order, frozen=True, kw_only=True):
    """Move a ticket to another project."""

    project: str


class ClockOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Move the clock forward, in seconds."""

    advance_seconds: float


class HeldOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Release held messages."""

    order: ReleaseOrder = "sent"
