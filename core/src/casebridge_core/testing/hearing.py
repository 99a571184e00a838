"""Hearing what a vendor sends when something happens to a ticket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from casebridge_core.errors import CasebridgeError
from casebridge_core.testing.bench import Bench, Wire
from casebridge_core.testing.listener import SECRET, Webhook, WebhookListener, listening
from casebridge_core.testing.parts import as_object
from casebridge_core.tickets import Delivery, Ticket, TicketEvent


@dataclass(frozen=True, slots=True)
class Heard:
    """A webhook, and the event that the adapter sees in it."""

    event: TicketEvent
    webhook: Webhook


class Hearing:
    """A fresh ticket, and everything that the vendor sends from its creation on."""

    def __init__(self, bench: Bench, ticket: Ticket, listener: WebhookListener) -> None:
        """Listen for news of one ticket."""
        self.ticket = ticket
        self._bench = bench
        self._listener = listener

    async def wait_for(self, wanted: Callable[[TicketEvent], bool]) -> Heard | None:
        """Return the first event of the ticket that is ``wanted``; None when none comes in time."""

        def look(webhook: Webhook) -> Heard | None:
            event = self._event_in(webhook)
            ours = event is not None and event.external_id == self.ticket.ref.external_id
            return Heard(event, webhook) if event is not None and ours and wanted(event) else None

        return await asyncio.to_thread(self._listener.wait_for, look, self._bench.vendor.patience)

    def payloads(self) -> list[dict[str, Any]]:
        """Return the payloads that came in so far."""
        return [payload for webhook in self._listener.received if (payload := object_in(webhook))]

    def _event_in(self, webhook: Webhook) -> TicketEvent | None:
        payload = object_in(webhook)
        if payload is None:
            return None
        try:
            return self._bench.hooks.detect(Delivery(headers=webhook.headers, payload=payload))
        except CasebridgeError:
            return None  # another rule is about detection that fails


@asynccontextmanager
async def hearing(bench: Bench, wire: Wire) -> AsyncGenerator[Hearing]:
    """Subscribe to the vendor's webhooks and create a ticket.

    Raises:
        NotOffered: the vendor under test cannot send webhooks.
    """
    with listening() as listener:
        bench.vendor.subscribe(listener.url, SECRET)
        yield Hearing(bench, await bench.mint(wire), listener)


def object_in(webhook: Webhook) -> dict[str, Any] | None:
    """Return the JSON object that a webhook holds, or None."""
    try:
        payload: object = json.loads(webhook.body)
    except ValueError:
        return None
    return as_object(payload)
