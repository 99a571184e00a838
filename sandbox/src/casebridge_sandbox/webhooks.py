"""What a vendor sends out: endpoints, messages, and what can go wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

__all__ = (
    "DeliveryAttempt",
    "DeliveryOutcome",
    "ReleaseOrder",
    "RetryPolicy",
    "WebhookEndpoint",
    "WebhookFaults",
    "WebhookMessage",
)

DeliveryOutcome = Literal["accepted", "refused", "will_retry", "given_up", "dropped"]
"""How one attempt ended: a 2xx; an answer that is final; a failure that is tried again; the
last failure of a row; or a message lost on purpose."""

ReleaseOrder = Literal["sent", "reversed", "shuffled"]
"""The order in which held messages go out."""


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a vendor sends its webhooks.

    Attributes:
        url: The address.
        secret: What the body is signed with; without one the vendor does not sign.
        token_id: A public id, sent in ``X-AiSOC-Token-Id``.
        headers: More headers, as an administrator types them.
        events: The vendor's names of the events to send; none means all.
        projects: The projects or tables to send events of; none means all.
        id: The id of the endpoint; a new one replaces the one with the same id.
    """

    url: str
    secret: str | None = None
    token_id: str | None = None
    headers: dict[str, str] = {}
    events: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    id: str = "1"


class WebhookFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to messages on their way, until it is set anew.

    Attributes:
        drop: The fraction that is lost, from 0 to 1.
        double: The fraction that is sent twice, with the same delivery id.
        reorder: The fraction that is overtaken by the message after it.
        delay_seconds: How long every message waits first, in seconds.
        hold: Whether messages are kept back until they are released.
        seed: What the chances are drawn from.
    """

    drop: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    delay_seconds: float = 0.0
    hold: bool = False
    seed: int = 0


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a vendor sends a message again.

    Attributes:
        retries: How many more attempts follow the first.
        pause_seconds: How long it waits before each, in seconds.
        timeout_seconds: How long it waits for an answer, in seconds.
        statuses: The answers that are tried again, beside failures of the network.
    """

    retries: int = 0
    pause_seconds: float = 1.0
    timeout_seconds: float = 10.0
    statuses: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookMessage:
    """A message that is ready to go.

    Attributes:
        event: The vendor's name of the event.
        ticket: The key of the ticket, for the log.
        body: The raw body; the signature in the headers fits it.
        headers: The headers, signature included.
        delivery_id: The vendor's id of the message, the same over retries; may be empty.
        retry_header: The header that counts the retries, absent the first time.
    """

    event: str
    ticket: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery_id: str = ""
    retry_header: str | None = None

    def headers_for(self, attempt: int) -> dict[str, str]:
        """Return the headers of an attempt; the first is number 1."""
        headers = dict(self.headers)
        if self.retry_header and attempt > 1:
            headers[self.retry_header] = str(attempt - 1)
        return headers


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver a message, for the log.

    Attributes:
        number: The number in the log, from 1.
        endpoint: The id of the endpoint.
        url: Where it went.
        event: The vendor's name of the event.
        ticket: The key of the ticket.
        delivery_id: The vendor's id of the message; may be empty.
        attempt: 1 for the first attempt.
        at: When it ended, in UTC.
        outcome: How it ended.
        status: The status code of the answer, when there was one.
        answer: The body of the answer, its first 4,000 characters.
        error: What went wrong when there was no answer.
        seconds: How long it took, in seconds.
        body: The body that was sent.
    """

    number: int
    endpoint: str
    url: str
    event: str
    ticket: str
    delivery_id: str
    attempt: int
    at: datetime
    outcome: DeliveryOutcome
    status: int | None = None
    answer: str = ""
    error: str = ""
    seconds: float = 0.0
    body: str = ""
