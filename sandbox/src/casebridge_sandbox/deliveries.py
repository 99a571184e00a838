"""The delivery of webhooks, in the background of the API."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import httpx

from casebridge_sandbox.webhooks import (
    DeliveryAttempt,
    DeliveryOutcome,
    ReleaseOrder,
    RetryPolicy,
    WebhookEndpoint,
    WebhookFaults,
    WebhookMessage,
)

if TYPE_CHECKING:
    from casebridge_sandbox.clock import Clock

__all__ = ("DeliveryQueue",)

_LOG_LENGTH = 5000
_ANSWER_LENGTH = 4000
_OVERTAKEN_AT_MOST = 2.0
"""Seconds after which a message that should be overtaken goes out although nothing came."""


@dataclass(order=True, slots=True)
class _Outgoing:
    """A message in a lane; sorts by the time it is due, then by its place in the row."""

    due: float
    place: int
    endpoint: WebhookEndpoint = field(compare=False)
    message: WebhookMessage = field(compare=False)
    attempt: int = field(default=1, compare=False)


class _Lane:
    """The messages of one endpoint, delivered one at a time and in order."""

    def __init__(self, deliver: Callable[[_Outgoing], asyncio.Future[None]]) -> None:
        self._deliver = deliver
        self._waiting: list[_Outgoing] = []
        self._changed = asyncio.Event()
        self._overtaken: _Outgoing | None = None
        self.task = asyncio.create_task(self._run())

    def put(self, outgoing: _Outgoing, *, let_overtake: bool = False) -> None:
        if let_overtake and self._overtaken is None:
            self._overtaken = outgoing
            outgoing.due += _OVERTAKEN_AT_MOST
        elif self._overtaken is not None and outgoing.attempt == 1:
            overtaken, self._overtaken = self._overtaken, None
            if overtaken in self._waiting:
                self._waiting.remove(overtaken)
                heapq.heapify(self._waiting)
                overtaken.due, overtaken.place = outgoing.due, outgoing.place
                outgoing.place -= 1
                heapq.heappush(self._waiting, overtaken)
        heapq.heappush(self._waiting, outgoing)
        self._changed.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            if not self._waiting:
                await self._changed.wait()
                continue
            pause = self._waiting[0].due - loop.time()
            if pause > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), pause)
                continue
            await self._deliver(heapq.heappop(self._waiting))


class DeliveryQueue:
    """Sends messages, in order for each endpoint, and keeps a log of every attempt.

    Messages may be posted before `start`; they go out once it runs.

    Args:
        clock: What the log's time stamps come from.
        policy: Returns the present retry policy.
    """

    def __init__(self, *, clock: Clock, policy: Callable[[], RetryPolicy]) -> None:
        self._clock = clock
        self._policy = policy
        self._places = count(step=2)
        self._numbers = count(1)
        self._open = 0
        self._lanes: dict[str, _Lane] = {}
        self._client: httpx.AsyncClient | None = None
        self._runs = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._early: list[tuple[_Outgoing, bool]] = []
        self.endpoints: dict[str, WebhookEndpoint] = {}
        self.held: list[tuple[WebhookEndpoint, WebhookMessage]] = []
        self.attempts: deque[DeliveryAttempt] = deque(maxlen=_LOG_LENGTH)
        self.faults = WebhookFaults()
        self._random = Random(0)  # noqa: S311 - repeatable chance, not a secret

    @property
    def pending(self) -> int:
        """How many messages are under way or wait for their next attempt; not the held ones."""
        return self._open

    def set_endpoints(self, endpoints: Iterable[WebhookEndpoint]) -> None:
        """Replace every endpoint."""
        self.endpoints = {endpoint.id: endpoint for endpoint in endpoints}

    def set_faults(self, faults: WebhookFaults) -> None:
        """Replace the faults; messages that are held stay held."""
        self.faults = faults
        self._random = Random(faults.seed)  # noqa: S311 - repeatable chance, not a secret

    def post(self, endpoint: WebhookEndpoint, message: WebhookMessage) -> None:
        """Take a message; the faults decide what becomes of it."""
        faults = self.faults
        if self._random.random() < faults.drop:
            self._log(_Outgoing(0.0, 0, endpoint, message), "dropped")
            return
        copies = 2 if self._random.random() < faults.double else 1
        for _ in range(copies):
            if faults.hold:
                self.held.append((endpoint, message))
            else:
                overtake = self._random.random() < faults.reorder
                self._schedule(endpoint, message, pause=faults.delay_seconds, overtake=overtake)

    def release(self, order: ReleaseOrder = "sent") -> int:
        """Send the held messages, whatever the faults say.

        Returns:
            How many there were.
        """
        held, self.held = self.held, []
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            self._random.shuffle(held)
        for endpoint, message in held:
            self._schedule(endpoint, message)
        return len(held)

    def clear(self) -> None:
        """Forget endpoints, faults, held messages, and the log; stop what is under way."""
        for lane in self._lanes.values():
            lane.task.cancel()
        self._lanes.clear()
        self._early.clear()
        self.held.clear()
        self.attempts.clear()
        self.endpoints.clear()
        self._numbers = count(1)
        self.set_faults(WebhookFaults())
        self._open = 0
        self._idle.set()

    async def start(self) -> None:
        """Begin to send, with what was posted so far."""
        self._runs = True
        early, self._early = self._early, []
        for outgoing, overtake in early:
            self._dispatch(outgoing, overtake=overtake)

    async def stop(self) -> None:
        """Stop every lane and close the client."""
        tasks = [lane.task for lane in self._lanes.values()]
        self._runs = False
        self.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client:
            await self._client.aclose()
            self._client = None

    async def wait_until_idle(self, timeout_seconds: float) -> bool:
        """Wait until no message is pending.

        Returns:
            Whether that came to pass within the time.
        """
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True

    def _schedule(
        self,
        endpoint: WebhookEndpoint,
        message: WebhookMessage,
        *,
        pause: float = 0.0,
        overtake: bool = False,
    ) -> None:
        self._open += 1
        self._idle.clear()
        outgoing = _Outgoing(pause, next(self._places), endpoint, message)
        if not self._runs:
            self._early.append((outgoing, overtake))
        else:
            self._dispatch(outgoing, overtake=overtake)

    def _dispatch(self, outgoing: _Outgoing, *, overtake: bool = False) -> None:
        """Put a message into its lane; until here its due time is a pause from now."""
        outgoing.due += asyncio.get_running_loop().time()
        lane = self._lanes.get(outgoing.endpoint.id)
        if lane is None:
            lane = self._lanes[outgoing.endpoint.id] = _Lane(self._attempt)
        lane.put(outgoing, let_overtake=overtake)

    def _attempt(self, outgoing: _Outgoing) -> asyncio.Future[None]:
        return asyncio.ensure_future(self._send(outgoing))

    async def _send(self, outgoing: _Outgoing) -> None:
        policy = self._policy()
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer: httpx.Response | None = None
        error = ""
        try:
            answer = await self._post(outgoing, policy.timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            error = f"{type(failure).__name__}: {failure}"
        again = answer is None or answer.status_code in policy.statuses
        outcome: DeliveryOutcome
        if answer is not None and answer.is_success:
            outcome = "accepted"
        elif again and outgoing.attempt <= policy.retries:
            outcome = "will_retry"
        else:
            outcome = "given_up" if again else "refused"
        self._log(outgoing, outcome, answer, error, loop.time() - began)
        if outcome == "will_retry":
            outgoing.attempt += 1
            outgoing.due = policy.pause_seconds
            self._dispatch(outgoing)
            return
        self._open -= 1
        if self._open == 0:
            self._idle.set()

    async def _post(self, outgoing: _Outgoing, timeout_seconds: float) -> httpx.Response:
        if self._client is None:
            # Opened with the first message: reading the certificates takes its time.
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        return await self._client.post(
            outgoing.endpoint.url,
            content=outgoing.message.body,
            headers=outgoing.message.headers_for(outgoing.attempt),
            timeout=timeout_seconds,
        )

    def _log(
        self,
        outgoing: _Outgoing,
        outcome: DeliveryOutcome,
        answer: httpx.Response | None = None,
        error: str = "",
        seconds: float = 0.0,
    ) -> None:
        message = outgoing.message
        self.attempts.append(
            DeliveryAttempt(
                number=next(self._numbers),
                endpoint=outgoing.endpoint.id,
                url=outgoing.endpoint.url,
                event=message.event,
                ticket=message.ticket,
                delivery_id=message.delivery_id,
                attempt=outgoing.attempt,
                at=self._clock(),
                outcome=outcome,
                status=answer.status_code if answer is not None else None,
                answer=answer.text[:_ANSWER_LENGTH] if answer is not None else "",
                error=error,
                seconds=round(seconds, 4),
                body=message.body.decode("utf-8", "replace"),
            )
        )
