"""The vendors' people: they move, comment, assign, rename and delete tickets by hand."""

from __future__ import annotations

import re
from random import Random
from typing import Any, Final

from casebridge_sandbox import ControlRefused, TicketView
from chaos.ledger import Deed, DeedKind, Ledger, now
from chaos.script import Act
from chaos.stage import Stage, Vendor

PEOPLE: Final = ("Ada Analyst", "Ben Responder")
_KEY: Final = re.compile(r"aisoc-ref_[a-z0-9]+")


class People:
    """Whoever works at the vendors."""

    def __init__(self, stage: Stage, ledger: Ledger) -> None:
        self._stage = stage
        self._ledger = ledger

    def look_around(self) -> None:
        """Learn which tickets there are."""
        for vendor in self._stage.vendors:
            vendor.tickets = [each.id for each in vendor.served.control.tickets()]

    def act(self, act: Act) -> None:
        """Do what an act says to a ticket; what the vendor refuses is noted and left."""
        chance = act.chance
        vendor: Vendor = chance.choice(self._stage.vendors)
        ticket = vendor.pick(chance)
        if ticket is None:
            return
        began_at = now()
        try:
            told = self._handle(act, vendor, ticket, chance)
        except ControlRefused as refused:
            self._ledger.was_refused(f"{vendor.name} {act.what} {refused.status}")
            return
        if told is not None:
            kind: DeedKind = act.what  # type: ignore[assignment]
            self._ledger.did(
                Deed(
                    kind=kind,
                    vendor=vendor.name,
                    ticket=ticket,
                    began_at=began_at,
                    ended_at=now(),
                    **told,
                )
            )

    def _handle(
        self, act: Act, vendor: Vendor, ticket: str, chance: Random
    ) -> dict[str, Any] | None:
        """Do it; return what is to be noted beside the usual, or None for nothing done."""
        control, who = vendor.served.control, chance.choice(PEOPLE)
        match act.what:
            case "go":
                status = chance.choice(vendor.statuses)
                control.move(ticket, status, by=who)
                return {"native": status}
            case "write":
                comment = control.comment(ticket, f"{who} says {act.dice}", by=who)
                return {"comment": comment.id}
            case "rewrite" | "unwrite":
                return self._change_comment(act, vendor, who, chance)
            case "assign":
                control.assign(ticket, chance.choice((*PEOPLE, None)), by=who)
                return {}
            case "rename":
                if vendor.name != "jira":
                    return None
                control.move_project(ticket, chance.choice(("SEC", "OPS")), by=who)
                return {}
            case _:
                key = correlation_key(control.ticket(ticket))
                control.delete(ticket, by=who)
                return {"key": key}

    def _change_comment(
        self, act: Act, vendor: Vendor, who: str, chance: Random
    ) -> dict[str, Any] | None:
        """Edit or delete somebody's comment, wherever it is."""
        written = self._ledger.comments_of(vendor.name)
        if not written:
            return None
        ticket, comment = chance.choice(written)
        if act.what == "rewrite":
            text = f"{who} thinks better of it, {act.dice}"
            vendor.served.control.edit_comment(ticket, comment, text, by=who)
        else:
            vendor.served.control.delete_comment(ticket, comment, by=who)
        return {"comment": comment}


def correlation_key(ticket: TicketView) -> str | None:
    """Return the correlation key that a ticket carries, in whichever of its fields."""
    found = _KEY.search(str(ticket.fields))
    return found[0] if found else None
