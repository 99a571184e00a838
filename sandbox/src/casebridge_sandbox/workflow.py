"""The statuses of a ticket and the edges between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

__all__ = ("Category", "Status", "Transition", "Workflow", "open_workflow")

Category = Literal["new", "active", "done"]
"""What a status means, whatever its name: not begun, under way, or finished."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A status of a workflow.

    Attributes:
        id: The vendor's id, a string.
        name: The name people see.
        category: What the status means.
    """

    id: str
    name: str
    category: Category


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """An edge of a workflow.

    Attributes:
        id: The vendor's id, a string.
        name: The name people see on the button; not the name of the target.
        to: The id of the status it leads to.
        sources: The ids of the statuses it can start from; None makes it global.
        screen: The fields a caller may set along with the transition.
        required: The fields of the screen that a caller must set.
        hidden_required: Fields that must be set although no listing says so, as a validator does.
    """

    id: str
    name: str
    to: str
    sources: tuple[str, ...] | None = None
    screen: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    hidden_required: tuple[str, ...] = ()

    def starts_at(self, status: str) -> bool:
        """Tell whether the transition is open from a status."""
        return self.sources is None or status in self.sources


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A graph of statuses.

    Attributes:
        statuses: Every status, in the order of a board.
        transitions: Every edge; several may lead to one status.
        initial: The id of the status of a new ticket.
    """

    statuses: tuple[Status, ...]
    transitions: tuple[Transition, ...]
    initial: str

    def status(self, id_or_name: str) -> Status | None:
        """Return the status with an id or a name (in any case), or None."""
        wanted = id_or_name.casefold()
        for status in self.statuses:
            if wanted in (status.id.casefold(), status.name.casefold()):
                return status
        return None

    def name_of(self, status: str) -> str:
        """Return a status's name, or the id itself when the workflow does not have it."""
        found = self.status(status)
        return found.name if found else status

    def open_from(self, status: str) -> tuple[Transition, ...]:
        """Return the transitions that start at a status."""
        return tuple(edge for edge in self.transitions if edge.starts_at(status))

    def edges(self, source: str, target: str) -> tuple[Transition, ...]:
        """Return the transitions from one status straight to another."""
        return tuple(edge for edge in self.open_from(source) if edge.to == target)


def open_workflow(statuses: Iterable[Status], *, initial: str) -> Workflow:
    """Return a workflow in which every status goes to every other.

    Args:
        statuses: The statuses; each gets one global transition of its own name,
            numbered 11, 21, 31, and so on.
        initial: The id of the status of a new ticket.
    """
    listed = tuple(statuses)
    edges = tuple(
        Transition(id=str(number * 10 + 1), name=status.name, to=status.id)
        for number, status in enumerate(listed, start=1)
    )
    return Workflow(statuses=listed, transitions=edges, initial=initial)
