"""The HTTP transports of connectors: one pool for all, and a door for each."""

from __future__ import annotations

import functools
import ssl
from typing import Final

import httpcore
import httpx

from casebridge.services.meter import Meter
from casebridge.services.reach import GuardedBackend, Reach, Resolve
from casebridge.services.tenure import TENURE
from casebridge.telemetry.metrics import VENDOR_CALLS, outcome_of_answer, timed
from casebridge.telemetry.traces import span
from casebridge_core import InvalidRequest, VendorUnavailable

_MOST_CONNECTIONS: Final = 200
_MOST_IDLE: Final = 50
_IDLE_SECONDS: Final = 5.0


class GuardedPool(httpx.AsyncHTTPTransport):
    """The connections of every connector, to addresses that the settings permit."""

    def __init__(self, reach: Reach, resolve: Resolve | None = None) -> None:
        """Open none yet; ``resolve`` stands for the system's own resolver."""
        context = _trust()
        super().__init__(verify=context)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=_MOST_CONNECTIONS,
            max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=GuardedBackend(reach, resolve),
        )


class HostBoundTransport(httpx.AsyncBaseTransport):
    """Lets requests through to the hosts that a connector's configuration names, and no others."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, vendor: str, hosts: frozenset[str], meter: Meter
    ) -> None:
        """Share ``inner``, which is not closed with this transport."""
        self._inner = inner
        self._vendor = vendor
        self._hosts = hosts
        self._meter = meter

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request.

        Raises:
            InvalidRequest: its host is not one of the connector's.
            VendorUnavailable: the lease is over under which it would be sent, so that another
                process may be at the same ticket; nothing was sent.
        """
        if request.url.netloc.decode().lower() not in self._hosts:
            msg = f"{request.url.host} is not a host of this connector's configuration"
            raise InvalidRequest(msg)
        tenure = TENURE.get()
        if tenure is not None and tenure.is_over:
            raise VendorUnavailable("nothing was sent: this process stood still past its lease")
        self._meter.count()
        with (
            timed(VENDOR_CALLS, self._vendor) as outcome,
            span(f"{self._vendor} {request.method}", vendor=self._vendor, host=request.url.host),
        ):
            answer = await self._inner.handle_async_request(request)
            outcome[0] = outcome_of_answer(answer.status_code)
        return answer


@functools.cache
def _trust() -> ssl.SSLContext:
    """Read the certificates once for every pool of this process: that takes its time."""
    return httpx.create_ssl_context()
