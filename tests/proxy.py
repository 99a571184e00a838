"""A TCP proxy before a vendor, which cuts a connection at a chosen moment of a chosen call."""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

Moment = Literal["before_send", "after_send", "in_answer"]

_RESET = struct.pack("ii", 1, 0)
_CHUNK = 65_536


class CuttingProxy:
    """Passes bytes on in both directions until an armed call comes by, which it cuts.

    ``before_send``: the vendor never sees the call. ``after_send``: the vendor has it, and its
    answer finds nobody. ``in_answer``: the connection breaks after the first bytes of the answer.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._armed: list[tuple[bytes, Moment]] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def arm(self, call: str, moment: Moment) -> None:
        """Cut the next call that is so, such as ``POST /rest/api/3/issue``, once.

        One that ends in a slash stands for every call that begins so.
        """
        with self._lock:
            self._armed.append(((call if call.endswith("/") else f"{call} ").encode(), moment))

    @property
    def armed(self) -> int:
        """How many cuts are still to come."""
        return len(self._armed)

    def cut(self) -> int:
        """Reset every connection that is open now; return how many there were."""
        with self._lock:
            found = list(self._open)
        for each in found:
            with suppress(OSError):
                _reset(each)
                each.shutdown(socket.SHUT_RDWR)
        return len(found) // 2

    def serve(self) -> None:
        """Take connections until the proxy is closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._start(self._converse, client)

    def close(self) -> None:
        """Close every connection and wait for the threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _start(self, work: object, *sockets: object) -> None:
        thread = threading.Thread(target=work, args=sockets)  # type: ignore[arg-type]
        self._threads = [each for each in self._threads if each.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _converse(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            client,
            socket.create_connection(self._target) as vendor,
            self._listed(client, vendor),
        ):
            while request := client.recv(_CHUNK):
                moment = self._moment_of(request)
                if moment is not None:
                    request += _rest_of(request, client)
                if moment == "before_send":
                    return _reset(client)
                vendor.sendall(request)
                if moment is not None:
                    answer = vendor.recv(_CHUNK)
                    client.sendall(answer[:10] if moment == "in_answer" else b"")
                    return _reset(client)
                self._answer(client, vendor)
        return None

    @contextmanager
    def _listed(self, *sockets: socket.socket) -> Iterator[None]:
        with self._lock:
            self._open += sockets
        try:
            yield
        finally:
            with self._lock:
                self._open = [each for each in self._open if each not in sockets]

    def _answer(self, client: socket.socket, vendor: socket.socket) -> None:
        """Pass on what the vendor says until the client speaks again."""
        while True:
            speaking, _, _ = select.select([client, vendor], [], [])
            if vendor in speaking:
                answer = vendor.recv(_CHUNK)
                if not answer:
                    raise ConnectionResetError
                client.sendall(answer)
            elif client in speaking:
                return

    def _moment_of(self, request: bytes) -> Moment | None:
        with self._lock:
            for at, (call, moment) in enumerate(self._armed):
                if request.startswith(call):
                    del self._armed[at]
                    return moment
        return None


def _rest_of(request: bytes, client: socket.socket) -> bytes:
    """Read what is missing of a request whose head has come."""
    head, _, body = request.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    missing = (int(found[1]) if found else 0) - len(body)
    rest = b""
    while len(rest) < missing and (more := client.recv(_CHUNK)):
        rest += more
    return rest


def _reset(client: socket.socket) -> None:
    """Let the connection end in a reset, as when a machine between the two gives up."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


@contextmanager
def cutting_proxy(target: str) -> Iterator[CuttingProxy]:
    """Serve a proxy before ``target`` on a free loopback port."""
    proxy = CuttingProxy(target)
    thread = threading.Thread(target=proxy.serve, name="proxy")
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
