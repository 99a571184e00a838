"""What must hold of every case when all is calm again, whatever happened before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from chaos.evidence import Evidence
from chaos.invariants.case_files import CaseFile, case_files
from chaos.invariants.moves import moves_were_asked_for, pushes_are_few
from chaos.invariants.records import (
    events_were_kept,
    nothing_is_left,
    orders_were_kept,
    rows_were_only_added,
    timeline_is_complete,
)
from chaos.invariants.tickets import (
    comments_stand_once,
    notes_are_what_people_wrote,
    one_ticket_each,
    tickets_agree,
)
from chaos.invariants.violations import Kind, Violation

__all__ = ("Kind", "Violation", "check")

_OF_A_CASE: Final[tuple[Callable[[CaseFile], Iterator[Violation]], ...]] = (
    one_ticket_each,
    tickets_agree,
    comments_stand_once,
    notes_are_what_people_wrote,
    timeline_is_complete,
    moves_were_asked_for,
    pushes_are_few,
    nothing_is_left,
)
_OF_ALL: Final[tuple[Callable[[Evidence], Iterator[Violation]], ...]] = (
    events_were_kept,
    orders_were_kept,
    rows_were_only_added,
)


def check(evidence: Evidence) -> list[Violation]:
    """Return everything that is not as it must be."""
    files = case_files(evidence)
    return [
        *(found for rule in _OF_A_CASE for file in files for found in rule(file)),
        *(found for rule in _OF_ALL for found in rule(evidence)),
    ]
