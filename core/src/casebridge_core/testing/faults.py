"""Faults between an adapter and any vendor, real or fake: a transport that breaks what it is told.

`Connector.http` is an httpx client, and `FaultyTransport` is what lies below it. So an adapter is
put to every failure of a network without help from its author or its vendor.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import httpx

from casebridge_core.errors import InvalidRequest
from casebridge_core.http import decode_json
from casebridge_core.testing.parts import damaged

Forward = Callable[[], Awaitable[httpx.Response]]
"""Sends the struck request on to the vendor and returns the whole answer."""
Strike = Callable[[httpx.Request, Forward], Awaitable[httpx.Response]]
"""What a fault does with a request: it answers, raises, and forwards the request or does not."""

ELSEWHERE: Final = "elsewhere.example"
"""The host that `redirected` points to; no credential may ever get there."""
_PAGE: Final = "<!doctype html><html><title>Down for maintenance</title><p>Come back later</html>"
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DULL: Final = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-length", "user-agent"}
)
_HTTP_OK: Final = 200


class Killed(BaseException):
    """The process ends here, as far as the adapter is concerned; no ``except Exception`` helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it left the adapter, and what became of it.

    ``told`` is what the vendor answered, None when the request did not reach it; ``answer`` is what
    the adapter got of it, None when it got nothing.
    """

    request: httpx.Request
    content: bytes
    told: httpx.Response | None = None
    answer: httpx.Response | None = None


class FaultyTransport(httpx.AsyncBaseTransport):
    """Records every request, and strikes those that it is told to strike.

    Requests are numbered from 1 since the last `heal`. Like the host's own transport, it lets
    nothing through to a host that the connector's configuration does not name.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, hosts: frozenset[str]) -> None:
        """Stand before ``inner``, which leads to the vendor at ``hosts``."""
        self._inner = inner
        self._hosts = hosts
        self._strike: Strike | None = None
        self._numbers = range(0)
        self._dead = False
        self.calls: list[Call] = []
        self.strangers: list[str] = []
        """The hosts that were asked for and are not the connector's."""

    def strike(self, fault: Strike, *, first: int = 1, count: int = 1_000_000) -> None:
        """Forget what was recorded, and strike ``count`` requests from number ``first`` on."""
        self.heal()
        self._strike, self._numbers = fault, range(first, first + count)

    def heal(self) -> None:
        """Strike nothing more, and forget what was recorded."""
        self._strike, self._dead = None, False
        self.calls = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, or what the fault makes of it.

        Raises:
            InvalidRequest: its host is not one of the connector's.
            Killed: the process has ended.
        """
        if self._dead:
            raise Killed
        host = request.url.netloc.decode().lower()
        if host not in self._hosts:
            self.strangers.append(host)
            raise InvalidRequest(f"{request.url.host} is not a host of this connector")
        content = await request.aread()
        told: httpx.Response | None = None
        answer: httpx.Response | None = None

        async def forward() -> httpx.Response:
            nonlocal told
            told = await _whole(await self._inner.handle_async_request(request))
            return told

        # Kept before it is sent, so that calls stand in the order in which they left.
        calls, number = self.calls, len(self.calls)
        calls.append(Call(request=request, content=content))
        strike = self._strike if number + 1 in self._numbers else None
        try:
            answer = await (forward() if strike is None else strike(request, forward))
            return answer  # noqa: TRY300 - the record is made on the way out
        except Killed:
            self._dead = True
            raise
        finally:
            calls[number] = Call(request=request, content=content, told=told, answer=answer)

    async def aclose(self) -> None:
        """Close the way to the vendor."""
        await self._inner.aclose()


# What may happen to a request. Those that forward leave their mark at the vendor.


def answered(status: int, *, headers: Mapping[str, str] | None = None, content: str = "") -> Strike:
    """Answer without asking the vendor, with JSON unless ``headers`` say otherwise."""
    told = {"content-type": "application/json", **(headers or {})}

    async def strike(_request: httpx.Request, _forward: Forward) -> httpx.Response:
        return httpx.Response(status, headers=told, text=content)

    return strike


def refused(status: int, *, content: str) -> Strike:
    """Answer writes without asking the vendor, with JSON; reads are let through."""
    refusal = answered(status, content=content)

    async def strike(request: httpx.Request, forward: Forward) -> httpx.Response:
        return await (forward() if request.method in _READS else refusal(request, forward))

    return strike


def html() -> Strike:
    """Answer 200 with a web page: a proxy or a sleeping instance stands before the vendor."""
    return answered(_HTTP_OK, headers={"content-type": "text/html"}, content=_PAGE)


def redirected() -> Strike:
    """Answer with a redirect to another host."""
    return answered(302, headers={"location": f"https://{ELSEWHERE}/login"})


async def echoed(request: httpx.Request, _forward: Forward) -> httpx.Response:
    """Answer 422 with a complaint that repeats the request's headers, credential and all."""
    sent = (value for name, value in request.headers.items() if name not in _DULL)
    said = f"not valid: {'; '.join(sent)}"
    places = {"error": said, "message": said, "detail": said}
    return httpx.Response(422, json={**places, "errors": [said], "errorMessages": [said]})


