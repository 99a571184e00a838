"""Tickets of a vendor in memory, what people write on them, and the calls that it received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from casebridge_core import Person


@dataclass
class Note:
    """A human's comment as the vendor stores it."""

    number: str
    text: str
    deleted: bool = False


@dataclass
class Issue:
    """A ticket as the vendor stores it; ``comments`` are the keys of ours, ``notes`` humans'."""

    number: str
    correlation_key: str
    status: str
    stored_at: datetime
    updated_at: datetime
    comments: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    assignee: Person | None = None
    project: str = "T"

    @property
    def key(self) -> str:
        """What people call it, in the project where it is."""
        return f"{self.project}-{self.number}"


@dataclass(frozen=True)
class Call:
    """One call that the vendor received; ``about`` is a correlation key or a ticket's number."""

    operation: str
    about: str
    at: datetime
    native: str = ""
