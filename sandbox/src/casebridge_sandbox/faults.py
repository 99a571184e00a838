"""Faults of the vendor's API: what they are, and when one strikes."""

from __future__ import annotations

from random import Random
from typing import Literal

import msgspec

__all__ = ("Fault", "FaultKind", "FaultPlan")

FaultKind = Literal[
    "status",
    "rate_limited",
    "html_error",
    "html_ok",
    "truncated_json",
    "delay",
    "slow_answer",
    "cut_before",
    "cut_after",
    "cut_midway",
    "stored_error",
    "not_done",
    "unknown_outcome",
    "result_and_error",
]
"""What goes wrong.

=================== ================ ==========================================================
kind                work done        what the caller sees
=================== ================ ==========================================================
``status``          no               ``status``, ``body``, and ``headers`` of the fault
``rate_limited``    no               429 with the vendor's headers and ``retry_after``
``html_error``      no               the vendor's HTML page for an error
``html_ok``         no               an HTML page with status 200
``truncated_json``  yes              half of the JSON, with a fitting length
``delay``           yes, late        the right answer after ``seconds``
``slow_answer``     yes, at once     the right answer after ``seconds``
``cut_before``      no               the connection closes without an answer
``cut_after``       yes              the connection closes without an answer
``cut_midway``      yes              the connection closes in the middle of the body
``stored_error``    yes              ``status``, 500 unless given
``not_done``        no               the answer of success
``unknown_outcome`` by a seeded coin the connection closes without an answer
``result_and_error`` yes             the answer with an error beside it (ServiceNow)
=================== ================ ==========================================================
"""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault that waits for its operation.

    Attributes:
        kind: What goes wrong.
        operation: The name of the operation it strikes, or ``"any"``.
        count: How often it strikes; None for always.
        skip: How many matching calls pass before the first strike.
        probability: The chance that a matching call is struck, from 0 to 1.
        status: The status code, for the kinds that have one.
        body: The body; an object is sent as JSON, a string as it stands.
        headers: More headers of the answer.
        retry_after: What a 429 tells the caller to wait, in seconds.
        seconds: How long a delay takes, in seconds.
    """

    kind: FaultKind
    operation: str = "any"
    count: int | None = 1
    skip: int = 0
    probability: float = 1.0
    status: int | None = None
    body: object = None
    headers: dict[str, str] = {}
    retry_after: int = 1
    seconds: float = 0.0


class _Armed:
    """A fault with what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.count
        self.skip = fault.skip


class FaultPlan:
    """The armed faults, in the order in which they were armed.

    Args:
        seed: What the chances are drawn from, so that a run can be repeated.
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable chance, not a secret
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault) -> None:
        """Let a fault wait for its operation."""
        self._armed.append(_Armed(fault))

    def disarm(self) -> None:
        """Forget every fault."""
        self._armed.clear()

    def armed(self) -> list[Fault]:
        """Return the faults that can still strike, with the counts that are left."""
        return [
            msgspec.structs.replace(each.fault, count=each.left, skip=each.skip)
            for each in self._armed
        ]

    def draw(self, operation: str) -> Fault | None:
        """Return the fault that strikes a call of an operation, or None.

        The first that matches strikes; one whose chance fails lets the next try.
        """
        for each in self._armed:
            if each.fault.operation not in ("any", operation):
                continue
            if each.skip > 0:
                each.skip -= 1
                continue
            if self._random.random() >= each.fault.probability:
                continue
            if each.left is not None:
                each.left -= 1
                if each.left <= 0:
                    self._armed.remove(each)
            return each.fault
        return None

    def coin(self) -> bool:
        """Return a seeded yes or no."""
        return self._random.random() < 0.5  # noqa: PLR2004 - a fair coin
