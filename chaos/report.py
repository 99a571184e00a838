"""What a run says in the end: the figures, and of each violation the whole history of its case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chaos.calm import Calm
from chaos.evidence import Evidence
from chaos.figures import Figures
from chaos.invariants import Violation
from chaos.ledger import Ledger
from chaos.script import Script


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run: its seed and size, its figures, and what was violated."""

    seed: int
    minutes: float
    size: int
    calm: Calm
    figures: Figures
    refused: Mapping[str, int]
    violations: Sequence[Violation]

    @classmethod
    def of(
        cls,
        script: Script,
        size: int,
        calm: Calm,
        found: Figures,
        ledger: Ledger,
        violations: Sequence[Violation],
    ) -> Report:
        """Put a report together."""
        return cls(
            seed=script.seed,
            minutes=round(script.seconds / 60, 2),
            size=size,
            calm=calm,
            figures=found,
            refused=dict(sorted(ledger.refused.items())),
            violations=violations,
        )

    def lines(self) -> Iterator[str]:
        """Say it in words."""
        yield f"seed {self.seed}, {self.minutes} minutes, {self.size} cases"
        yield f"calm after {self.calm.seconds:.0f} s" + ("" if self.calm.settled else ", not whole")
        yield from _table("events", self.figures.events)
        yield from _table("faults", self.figures.faults)
        yield "latency, in seconds:"
        for way, latency in self.figures.latency.items():
            told = "none" if latency is None else _in_words(latency)
            yield f"  {way:<40} {told}"
        yield f"duplicates: {self.figures.duplicates}"
        yield f"losses: {self.figures.losses}"
        yield f"violations: {len(self.violations)}"
        for each in self.violations:
            yield f"  {each.kind}: {each.case or 'no case'}: {each.words}"
        if self.violations:
            yield f"again: make chaos SEED={self.seed} MINUTES={self.minutes:g} SIZE={self.size}"


def history(evidence: Evidence, case_id: str) -> Iterator[str]:
    """Tell everything about a case, in order of our own time."""
    case = next((case for case in evidence.cases if case.id == case_id), None)
    if case is None:
        return
    yield f"case {case.id} ({case.title}) is {case.status}"
    lines: list[tuple[datetime, str]] = []
    lines += [
        (row.at, f"row {row.number} [{row.actor}] {row.kind}: {row.text}") for row in case.rows
    ]
    lines += [
        (order.asked_at, f"asked: {_shown(order)}")
        for order in evidence.orders
        if order.case == case.id
    ]
    names = {(ref.vendor, ref.ticket) for ref in case.refs}
    keys = {ref.key for ref in case.refs}
    lines += [
        (deed.began_at, f"person: {_shown(deed)}")
        for deed in evidence.deeds
        if (deed.vendor, deed.ticket) in names or deed.key in keys
    ]
    for ref in case.refs:
        yield f"  {_shown(ref)}"
    for ticket in evidence.tickets:
        if ticket.key in keys:
            yield f"  {_shown(ticket)}"
    for at, line in sorted(lines):
        yield f"  {at:%H:%M:%S.%f} {line}"


def _shown(value: object) -> str:
    told: dict[str, Any] = msgspec.to_builtins(value)
    return ", ".join(f"{name} {each}" for name, each in told.items() if each not in (None, "", ()))


def _table(title: str, counts: Mapping[str, int]) -> Iterator[str]:
    yield f"{title}:"
    for name, count in counts.items():
        yield f"  {name:<40} {count}"


def _in_words(latency: Any) -> str:  # noqa: ANN401 - see `Latency`
    return (
        f"p50 {latency.p50:.2f}  p95 {latency.p95:.2f}  p99 {latency.p99:.2f}"
        f"  longest {latency.longest:.2f}  of {latency.count}"
    )
