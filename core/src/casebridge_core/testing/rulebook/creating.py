"""One case, one ticket, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Final

import httpx
import msgspec

from casebridge_core.connectors import Capability
from casebridge_core.errors import CasebridgeError, HookFailed, PushError, TicketNotFound
from casebridge_core.http import decode_json
from casebridge_core.testing import faults
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.faults import Call, Strike
from casebridge_core.testing.parts import scalars
from casebridge_core.testing.rules import LiveComplaints, rule
from casebridge_core.testing.values import flaws
from casebridge_core.testing.vendors import NotOffered
from casebridge_core.tickets import Ticket

_CREATES: Final = (Capability.PUSH_CASE, Capability.FIND_TICKET)


class TicketRules:
    """Creating a ticket, finding it again, and never a second one."""

    @rule("tickets", *_CREATES)
    async def test_a_ticket_is_found_by_its_key(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A new ticket is found by its correlation key, and by no other."""
        projected = bench.projection(wire)
        pushed = await bench.hooks.push_case(wire.connector, projected)
        for flaw in flaws(pushed):
            yield f"itsm_push_case: {flaw}"
        ref, key = pushed.ticket.ref, projected.correlation_key
        if not ref.url.startswith(("https://", "http://")):
            yield f"itsm_push_case: the ticket's url is not a link: {ref.url!r}"
        found = await bench.find(wire, key)
        for flaw in flaws(found):
            yield f"itsm_find_ticket: {flaw}"
        if [ticket.ref.external_id for ticket in found] != [ref.external_id]:
            yield (
                f"itsm_find_ticket finds {[ticket.ref.key for ticket in found]} for the key of"
                f" {ref.key}: store the key where it can be searched, and return it in the Ticket"
            )
        for other in (key[:-1], f"{key}0"):
            if await bench.hooks.find_ticket(wire.connector, other):
                yield (
                    "itsm_find_ticket finds a ticket by a key that it does not have: read the key"
                    " from the ticket, and do not copy the one that was asked for"
                )

    @rule("tickets", Capability.PUSH_CASE, Capability.FETCH_TICKET)
    async def test_a_ticket_is_read_as_it_is(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Reading a ticket tells the same as creating it did."""
        projected = bench.projection(wire)
        made = (await bench.hooks.push_case(wire.connector, projected)).ticket
        read = await bench.hooks.fetch_ticket(wire.connector, made.ref)
        for flaw in flaws(read):
            yield f"itsm_fetch_ticket: {flaw}"
        if read.ref != made.ref:
            yield f"itsm_fetch_ticket: {read.ref} is not what itsm_push_case gave, {made.ref}"
        if read.status.name != made.status.name:
            yield f"a new ticket is {made.status.name!r}, and {read.status.name!r} when it is read"
        if read.correlation_key not in {None, projected.correlation_key}:
            yield f"itsm_fetch_ticket: correlation_key is {read.correlation_key!r}"

    @rule("tickets", Capability.PUSH_CASE, Capability.FETCH_TICKET)
    async def test_a_ticket_that_is_gone(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """A ticket that is gone is a `TicketNotFound`."""
        gone = (await bench.mint(wire)).ref
        try:
            bench.vendor.delete(gone)
        except NotOffered:
            gone = msgspec.structs.replace(gone, external_id=_unlike(gone.external_id))
        try:
            await bench.hooks.fetch_ticket(wire.connector, gone)
        except TicketNotFound:
            return
        except CasebridgeError as error:
            yield f"a missing ticket raised {type(error).__name__}: raise TicketNotFound"
        else:
            yield f"a missing ticket ({gone.external_id}) was returned"

    @rule("tickets", Capability.PUSH_CASE)
    async def test_a_create_that_breaks_is_unclear(
        self, bench: Bench, wire: Wire
    ) -> LiveComplaints:
        """A create that breaks after it was sent leaves the outcome unknown."""
        wire.transport.heal()
        ticket = await bench.mint(wire)
        creating = _creating(wire.transport.calls, ticket)
        if not creating:
            raise NotOffered(f"no answer of the vendor names {ticket.ref.external_id}")
        for fault in (faults.timed_out, faults.cut_off, faults.stored_but_500):
            wire.transport.strike(fault, first=creating, count=1)
            what = fault.__name__.replace("_", " ")
            try:
                await bench.hooks.push_case(wire.connector, bench.projection(wire))
            except PushError as error:
                if not error.uncertain:
                    yield f"{what}: {type(error).__name__} says that nothing was stored"
            except HookFailed as error:
                yield f"{what}: raised {error.__cause__!r}: raise OutcomeUnknown, as VendorApi does"

    @rule("tickets", *_CREATES)
    async def test_create_survives_a_lost_answer(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """One ticket, when the vendor stores it and the answer is lost to a time-out or a cut."""
        async for complaint in _struck(bench, wire, faults.timed_out, faults.cut_off):
            yield complaint

    @rule("tickets", *_CREATES)
    async def test_create_survives_500_but_stored(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """One ticket, when the vendor stores it and answers 500."""
        async for complaint in _struck(bench, wire, faults.stored_but_500):
            yield complaint

    @rule("tickets", *_CREATES)
    async def test_create_survives_half_an_answer(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """One ticket, when the vendor stores it and answers with a web page or half a JSON."""
        async for complaint in _struck(bench, wire, faults.stored_but_html, faults.half_json):
            yield complaint

    @rule("tickets", *_CREATES)
    async def test_create_survives_a_kill(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """One ticket, when the process is killed before or after any of its requests."""
        async for complaint in _struck(bench, wire, faults.killed_before, faults.killed_after):
            yield complaint

    @rule("tickets", Capability.PUSH_CASE)
    async def test_strange_text_makes_a_ticket(self, bench: Bench, wire: Wire) -> LiveComplaints:
        """Texts that are empty, long, foreign or full of markup make a ticket all the same."""
        for what, title, summary in _STRANGE:
            try:
                projected = bench.projection(wire, title=title, summary=summary)
                await bench.hooks.push_case(wire.connector, projected)
            except CasebridgeError as error:
                cause = f" ({error.__cause__!r})" if error.__cause__ else ""
                yield f"{what}: {error}{cause}; documents.shorten and plain_text help"


def _unlike(external_id: str) -> str:
    """Return an id that looks like another and that no ticket should have."""
    return "".join(
        "9" if char.isdigit() else "f" if char.isalpha() else char for char in external_id
    )


_STRANGE: Final = (
    ("an empty summary", "kit: no summary", ""),
    ("a title of 2,000 characters", "kit " + "long " * 400, "short"),
    ("a title of two lines", "kit: first line\nsecond line", "short"),
    ("a summary of 30,000 characters", "kit: long summary", "word " * 6_000),
    (
        "text from everywhere",
        "kit: 検知, détection, \U0001f6a8",
        "\u202eright to left\u202c \u0000?",
    ),
    ("markup", "kit: <b>&amp;{code}*_`", "{code}h1. ^x = 1^ORy\n<script>alert(1)</script> ${7*7}"),
)


async def _struck(bench: Bench, wire: Wire, *strikes: Strike) -> LiveComplaints:
    """Strike each request of a create in turn; do what the host does; count the tickets."""
    transport = wire.transport
    transport.heal()
    model = await bench.mint(wire)
    requests, creating = len(transport.calls), _creating(transport.calls, model)
    for fault, number in product(strikes, range(1, requests + 1)):
        name = getattr(fault, "__name__", "a fault").replace("_", " ")
        projected = bench.projection(wire)
        key = projected.correlation_key
        transport.strike(fault, first=number, count=1)
        struck = transport.calls
        trouble = await bench.converge(
            wire,
            partial(bench.hooks.push_case, wire.connector, projected),
            partial(bench.find, wire, key),
        )
        transport.heal()
        found = await bench.find(wire, key)
        where = f"{name} at request {number} of {requests}"
        if trouble:
            yield f"{where}: the ticket {trouble}"
        if len(found) != 1:
            yield (
                f"{where}: there are {len(found)} tickets with the key. Send the key in the request"
                " that creates, and raise OutcomeUnknown when its answer is not clear"
            )
        elif 0 < creating <= number and not _tells(struck[creating - 1].told, found[0]):
            yield (
                f"{where}: the first ticket is there, and is not found by the key. Send the key in"
                " the request that creates"
            )


def _creating(calls: Sequence[Call], ticket: Ticket) -> int:
    """Return the number of the request by which a ticket was created, 0 if that cannot be told."""
    numbers = (n for n, call in enumerate(calls, start=1) if _tells(call.told, ticket))
    return next(numbers, 0)


def _tells(answer: httpx.Response | None, ticket: Ticket) -> bool:
    """Tell whether an answer names a ticket: in its JSON, or where it says that something is.

    A request that never reached the vendor has created nothing, so it names whatever is asked for.
    """
    if answer is None:
        return True
    wanted = ticket.ref.external_id
    told = [answer.headers.get("location", "").rpartition("/")[2], *scalars(decode_json(answer))]
    return wanted in map(str, told)
