"""How the kit reaches a vendor: its configuration, and the people who work there."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

import httpx

from casebridge_core.tickets import TicketRef


class NotOffered(Exception):
    """The vendor under test cannot do what a rule asks for; the rule is skipped and says so."""


class VendorUnderTest:
    """A vendor that a conformance run may write to: a fake, a simulator or a test project.

    ``config`` is the JSON of a connector's configuration that works there; its secrets should be
    long enough to be told from other text. Tickets are created and nobody deletes them.

    A subclass overrides what it can do; rules that need the rest are skipped and say so.
    """

    index_lag: float = 0.0
    """Seconds for which a fresh ticket may stay hidden from a search here."""
    patience: float = 20.0
    """Seconds to wait for a webhook."""

    def __init__(
        self, config: Mapping[str, Any], *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Reach the vendor at ``base_url``, or through ``transport`` when it is a fake."""
        self.config = dict(config)
        self._transport = transport

    def open_transport(self) -> httpx.AsyncBaseTransport:
        """Return the way to the vendor, for one event loop."""
        return self._transport or httpx.AsyncHTTPTransport(verify=_trust())

    def reset(self) -> None:
        """Bring the vendor back to its first day, where that can be done."""

    def subscribe(self, url: str, secret: str) -> None:
        """Have the vendor send its webhooks to ``url``, signed with ``secret``."""
        self._cannot("subscribe", url, secret)

    def move(self, ticket: TicketRef, native: str) -> None:
        """Have a person bring a ticket to a status, given by id or name."""
        self._cannot("move", ticket, native)

    def assign(self, ticket: TicketRef) -> None:
        """Have a person give a ticket to somebody."""
        self._cannot("assign", ticket)

    def comment(self, ticket: TicketRef, text: str) -> None:
        """Have a person comment on a ticket."""
        self._cannot("comment", ticket, text)

    def delete(self, ticket: TicketRef) -> None:
        """Have a person delete a ticket."""
        self._cannot("delete", ticket)

    def _cannot(self, what: str, *_: object) -> NoReturn:
        raise NotOffered(f"{type(self).__name__} does not offer {what}(): override it to test this")


class SimulationControl(Protocol):
    """What the kit asks of a simulator's people; `casebridge_sandbox.SandboxControl` has it."""

    def reset(self) -> object:
        """Go back to the beginning."""
        ...

    def send_webhooks_to(self, url: str, *, secret: str | None = None) -> object:
        """Send webhooks."""
        ...

    def scenario(self) -> Mapping[str, object]:
        """Return how the simulator behaves; ``people`` are those who work there."""
        ...

    def move(self, ticket: str, status: str) -> object:
        """Move a ticket."""
        ...

    def assign(self, ticket: str, to: str | None) -> object:
        """Assign a ticket."""
        ...

    def comment(self, ticket: str, text: str) -> object:
        """Comment on a ticket."""
        ...

    def delete(self, ticket: str) -> object:
        """Delete a ticket."""
        ...


class Simulation(Protocol):
    """A simulator that is being served; `casebridge_sandbox.RunningSandbox` is one."""

    @property
    def control(self) -> SimulationControl:
        """The people of the simulator."""
        ...


class SimulatedVendor(VendorUnderTest):
    """A vendor under test that is a running simulator of `casebridge_sandbox`."""

    def __init__(self, simulation: Simulation, config: Mapping[str, Any]) -> None:
        """Take a running simulator and a configuration that works there."""
        super().__init__(config)
        self.control = simulation.control

    def reset(self) -> None:
        """Begin anew: no tickets, no webhooks."""
        self.control.reset()

    def subscribe(self, url: str, secret: str) -> None:
        """Have the simulator send its webhooks."""
        self.control.send_webhooks_to(url, secret=secret)

    def move(self, ticket: TicketRef, native: str) -> None:
        """Move a ticket along the workflow."""
        self.control.move(ticket.external_id, native)

    def assign(self, ticket: TicketRef) -> None:
        """Give the ticket to the first of the scenario's people."""
        people: Any = self.control.scenario().get("people")
        if not people:
            raise NotOffered("the simulator's scenario has no people")
        self.control.assign(ticket.external_id, people[0]["id"])

    def comment(self, ticket: TicketRef, text: str) -> None:
        """Comment on a ticket."""
        self.control.comment(ticket.external_id, text)

    def delete(self, ticket: TicketRef) -> None:
        """Delete a ticket."""
        self.control.delete(ticket.external_id)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Load the certificates once: that takes longer than most rules."""
    return ssl.create_default_context()