async def unreachable(request: httpx.Request, _forward: Forward) -> httpx.Response:
    """Refuse the connection: certainly nothing was sent."""
    raise httpx.ConnectError("connection refused", request=request)


async def timed_out(request: httpx.Request, forward: Forward) -> httpx.Response:
    """Let the vendor do its work, and lose the answer to a time-out."""
    await forward()
    raise httpx.ReadTimeout("timed out", request=request)


async def cut_off(request: httpx.Request, forward: Forward) -> httpx.Response:
    """Let the vendor do its work, and close the connection without an answer."""
    await forward()
    raise httpx.RemoteProtocolError("server disconnected", request=request)


async def stored_but_500(_request: httpx.Request, forward: Forward) -> httpx.Response:
    """Let the vendor do its work, and answer 500 all the same."""
    await forward()
    return httpx.Response(500, json={"error": "internal error"})


async def stored_but_html(request: httpx.Request, forward: Forward) -> httpx.Response:
    """Let the vendor do its work, and answer 200 with a web page."""
    await forward()
    return await html()(request, forward)


async def half_json(_request: httpx.Request, forward: Forward) -> httpx.Response:
    """Let the vendor do its work, and cut its answer in the middle."""
    answer = await forward()
    half = answer.content[: len(answer.content) // 2] or b'{"half'
    return httpx.Response(answer.status_code, headers=answer.headers, content=half)


async def killed_before(_request: httpx.Request, _forward: Forward) -> httpx.Response:
    """End the process before the request is sent."""
    raise Killed


async def killed_after(_request: httpx.Request, forward: Forward) -> httpx.Response:
    """End the process after the vendor did its work, before anything is recorded here."""
    await forward()
    raise Killed


def claimed(records: Iterable[Call], renamed: Mapping[str, str]) -> Strike:
    """Answer writes with the success of earlier ones, and do not let the vendor do them.

    ``records`` are calls that succeeded, ``renamed`` what their answers must be changed to speak
    of. Reads are let through: this is a vendor that answers 2xx to what its workflow refuses.
    """
    kept = [call for call in records if call.request.method not in _READS]

    async def strike(request: httpx.Request, forward: Forward) -> httpx.Response:
        if request.method in _READS:
            return await forward()
        call = next((each for each in kept if each.request.method == request.method), None)
        if call is None or call.answer is None:
            return httpx.Response(204)
        content = call.answer.content
        for old, new in renamed.items():
            content = content.replace(old.encode(), new.encode())
        return httpx.Response(call.answer.status_code, headers=_plain(call.answer), content=content)

    return strike


def with_gaps(answers: Sequence[httpx.Response | None], most: int) -> Iterator[tuple[Strike, str]]:
    """Yield faults that play answers back in their order, one of them with a gap in its JSON.

    With each comes the text of the answer with the gap; there are no more than ``most`` for each
    answer. What is asked for beyond the answers goes to the vendor.
    """
    for number, answer in enumerate(answers):
        if answer is None or not answer.content:
            continue
        for document in damaged(decode_json(answer), most):
            text = json.dumps(document)
            played = list(answers)
            played[number] = httpx.Response(
                answer.status_code, headers=_plain(answer), content=text.encode()
            )
            yield _played_back(played), text


def _played_back(answers: Sequence[httpx.Response | None]) -> Strike:
    left = iter(answers)

    async def strike(_request: httpx.Request, forward: Forward) -> httpx.Response:
        answer = next(left, None)
        if answer is None:
            return await forward()
        return httpx.Response(answer.status_code, headers=_plain(answer), content=answer.content)

    return strike


async def _whole(response: httpx.Response) -> httpx.Response:
    """Read an answer to its end, so that it can be cut, kept and passed on."""
    try:
        content = await response.aread()
    finally:
        await response.aclose()
    return httpx.Response(
        response.status_code,
        headers=_plain(response),
        content=content,
        extensions={"http_version": response.extensions.get("http_version", b"HTTP/1.1")},
    )


def _plain(response: httpx.Response) -> httpx.Headers:
    """Return the headers that still hold once the body has been decoded."""
    headers = httpx.Headers(response.headers)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return headers
