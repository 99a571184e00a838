"""Serving a sandbox on a loopback port: in a thread for tests, or in the foreground."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from casebridge_sandbox.control.client import SandboxControl
from casebridge_sandbox.sandbox import VendorSandbox
from casebridge_sandbox.serving import SandboxApplication

__all__ = ("RunningSandbox", "running", "serve")

_LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 3
_TICK_SECONDS = 0.1

SandboxT = TypeVar("SandboxT", bound=VendorSandbox[Any])


@dataclass(frozen=True, slots=True)
class RunningSandbox(Generic[SandboxT]):
    """A sandbox that is being served.

    Attributes:
        sandbox: The vendor. Its state belongs to the server's thread: look at it and change
            it through `control`.
        url: The address to configure an integration with, context path included.
        control: The client of its control API.
    """

    sandbox: SandboxT
    url: str
    control: SandboxControl


@contextmanager
def running(
    sandbox: SandboxT, *, port: int = 0, host: str = _LOOPBACK
) -> Iterator[RunningSandbox[SandboxT]]:
    """Serve a sandbox in a background thread.

    Args:
        sandbox: The vendor.
        port: The port; 0 takes a free one.
        host: The address to listen on.

    Yields:
        The running sandbox; it is ready to be called.

    Raises:
        RuntimeError: If the server does not come up.

    Example:
        >>> from casebridge_sandbox import JiraSandbox, running
        >>> with running(JiraSandbox()) as vendor:
        ...     vendor.control.tickets()
        []
    """
    listener = _listen(host, port)
    server = _Server(sandbox, listener)
    thread = threading.Thread(target=server.run_quietly, name=f"sandbox-{sandbox.vendor}")
    thread.start()
    server.ready.wait()
    if server.failure is not None:
        thread.join()
        listener.close()
        msg = f"the {sandbox.vendor} sandbox did not start"
        raise RuntimeError(msg) from server.failure
    try:
        with SandboxControl(sandbox.origin) as control:
            yield RunningSandbox(sandbox, sandbox.base_url, control)
    finally:
        server.stop()
        thread.join()
        listener.close()


def serve(
    sandbox: VendorSandbox[Any],
    *,
    port: int = 0,
    host: str = _LOOPBACK,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a sandbox until the process is interrupted.

    Args:
        sandbox: The vendor.
        port: The port; 0 takes a free one.
        host: The address to listen on.
        ready: What to call with the address once it can be called.
    """
    listener = _listen(host, port)
    server = _Server(sandbox, listener, on_ready=ready)
    with suppress(KeyboardInterrupt):
        server.run([listener])
    listener.close()


def _listen(host: str, port: int) -> socket.socket:
    # asyncio turns off Nagle's delay, some 40 ms an answer, only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready and can close single connections."""

    def __init__(
        self,
        sandbox: VendorSandbox[Any],
        listener: socket.socket,
        *,
        on_ready: Callable[[str], None] | None = None,
    ) -> None:
        self._on_ready = on_ready
        self._sandbox = sandbox
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self._listener = listener
        self._loop: asyncio.AbstractEventLoop | None = None
        transports: dict[tuple[str, int], asyncio.Transport] = {}

        class TrackedProtocol(H11Protocol):
            """Remembers the transport of every peer, so that a fault can close it."""

            @override
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                self.sandbox_peer = transport.get_extra_info("peername")
                transports[self.sandbox_peer] = transport
                super().connection_made(transport)

            @override
            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.sandbox_peer, None)
                super().connection_lost(exc)

        def close_connection(scope: Any) -> None:  # noqa: ANN401 - an ASGI scope
            transport = transports.get(tuple(scope["client"]))
            if transport is not None:  # else the caller went first
                transport.close()

        host, port = listener.getsockname()[:2]
        sandbox.origin = f"http://{_LOOPBACK if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
        self._application = SandboxApplication(sandbox, close_connection=close_connection)
        super().__init__(
            uvicorn.Config(
                self._application,
                http=TrackedProtocol,
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,  # the vendor's clock tells the time
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )

    def run_quietly(self) -> None:
        """Serve in this thread; keep a failure for the one that waits."""
        try:
            self.run([self._listener])
        except BaseException as failure:  # noqa: BLE001 - handed to the waiting thread
            self.failure = failure
        finally:
            self.ready.set()

    def stop(self) -> None:
        """Ask the server to stop, from another thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._application.stopping.set)

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready(self._sandbox.base_url)
        self.ready.set()

    @override
    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter = (counter + 1) % 864_000
            with suppress(TimeoutError):
                await asyncio.wait_for(self._application.stopping.wait(), _TICK_SECONDS)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._application.stopping.set()
        await super().shutdown(sockets)
