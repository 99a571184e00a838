"""Load: webhooks over a fixed number of connections, each sent when the one before is answered.

The requests are made before the clock starts, and an answer is read no further than its status and
its body, so that the generator costs as little as it can.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast
from urllib.parse import urlsplit

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Volley:
    """What was measured: every answer's seconds and body, and the seconds for all of them."""

    seconds: float
    took: list[float]
    answers: list[bytes]


def request(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of a POST."""
    address = urlsplit(url)
    lines = {
        "Host": address.netloc,
        "User-Agent": "Atlassian Webhook HTTP Client",
        "Content-Type": "application/json; charset=UTF-8",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {address.path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def fire(url: str, requests: Sequence[bytes], *, connections: int) -> Volley:
    """Send the requests, in their order, and return what came of them.

    Raises:
        RuntimeError: an answer is not 200.
    """
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    waiting, took, answers = iter(requests), list[float](), list[bytes]()
    lines = [_Line(waiting, took, answers, loop.create_future()) for _ in range(connections)]
    host, port = address.hostname or "", address.port or 80
    for line in lines:
        await loop.create_connection(partial(_same, line), host, port)
    began = time.perf_counter()
    for line in lines:
        line.send()
    await asyncio.gather(*(line.done for line in lines))
    return Volley(time.perf_counter() - began, took, answers)


def _same(line: _Line) -> _Line:
    return line


class _Line(asyncio.Protocol):
    """One connection, with one request at a time."""

    def __init__(
        self,
        waiting: Iterator[bytes],
        took: list[float],
        answers: list[bytes],
        done: asyncio.Future[None],
    ) -> None:
        self._waiting, self._took, self._answers, self.done = waiting, took, answers, done
        self._received = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not of this class

    def send(self) -> None:
        """Send the next request, if there is one."""
        following = next(self._waiting, None)
        if following is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end:
            return
        at = head.lower().index(_LENGTH) + len(_LENGTH)
        if len(body) < int(head[at : at + 8].partition(b"\r")[0]):
            return
        self._received = b""
        self._took.append(time.perf_counter() - self._began)
        self._answers.append(body)
        if head[9:12] != b"200":
            self.done.set_exception(RuntimeError(f"answered {head[9:12]!r}: {body[:300]!r}"))
            self._transport.close()
            return
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or RuntimeError("the server closed the connection"))
