"""What the bridge knows of a ticket: values that plugins return, and events they recognise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from casebridge_core.cases import CaseStatus
from casebridge_core.signatures import InboxScheme


class StatusCategory(StrEnum):
    """The coarse meaning of a vendor's status, where the vendor tells it."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    DONE = "done"


class NativeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A status in the vendor's own vocabulary.

    ``name`` is what people read, ``id`` the vendor's stable code where it has one.
    """

    name: str
    id: str | None = None
    category: StatusCategory | None = None

    def matches(self, text: str) -> bool:
        """Tell whether ``text`` names this status, by id or by name, whatever the case."""
        wanted = text.strip().casefold()
        return wanted in {self.name.strip().casefold(), (self.id or self.name).strip().casefold()}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at the vendor. ``id`` is the vendor's stable account id or user name."""

    id: str
    name: str | None = None
    email: str | None = None


class TicketRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which ticket. ``external_id`` is stable for ever, ``key`` is what people call it."""

    external_id: str
    key: str
    url: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as the vendor holds it at this moment. ``updated_at`` is the vendor's clock, UTC."""

    ref: TicketRef
    status: NativeStatus
    correlation_key: str | None = None
    assignee: Person | None = None
    updated_at: datetime | None = None


class PushResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a push of a case came to.

    ``created`` is false when the ticket already existed and was adopted. ``notes`` are short
    sentences an analyst should know, such as "priority left out: not on the create screen".
    """

    ticket: Ticket
    created: bool = True
    notes: tuple[str, ...] = ()


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """The status to bring a ticket to: the case's, and ``native``, the vendor's name or id for it.

    ``forced`` asks the plugin to go past the vendor's transition graph as far as the vendor allows,
    for the ``reason`` that a person gave. ``case_id`` and ``deep_link`` say whose status it is, for
    vendors that want a note with a transition.
    """

    status: CaseStatus
    native: str
    reason: str = ""
    forced: bool = False
    case_id: str = ""
    deep_link: str = ""


class CommentRef(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's id of a comment that stands on a ticket."""

    external_id: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One authentic webhook request: header names in lower case, and the decoded JSON object."""

    headers: Mapping[str, str]
    payload: Mapping[str, Any]


class CommentAction(StrEnum):
    """What happened to a comment."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"


class InboundComment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment in an event.

    ``key`` is ours when the comment carries a projected comment's key, ``internal`` is None when
    the vendor does not tell, ``at`` is the vendor's clock in UTC.
    """

    external_id: str
    action: CommentAction
    text: str = ""
    author: Person | None = None
    at: datetime | None = None
    internal: bool | None = None
    key: str | None = None


class TicketEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What an inbound payload says, in the bridge's words. A field that is absent is not news.

    ``status`` is given only when this event may have changed it: an edited description says nothing
    about the status. ``assignee`` is UNSET when the event is silent, None when nobody is assigned.
    ``site`` is the host name (with port, if any) of the vendor's instance where the payload tells.
    ``occurred_at`` is the vendor's clock in UTC, ``delivery_id`` stays the same over retries.
    """

    vendor: str
    external_id: str
    key: str | None = None
    site: str | None = None
    status: NativeStatus | None = None
    assignee: Person | UnsetType | None = UNSET
    comments: tuple[InboundComment, ...] = ()
    deleted: bool = False
    actor: Person | None = None
    occurred_at: datetime | None = None
    delivery_id: str | None = None


class ChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of what changed at the vendor.

    ``next_page`` is opaque to the host and None on the last page.
    """

    events: tuple[TicketEvent, ...]
    next_page: str | None = None


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a connection check: what was looked at, whether it is well, and the cure if not.

    ``ok`` is None for a fact that is neither good nor bad.
    """

    name: str
    ok: bool | None
    detail: str
    cure: str = ""


class ConnectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection check found: the account the credential belongs to and its statuses."""

    lines: tuple[CheckLine, ...]
    account: Person | None = None
    statuses: tuple[NativeStatus, ...] = ()

    @property
    def ok(self) -> bool:
        """True when no line failed."""
        return all(line.ok is not False for line in self.lines)


class InboxAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor shall send its webhooks, and how they have to prove themselves.

    ``url`` ends in the public token id; with `InboxScheme.STATIC_URL` it goes on with
    ``/<secret>``, a placeholder that the vendor's admin replaces. With ``timestamp_required``,
    only a signature that covers a timestamp is taken.
    """

    url: str
    token_id: str
    scheme: InboxScheme = InboxScheme.SIGNATURE
    timestamp_required: bool = False
