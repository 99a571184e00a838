"""Serving the application: in the foreground, or in a thread beside something else."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from casebridge.patience import patient

if TYPE_CHECKING:
    from litestar import Litestar

LOOPBACK: Final = "127.0.0.1"
_GRACE_SECONDS: Final = 5
_PATIENCE_SECONDS: Final = 10.0
_NEW_OBJECTS: Final = 20_000


class NotServing(RuntimeError):
    """The server did not come up; the cause is chained."""


def serve(app: Litestar, *, host: str, port: int, patience: float = _PATIENCE_SECONDS) -> None:
    """Serve in the foreground until the process is told to stop.

    ``patience`` is how many seconds the head of a request may take to arrive.

    Raises:
        NotServing: the address is taken, or the application did not start; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with _tcp_socket(family) as listener:
        try:
            listener.bind((host, port))
        except OSError as error:
            raise NotServing(f"cannot listen on {host} port {port}: {error.strerror}") from error
        server = _Server(app, patience)
        _collect_less_often()
        with suppress(SystemExit):  # how uvicorn ends after a failed start
            server.run([listener])
        if not server.started:
            raise NotServing(why(app.state.get("startup_failure")))


def why(failure: BaseException | None) -> str:
    """Say in one sentence why the start failed; a database's own words may hold its password."""
    match failure:
        case SQLAlchemyError() | OSError():
            kind = getattr(failure, "reason", None) or type(failure).__name__
            return f"the database cannot be used ({kind}); check CASEBRIDGE_DATABASE_URL"
        case None:
            return "the service did not start; see the log"
        case _:
            return str(failure)


@contextmanager
def serving(
    app: Litestar, listener: socket.socket, *, patience: float = _PATIENCE_SECONDS
) -> Iterator[None]:
    """Serve in a background thread on a bound socket, from ready to stopped.

    Raises:
        NotServing: the application did not start.
    """
    server = _Server(app, patience)
    thread = threading.Thread(target=server.run_quietly, args=(listener,), name="casebridge")
    thread.start()
    server.ready.wait()
    try:
        if not server.started:
            raise NotServing("the service did not start") from server.failure
        yield
    finally:
        server.should_exit = True
        thread.join()


def bound_socket(port: int = 0) -> socket.socket:
    """Return a socket that listens on a loopback port, on any free one when it is taken or 0.

    It listens at once: until one of them does, two processes can be bound to the same port.
    """
    for wanted in (port, 0):
        listener = _tcp_socket(socket.AF_INET)
        try:
            listener.bind((LOOPBACK, wanted))
            listener.listen()
        except OSError:
            listener.close()
        else:
            return listener
    raise NotServing(f"no port of {LOOPBACK} can be listened on")


def free_port(wanted: int) -> int:
    """Return a port to listen on: the wanted one where it is free, else any."""
    with bound_socket(wanted) as listener:
        return int(listener.getsockname()[1])


def address_of(listener: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = listener.getsockname()
    return f"http://{host}:{port}"


def _collect_less_often() -> None:
    """Let Python look for garbage less often, and no more among what the process consists of.

    It looked at every few requests. What is no cycle is freed at once all the same.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def _tcp_socket(family: socket.AddressFamily) -> socket.socket:
    """Return a socket to listen on.

    asyncio turns off Nagle's delay, some 40 ms an answer, only where the protocol is named.
    """
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return found


class _Server(uvicorn.Server):
    """A uvicorn server that tells when it is ready, or why it is not."""

    def __init__(self, app: Litestar, patience: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                http=patient(patience),
                ws="none",
                proxy_headers=False,  # the application has a setting for whom to believe
                lifespan="on",
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self.ready = threading.Event()
        self.failure: BaseException | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def run_quietly(self, listener: socket.socket) -> None:
        """Run in a thread of its own; a failure is kept for whoever waits."""
        try:
            self.run([listener])
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            self.failure = error
        finally:
            self.ready.set()
