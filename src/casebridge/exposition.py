"""Where Prometheus scrapes a process: a listener of its own, apart from what vendors reach."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from casebridge.services.gauges import Gauges
from casebridge.settings import InvalidSettings

log = logging.getLogger(__name__)

_PATH: Final = "/metrics"
_HIGHEST_PORT: Final = 65_535


@asynccontextmanager
async def exposed(address: str, gauges: Gauges) -> AsyncIterator[None]:
    """Answer scrapes at ``address`` (host:port) while inside; an empty address exposes nothing.

    Raises:
        InvalidSettings: it is no address, or it cannot be listened on.
    """
    if not address:
        yield
        return
    with _listening(address) as listener:
        config = uvicorn.Config(
            _Scrape(gauges), log_config=None, access_log=False, lifespan="off", ws="none"
        )
        server = _Beside(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    problem = "must be host:port, such as 127.0.0.1:9464"
    if host and port.isdecimal() and int(port) <= _HIGHEST_PORT:
        host = host.strip("[]")
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, int(port)), family=family)
        except OSError as error:
            problem = f"cannot be listened on: {error.strerror}"
        else:
            with listener:
                yield listener
            return
    raise InvalidSettings(f"CASEBRIDGE_METRICS_ADDRESS {problem}")


class _Beside(uvicorn.Server):
    """A server beside the process's own work: signals are for that."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Scrape:
    """GET /metrics: what the process counted, and what stands in the database."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG002 - ASGI
        if scope["path"] != _PATH or scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 404, "text/plain", f"the metrics are at {_PATH}\n".encode())
            return
        accepted = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        encode, content_type = choose_encoder(accepted)
        everything = CollectorRegistry()
        everything.register(REGISTRY)
        try:
            everything.register(_Standing(await self._gauges.read()))
        except (SQLAlchemyError, OSError) as error:  # then the process's own matter the more
            log.warning("the database does not tell its gauges: %s", type(error).__name__)
        body = encode(everything)
        await _answer(send, 200, content_type, body)


class _Standing(Collector):
    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


async def _answer(send: Any, status: int, content_type: str, body: bytes) -> None:  # noqa: ANN401 - ASGI
    headers = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
