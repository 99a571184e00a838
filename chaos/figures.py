"""The figures of a run: how much happened, how much went wrong on purpose, how long news took."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chaos.evidence import Case, Evidence
from chaos.invariants.violations import DUPLICATES, LOSSES, Violation
from chaos.ledger import Deed


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took, in seconds, over ``count`` times."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency | None:
        """Sum up; None of nothing."""
        if not seconds:
            return None
        cuts = statistics.quantiles([*seconds, *seconds], n=100, method="inclusive")
        p50, p95, p99 = (round(cuts[which], 3) for which in (49, 94, 98))
        return cls(count=len(seconds), p50=p50, p95=p95, p99=p99, longest=round(max(seconds), 3))


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to.

    ``events`` is what people, analysts and vendors did, ``faults`` what befell them, both by kind;
    ``latency`` is by way: from a case to a ticket, and back.
    """

    events: Mapping[str, int]
    faults: Mapping[str, int]
    duplicates: int
    losses: int
    violations: int
    latency: Mapping[str, Latency | None]


def figures(
    evidence: Evidence, faults: Mapping[str, int], violations: Sequence[Violation]
) -> Figures:
    """Sum up the evidence."""
    rows = Counter(row.kind for case in evidence.cases for row in case.rows)
    confirmed = [order for order in evidence.orders if order.acknowledged_at is not None]
    return Figures(
        events={
            "cases": len(evidence.cases),
            "tickets": len(evidence.tickets),
            "requests by analysts": len(evidence.orders),
            "of them acknowledged": len(confirmed),
            "deeds of people at the vendors": len(evidence.deeds),
            "webhooks acknowledged": len(evidence.deliveries),
            "events stored": len(evidence.stored),
            "changes of status": rows["status_changed"],
            "statuses pushed": rows["status_pushed"],
            "comments pushed": rows["comment_pushed"],
            "failed pushes told": rows["push_failed"],
            "rows of timelines": sum(rows.values()),
        },
        faults=dict(sorted(faults.items())),
        duplicates=sum(each.kind in DUPLICATES for each in violations),
        losses=sum(each.kind in LOSSES for each in violations),
        violations=len(violations),
        latency={
            "case to ticket: created": Latency.of([*_minted(evidence.cases)]),
            "case to ticket: status": Latency.of([*_pushed(evidence.cases)]),
            "ticket to case: by webhook": Latency.of([*_taken(evidence, "itsm-webhook")]),
            "ticket to case: by reconciler": Latency.of([*_taken(evidence, "itsm-reconciler")]),
        },
    )


def _minted(cases: Sequence[Case]) -> Iterator[float]:
    """From the creation of a case to each of its tickets."""
    for case in cases:
        for row in case.rows:
            if row.kind == "ticket_minted":
                yield (row.at - case.rows[0].at).total_seconds()


def _pushed(cases: Sequence[Case]) -> Iterator[float]:
    """From the last change of a case to the ticket that follows; overtaken changes have no push."""
    for case in cases:
        changed = None
        seen: set[str | None] = set()
        for row in case.rows:
            if row.kind == "status_changed":
                changed, seen = row, {row.vendor}
            elif row.kind == "status_pushed" and changed is not None and row.vendor not in seen:
                seen.add(row.vendor)
                yield (row.at - changed.at).total_seconds()


def _taken(evidence: Evidence, label: str) -> Iterator[float]:
    """From a person's move of a ticket to the change of its case."""
    moves: dict[tuple[str, str], list[Deed]] = {}
    for deed in evidence.deeds:
        if deed.kind == "go":
            moves.setdefault((deed.vendor, deed.ticket), []).append(deed)
    for case in evidence.cases:
        tickets = {ref.vendor: ref.ticket or "" for ref in case.refs}
        for row in case.rows:
            if row.kind != "status_changed" or row.vendor is None or label not in row.actor:
                continue
            meanings = evidence.vendors[row.vendor].meanings
            done = [
                deed.began_at
                for deed in moves.get((row.vendor, tickets.get(row.vendor, "")), ())
                if deed.began_at <= row.at
                and row.detail.get("after") in meanings.get(deed.native or "", ())
            ]
            if done:
                yield (row.at - max(done)).total_seconds()
