"""Everything about one case in one place: its refs, its tickets, and what was done to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.evidence import Case, Evidence, Ref, Ticket, VendorFacts
from chaos.invariants.violations import Kind, Violation
from chaos.ledger import Deed, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFile:
    """A ref (None: there is none at this vendor), its live tickets, and what people did to them."""

    vendor: str
    facts: VendorFacts
    ref: Ref | None
    tickets: Sequence[Ticket]
    deeds: Sequence[Deed]

    @property
    def ticket(self) -> Ticket | None:
        """The one live ticket, if there is exactly one."""
        return self.tickets[0] if len(self.tickets) == 1 else None

    @property
    def deleted(self) -> int:
        """How many of its tickets people have deleted."""
        return sum(deed.kind == "delete" for deed in self.deeds)

    def moves(self, *, ours: bool) -> int:
        """Count the changes of status in the history of the live tickets."""
        return sum(move.ours is ours for ticket in self.tickets for move in ticket.moves)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case, what analysts asked of it, and its tickets."""

    case: Case
    orders: Sequence[Order]
    tickets: Sequence[TicketFile]

    def wrong(self, kind: Kind, words: str) -> Violation:
        """Return a violation about this case."""
        return Violation(kind=kind, case=self.case.id, words=words)

    def at(self, vendor: str | None) -> TicketFile | None:
        """Return the file of the ticket at a vendor."""
        return next((each for each in self.tickets if each.vendor == vendor), None)


def case_files(evidence: Evidence) -> list[CaseFile]:
    """Sort the evidence by case."""
    tickets: dict[tuple[str, str | None], list[Ticket]] = defaultdict(list)
    deeds: dict[tuple[str, str], list[Deed]] = defaultdict(list)
    orders: dict[str, list[Order]] = defaultdict(list)
    for ticket in evidence.tickets:
        tickets[ticket.vendor, ticket.key].append(ticket)
    for deed in evidence.deeds:
        deeds[deed.vendor, deed.ticket].append(deed)
    for order in evidence.orders:
        orders[order.case].append(order)

    def file(case: Case, vendor: str) -> TicketFile:
        ref = next((ref for ref in case.refs if ref.vendor == vendor), None)
        live = tickets[vendor, ref.key] if ref is not None else []
        known = {ticket.id for ticket in live} | ({ref.ticket} if ref is not None else set())
        return TicketFile(
            vendor=vendor,
            facts=evidence.vendors[vendor],
            ref=ref,
            tickets=live,
            deeds=[
                deed
                for (where, ticket), done in deeds.items()
                for deed in done
                if where == vendor
                and (ticket in known or (ref is not None and deed.key == ref.key))
            ],
        )

    return [
        CaseFile(
            case=case,
            orders=orders[case.id],
            tickets=[file(case, vendor) for vendor in evidence.vendors],
        )
        for case in evidence.cases
    ]
