"""Of records: what was acknowledged is kept, once; the timeline is whole; nothing is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from chaos.evidence import Case, Evidence, Row
from chaos.invariants.case_files import CaseFile
from chaos.invariants.violations import Kind, Violation
from chaos.ledger import Order

_SLACK: Final = timedelta(seconds=1)
_ROW_OF: Final = {"comment": "comment", "force": "force_sync"}


def events_were_kept(evidence: Evidence) -> Iterator[Violation]:
    """Every webhook that was answered with a 2xx is stored."""
    for delivery in evidence.deliveries:
        if delivery.event not in evidence.stored:
            words = f"{delivery.vendor}: {delivery.event or 'no event'} about {delivery.ticket}"
            yield Violation(kind=Kind.EVENT_LOST, case="", words=words)


def orders_were_kept(evidence: Evidence) -> Iterator[Violation]:
    """Whatever the API acknowledged was done; what has an Idempotency-Key was done once."""
    cases = {case.id: case for case in evidence.cases}
    for order in evidence.orders:
        if order.kind == "create":
            count = sum(order.marker in case.title for case in evidence.cases)
        else:
            case = cases.get(order.case)
            count = _times_done(order, case) if case is not None else 0
        words = f"{order.kind} {order.marker}, done {count} times"
        if order.acknowledged_at is not None and count == 0:
            yield Violation(kind=Kind.ORDER_LOST, case=order.case, words=words)
        if count > 1:
            yield Violation(kind=Kind.ORDER_DOUBLED, case=order.case, words=words)


def rows_were_only_added(evidence: Evidence) -> Iterator[Violation]:
    """A row of a timeline that was there once is there still, and says the same."""
    for number, digest in evidence.earlier.items():
        if evidence.rows.get(number) != digest:
            what = "is another" if number in evidence.rows else "is gone"
            yield Violation(kind=Kind.ROW_CHANGED, case="", words=f"row {number} {what}")


def timeline_is_complete(file: CaseFile) -> Iterator[Violation]:
    """The rows tell the whole story: each status from the one before, each ticket, each source."""
    rows, case = file.case.rows, file.case
    if not rows or rows[0].kind != "case_created":
        yield file.wrong(Kind.TIMELINE_BROKEN, "it does not begin with the creation")
    yield from _chain(file)
    for kind in ("inbound_actor", "inbound_payload"):
        moved = sum(row.kind == "status_changed" and row.vendor is not None for row in rows)
        if sum(row.kind == kind for row in rows) < moved:
            yield file.wrong(Kind.TIMELINE_BROKEN, f"{moved} changes from vendors, fewer {kind}")
    for ref in case.refs:
        minted = sum(row.kind == "ticket_minted" and row.vendor == ref.vendor for row in rows)
        if minted != (ref.ticket is not None):
            words = f"{ref.vendor}: {minted} rows of a ticket that was minted"
            yield file.wrong(Kind.TIMELINE_BROKEN, words)


def nothing_is_left(file: CaseFile) -> Iterator[Violation]:
    """Nothing is due and nobody holds a lease when all is calm."""
    for ref in file.case.refs:
        if ref.due:
            words = f"{ref.vendor}: {ref.name} is due; {ref.error or 'no error'}"
            yield file.wrong(Kind.LEFT_DUE, words)
        if ref.leased:
            yield file.wrong(Kind.LEFT_LEASED, f"{ref.vendor}: {ref.name} is leased")


def _chain(file: CaseFile) -> Iterator[Violation]:
    """Each change begins where the one before ended, and the last ends where the case is."""
    status = _born_as(file)
    for row in _changes(file.case):
        if status is not None and row.detail.get("before") != status:
            words = f"row {row.number} begins at {row.detail.get('before')}, not at {status}"
            yield file.wrong(Kind.TIMELINE_BROKEN, words)
        status = str(row.detail.get("after"))
    if status is not None and status != file.case.status:
        words = f"it ends at {status}, and the case is {file.case.status}"
        yield file.wrong(Kind.TIMELINE_BROKEN, words)


def _born_as(file: CaseFile) -> str | None:
    return next((order.status for order in file.orders if order.kind == "create"), None)


def _changes(case: Case) -> Sequence[Row]:
    return [row for row in case.rows if row.kind == "status_changed"]


def _times_done(order: Order, case: Case) -> int:
    """Return how often an order shows on its case."""
    if order.kind == "contain":
        return case.actions.count(order.marker)
    if order.kind == "move":
        marked = [row for row in _changes(case) if order.marker in row.text]
        return len(marked) or int(_was_there_already(order, case))
    if order.kind == "resync":  # which has no room for a marker
        return int(any(row.kind == "resync" for row in case.rows))
    kind = _ROW_OF[order.kind]
    return sum(row.kind == kind and order.marker in row.text for row in case.rows)


def _was_there_already(order: Order, case: Case) -> bool:
    """Tell whether a case held a status while it was asked for: then there is nothing to note."""
    began, ended = order.asked_at - _SLACK, (order.acknowledged_at or order.asked_at) + _SLACK
    since: datetime | None = case.rows[0].at if case.rows else None
    status: object = None
    for row in _changes(case):
        status = row.detail.get("before")
        if since is not None and status == order.status and since <= ended and row.at >= began:
            return True
        since, status = row.at, row.detail.get("after")
    return case.status == order.status and since is not None and since <= ended
