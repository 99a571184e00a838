"""What was asked for and what was answered: the analysts' and the people's side of the story."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from itertools import count
from typing import Literal

import msgspec

OrderKind = Literal["create", "move", "contain", "comment", "force", "resync"]
DeedKind = Literal["go", "write", "rewrite", "unwrite", "assign", "rename", "delete"]


class Order(msgspec.Struct, kw_only=True):
    """What an analyst asked the API for.

    ``marker`` stands in the title, text or reason, and nowhere else. ``case`` is the case's id,
    empty for a create that nobody confirmed; ``status`` is the case status that was asked for.
    ``acknowledged_at`` is when a 2xx came, None for never: then it may have been done or not.
    """

    kind: OrderKind
    marker: str
    asked_at: datetime
    case: str = ""
    status: str | None = None
    summarised: bool = False
    acknowledged_at: datetime | None = None


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What a person did to a ticket at a vendor, between two moments of our clock.

    ``native`` is the status of a move, ``comment`` the vendor's id of a comment, ``key`` the
    correlation key of a ticket that was deleted.
    """

    kind: DeedKind
    vendor: str
    ticket: str
    began_at: datetime
    ended_at: datetime
    native: str | None = None
    comment: str | None = None
    key: str | None = None


class Ledger:
    """Written by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self.orders: list[Order] = []
        self.deeds: list[Deed] = []
        self.blows: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def order(
        self,
        kind: OrderKind,
        case: str = "",
        status: str | None = None,
        *,
        summarised: bool = False,
    ) -> Order:
        """Note that something is being asked for."""
        with self._lock:
            marker = f"chaos-{next(self._numbers):05}"
            order = Order(
                kind=kind,
                marker=marker,
                asked_at=now(),
                case=case,
                status=status,
                summarised=summarised,
            )
            self.orders.append(order)
        return order

    def did(self, deed: Deed) -> None:
        """Note what a person did."""
        with self._lock:
            self.deeds.append(deed)

    def struck(self, blow: str, times: int = 1) -> None:
        """Note a blow."""
        with self._lock:
            self.blows[blow] += times

    def was_refused(self, what: str) -> None:
        """Note that something was refused, as a vendor's workflow or a conflict does."""
        with self._lock:
            self.refused[what] += 1

    def cases(self) -> list[str]:
        """Return the ids of the cases that were acknowledged."""
        with self._lock:
            return [each.case for each in self.orders if each.kind == "create" and each.case]

    def comments_of(self, vendor: str) -> list[tuple[str, str]]:
        """Return the tickets and ids of the comments that people wrote at a vendor."""
        with self._lock:
            return [
                (deed.ticket, deed.comment)
                for deed in self.deeds
                if deed.vendor == vendor and deed.kind == "write" and deed.comment is not None
            ]


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
