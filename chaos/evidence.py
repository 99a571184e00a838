"""What is known when all is over, as plain values, against which the invariants are held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chaos.ledger import Deed, Order


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment on a ticket; ``ours`` is whether the bridge wrote it."""

    text: str
    ours: bool


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a ticket's status, from the vendor's own history."""

    to: str
    ours: bool
    at: datetime


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it stands at its vendor; ``key`` is its correlation key, if it carries one.

    ``listed`` is whether the vendor's list of changes shows it, which it does not once somebody has
    moved it out of the connector's project.
    """

    vendor: str
    id: str
    name: str
    key: str | None
    status: str
    assignee: str | None
    listed: bool = True
    comments: tuple[Comment, ...] = ()
    moves: tuple[Move, ...] = ()


class Ref(msgspec.Struct, frozen=True, kw_only=True):
    """What the bridge knows of a case's ticket. ``error`` is in words."""

    vendor: str
    key: str
    ticket: str | None
    name: str | None
    assignee: str | None
    due: bool = False
    leased: bool = False
    dead: bool = False
    gone: bool = False
    error: str | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a timeline. ``vendor`` is that of its connector, if it has one."""

    number: int
    at: datetime
    kind: str
    actor: str
    text: str
    vendor: str | None = None
    event: int | None = None
    detail: Mapping[str, Any] = {}


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """An annotation: a person's comment, kept with the case."""

    vendor: str
    text: str
    deleted: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case with everything about it; ``rows`` are in order, ``actions`` contained it."""

    id: str
    title: str
    status: str
    refs: tuple[Ref, ...] = ()
    rows: tuple[Row, ...] = ()
    actions: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was answered with a 2xx: the ticket's name, and the event that was named."""

    vendor: str
    ticket: str
    event: str


class VendorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a whole vendor.

    ``meanings`` are the case statuses that each native status can stand for, ``outbound`` the
    native status of each case status. ``clock_went_back`` makes the order of edits unknowable.
    """

    meanings: Mapping[str, Sequence[str]]
    unmapped: Sequence[str] = ()
    clock_went_back: bool = False


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known.

    ``stored`` are the ids of the events that were kept, ``earlier`` digests of rows of timelines by
    their number as they were seen during the storm, and ``rows`` the same at its end.
    """

    vendors: Mapping[str, VendorFacts]
    cases: Sequence[Case] = ()
    tickets: Sequence[Ticket] = ()
    orders: Sequence[Order] = ()
    deeds: Sequence[Deed] = ()
    deliveries: Sequence[Delivery] = ()
    stored: frozenset[str] = frozenset()
    earlier: Mapping[int, str] = {}
    rows: Mapping[int, str] = {}
