"""Statuses, in both directions and back."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from casebridge_core.cases import CaseStatus
from casebridge_core.connectors import Capability
from casebridge_core.errors import CasebridgeError, PushError
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.listing import changes_of
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.values import flaws
from casebridge_core.tickets import NativeStatus, StatusChange, Ticket

_PUSHES: Final = (Capability.PUSH_CASE, Capability.PUSH_STATUS)


class StatusRules:
    """The status maps, and what becomes of a status that is pushed."""

    @rule("statuses", Capability.PUSH_STATUS)
    async def test_outbound_map_is_total_and_pure(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Every case status has a native one or none, the same each time, without a call."""
        wire.transport.strike(faults.unreachable)
        for status in CaseStatus:
            answers = [bench.hooks.native_status(wire.connector, status) for _ in range(3)]
            if len(set(answers)) > 1:
                yield f"itsm_map_outbound_status answers {status} with {answers}: it must be pure"
            if answers[0] == "":
                yield f"itsm_map_outbound_status answers {status} with an empty text: answer None"
        if wire.transport.calls:
            yield "a status map called the vendor"

    @rule("statuses", Capability.INBOUND_STATUS)
    async def test_inbound_map_is_total_and_pure(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Every native status means case statuses or nothing, the same each time."""
        wire.transport.strike(faults.unreachable)
        strange = (NativeStatus(name=name) for name in ("", "Kit status 7d1f", "\u0000", "0"))
        for native in (*bench.hooks.manifest.known_statuses, *strange):
            answers = [bench.hooks.meanings_of(wire.connector, native) for _ in range(3)]
            if len(set(answers)) > 1:
                yield f"itsm_map_inbound_status answers {native.name!r} with {answers}"
        if wire.transport.calls:
            yield "a status map called the vendor"

    @rule("statuses", Capability.PUSH_STATUS, Capability.INBOUND_STATUS)
    async def test_maps_do_not_contradict(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """What a status is pushed as does not mean something else when it comes in."""
        for status in CaseStatus:
            text = bench.hooks.native_status(wire.connector, status)
            if text is None:
                continue
            known = (n for n in bench.hooks.manifest.known_statuses if n.matches(text))
            native = next(known, NativeStatus(name=text))
            first, *_ = bench.hooks.meanings_of(wire.connector, native) or (status,)
            if bench.hooks.native_status(wire.connector, first) != text:
                yield (
                    f"{status} is pushed as {text!r}, and {text!r} comes in as {first}, which is"
                    " pushed as something else"
                )

    @rule("statuses", *_PUSHES)
    async def test_every_status_survives_its_echo(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Each status that is pushed arrives, and what is read back still means it."""
        ticket = await bench.mint(wire)
        for status in CaseStatus:
            change = bench.change(wire, status)
            if change is None:
                continue
            try:
                ticket = await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
            except PushError as error:
                yield f"{status} could not be pushed from {ticket.status.name}: {error}"
                continue
            for flaw in flaws(ticket):
                yield f"itsm_push_status_change: {flaw}"
            if not _arrived(bench, wire, ticket, change):
                yield f"{status} was pushed as {change.native!r} and is {ticket.status.name!r}"
            if bench.can(Capability.FETCH_TICKET):
                read = await bench.hooks.fetch_ticket(wire.connector, ticket.ref)
                if read.status.name != ticket.status.name:
                    yield (
                        f"after {status} was pushed, itsm_push_status_change tells"
                        f" {ticket.status.name!r} and itsm_fetch_ticket {read.status.name!r}"
                    )

    @rule("statuses", *_PUSHES, Capability.FIND_TICKET)
    async def test_a_closed_ticket_is_found(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A ticket is found by its key, and listed when it changed, when it is done too."""
        since = datetime.now(UTC) - timedelta(minutes=10)
        projected = bench.projection(wire)
        ref = (await bench.hooks.push_case(wire.connector, projected)).ticket.ref
        for status in CaseStatus:
            change = bench.change(wire, status)
            if change is None:
                continue
            try:
                await bench.hooks.push_status_change(wire.connector, ref, change)
            except PushError:
                continue  # another rule is about statuses that do not arrive
            where = f"when it is {change.native!r}"
            found = await bench.find(wire, projected.correlation_key)
            if ref.external_id not in {ticket.ref.external_id for ticket in found}:
                yield (
                    f"itsm_find_ticket does not find {ref.key} {where}: a vendor may search among"
                    " open tickets only, unless it is asked for all"
                )
            if bench.can(Capability.LIST_CHANGES) and not await changes_of(bench, wire, ref, since):
                yield (
                    f"itsm_list_changes leaves out {ref.key} {where}: ask for tickets of every"
                    " status"
                )

    @rule("statuses", *_PUSHES, Capability.FETCH_TICKET)
    async def test_a_repeated_push_does_nothing(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A ticket that is already there is left alone."""
        ticket = await bench.mint(wire)
        change = bench.leading_away(wire, ticket)
        moved = await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
        before = await bench.hooks.fetch_ticket(wire.connector, ticket.ref)
        again = await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
        after = await bench.hooks.fetch_ticket(wire.connector, ticket.ref)
        if again.status.name != moved.status.name:
            yield f"a second push of {change.native!r} tells {again.status.name!r}"
        if before != after:
            yield "a second push of the same status changed the ticket: look before you write"

    @rule("statuses", *_PUSHES)
    async def test_a_refused_move_is_noticed(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A move that the vendor refuses behind a 2xx is not taken for done."""
        model, ticket = await bench.mint(wire), await bench.mint(wire)
        change = bench.leading_away(wire, ticket)
        wire.transport.heal()
        await bench.hooks.push_status_change(wire.connector, model.ref, change)
        renamed = {
            model.ref.external_id: ticket.ref.external_id,
            model.ref.key: ticket.ref.key,
        }
        wire.transport.strike(faults.claimed(wire.transport.calls, renamed))
        try:
            told = await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
        except PushError:
            return
        if told.status.matches(change.native):
            yield (
                f"the vendor answered 2xx and did nothing, and {change.native!r} was taken for"
                " done: read the ticket again after the write, and return what was read"
            )

    @rule("statuses", *_PUSHES)
    async def test_a_status_arrives_after_a_cut(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A status push that is cut off, or killed, at any request arrives when it is repeated."""
        ticket = await bench.mint(wire)
        for before, status in pairwise(CaseStatus):
            change = bench.change(wire, status)
            if change is None or change.native == bench.hooks.native_status(wire.connector, before):
                continue
            for number, fault in enumerate((faults.timed_out, faults.killed_before), start=1):
                wire.transport.strike(fault, first=number, count=1)
                with contextlib.suppress(CasebridgeError, faults.Killed):
                    await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
                wire.transport.heal()
            told = await bench.hooks.push_status_change(wire.connector, ticket.ref, change)
            if not _arrived(bench, wire, told, change):
                yield f"{change.native!r} did not arrive after a push was cut off"


def _arrived(bench: Bench, wire: Wire, ticket: Ticket, change: StatusChange) -> bool:
    meanings = bench.hooks.meanings_of(wire.connector, ticket.status)
    return ticket.status.matches(change.native) or change.status in meanings
