"""A load generator's connection: HTTP/1.1 with keep-alive, and next to no cost of its own.

A full client, asked for a hundred requests at once, spends more time on each than the service
does, and the figures would be its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

_OK: Final = range(200, 300)


class Wire:
    """One connection to a service, for one request at a time."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        """``headers`` go with every request."""
        self._address = urlsplit(url)
        lines = {"Host": self._address.netloc, "Content-Type": "application/json", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    async def __aenter__(self) -> Self:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(
            self._address.hostname, self._address.port
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._writer.close()
        await self._writer.wait_closed()

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> bytes:
        """Send a request and return the body of its answer.

        Raises:
            RuntimeError: the answer is not a success.
        """
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        start = f"{method} {path} HTTP/1.1\r\n{self._head}{more}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(start.encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status, length = int(head[9:12]), 0
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        answer = await self._reader.readexactly(length)
        if status not in _OK:
            msg = f"{method} {path} was answered {status}: {answer[:300]!r}"
            raise RuntimeError(msg)
        return answer
