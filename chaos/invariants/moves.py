"""Of moves: a case moves because somebody moved it, and its tickets are not pushed to and fro."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from chaos.evidence import Row
from chaos.invariants.case_files import CaseFile
from chaos.invariants.violations import Kind, Violation

_SLACK: Final = timedelta(seconds=1)


def moves_were_asked_for(file: CaseFile) -> Iterator[Violation]:
    """Behind each change of status is an analyst's request, or a person's move of a ticket."""
    taken: Counter[tuple[str | None, str]] = Counter()
    for row in file.case.rows:
        if row.kind != "status_changed":
            continue
        after = str(row.detail.get("after"))
        taken[row.vendor, after] += row.vendor is not None
        asked = _by_analyst(file, row, after)
        if row.vendor is not None:
            asked = taken[row.vendor, after] <= _moved_by_people(file, row, after)
        if not asked:
            kind = Kind.UNASKED_REOPEN if row.detail.get("reopened") else Kind.UNASKED_MOVE
            yield file.wrong(kind, f"row {row.number}, {row.actor}: {row.text}")


def pushes_are_few(file: CaseFile) -> Iterator[Violation]:
    """A ticket is pushed at most once for each thing that calls for a push.

    Those are its creation, each change of its case, each move by a person (which the case may
    overrule), and each force-sync that was asked for.
    """
    changes = sum(row.kind == "status_changed" for row in file.case.rows)
    forced = sum(order.kind == "force" for order in file.orders)
    for each in file.tickets:
        people = sum(deed.kind == "go" for deed in each.deeds)
        most = 1 + changes + forced + people
        told = sum(
            row.kind == "status_pushed" and row.vendor == each.vendor for row in file.case.rows
        )
        count = max(told, each.moves(ours=True))
        if count > most:
            words = f"{each.vendor}: {count} pushes, where {most} could be called for"
            yield file.wrong(Kind.PING_PONG, words)


def _by_analyst(file: CaseFile, row: Row, after: str) -> bool:
    return any(
        order.kind == "move" and order.status == after and order.marker in row.text
        for order in file.orders
    )


def _moved_by_people(file: CaseFile, row: Row, after: str) -> int:
    """Count the moves by people, before a row, of its ticket to a status that can stand for it."""
    each = file.at(row.vendor)
    if each is None:
        return 0
    return sum(
        deed.kind == "go"
        and deed.began_at <= row.at + _SLACK
        and after in each.facts.meanings.get(deed.native or "", ())
        for deed in each.deeds
    )
