"""From a stored connector instance to the `Connector` that hooks are handed."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.renewals import Renewals
from casebridge.services.vault import Vault
from casebridge_core import (
    Connector,
    ConnectorCatalog,
    ConnectorConfig,
    InvalidConfig,
    InvalidRequest,
    StatusOverrides,
    VendorHooks,
)

_CONNECT_SECONDS: Final = 5.0
_LIMITS: Final = httpx.Limits(max_connections=200, max_keepalive_connections=50)


class Meter:
    """Counts a connector's calls in this process, and remembers a wish of its plugin to go slow."""

    def __init__(self, clock: Clock) -> None:
        """Begin at zero."""
        self._clock = clock
        self._calls = 0
        self._quiet_until: datetime | None = None

    def count(self) -> None:
        """Note one call."""
        self._calls += 1

    def slow_down(self, seconds: float) -> None:
        """Note that the vendor's headers ask for a pause of so many seconds from now."""
        until = self._clock() + timedelta(seconds=seconds)
        self._quiet_until = max(self._quiet_until or until, until)

    def drain(self) -> tuple[int, datetime | None]:
        """Return the calls since the last time, and until when to start nothing new, if ever."""
        found = self._calls, self._quiet_until
        self._calls, self._quiet_until = 0, None
        return found


class HostBoundTransport(httpx.AsyncBaseTransport):
    """Lets requests through to the hosts that a connector's configuration names, and no others."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, hosts: frozenset[str], meter: Meter
    ) -> None:
        """Share ``inner``, which is not closed with this transport."""
        self._inner = inner
        self._hosts = hosts
        self._meter = meter

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request.

        Raises:
            InvalidRequest: its host is not one of the connector's.
        """
        if request.url.netloc.decode().lower() not in self._hosts:
            msg = f"{request.url.host} is not a host of this connector's configuration"
            raise InvalidRequest(msg)
        self._meter.count()
        return await self._inner.handle_async_request(request)


class Connections:
    """Opens connectors: decrypts and types their configuration, and binds the HTTP client.

    All of them share one connection pool; each has a client that reaches its own hosts only.
    """

    def __init__(
        self,
        database: Database,
        catalog: ConnectorCatalog,
        vault: Vault,
        clock: Clock,
        *,
        timeout: float,
    ) -> None:
        """Prepare; ``timeout`` (seconds) limits every wait for a vendor's answer."""
        self.catalog = catalog
        self._clock = clock
        self._vault = vault
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        self._pool = httpx.AsyncHTTPTransport(limits=_LIMITS)
        self._renewals = Renewals(database, self, clock, longest=1.5 * timeout)
        self._opened: dict[int, tuple[tuple[object, bytes], Connector[Any]]] = {}
        self._meters: dict[int, Meter] = defaultdict(lambda: Meter(clock))

    def hooks(self, vendor: str) -> VendorHooks:
        """Return a vendor's hooks.

        Raises:
            UnknownVendor: its plugin is not installed, not enabled or refused.
        """
        return self.catalog[vendor]

    def open(self, row: ConnectorRow, tenant: str) -> Connector[Any]:
        """Return the connector of a stored row; ``tenant`` is the tenant's public id.

        Raises:
            UnknownVendor: the plugin is missing.
            InvalidConfig: the stored configuration does not fit the installed plugin.
            VaultError: it cannot be decrypted.
        """
        version = (row.updated_at, row.config_sealed)  # a renewed credential is no edit
        cached = self._opened.get(row.id)
        if cached is not None and cached[0] == version:
            return cached[1]
        config = self.config_of(row)
        meter = self.meter(row.id)
        connector = Connector(
            id=row.public_id,
            tenant_id=tenant,
            vendor=row.vendor,
            config=config,
            http=self._client(config, meter),
            statuses=msgspec.convert(row.status_overrides, StatusOverrides),
            slow_down=meter.slow_down,
            renew=self._renewals.of(row.id),
        )
        self._opened[row.id] = (version, connector)
        return connector

    def meter(self, row_id: int) -> Meter:
        """Return the meter of a stored connector."""
        return self._meters[row_id]

    def unsaved(
        self, vendor: str, raw: object, statuses: StatusOverrides, *, identity: str, tenant: str
    ) -> Connector[Any]:
        """Return a connector of values that are not stored; raises as `open` does."""
        config = self.hooks(vendor).decode_config(raw)
        return Connector(
            id=identity,
            tenant_id=tenant,
            vendor=vendor,
            config=config,
            http=self._client(config, Meter(self._clock)),
            statuses=statuses,
        )

    def forget_renewed(self, vendor: str, raw: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration's JSON values without what renewals fill: it may not fit them."""
        renewed = self.hooks(vendor).manifest.config_type.renewed_fields
        return {name: value for name, value in raw.items() if name not in renewed}

    def seal(self, public_id: str, raw: object) -> bytes:
        """Encrypt a configuration's JSON values for the connector with this public id."""
        return self._vault.seal(msgspec.json.encode(raw), context=_context(public_id))

    def raw_config(self, row: ConnectorRow) -> dict[str, Any]:
        """Decrypt a stored configuration into JSON values, secrets included."""
        plain = self._vault.open(row.config_sealed, context=_context(row.public_id))
        return msgspec.json.decode(plain, type=dict[str, Any])

    def config_of(self, row: ConnectorRow) -> ConnectorConfig:
        """Decrypt and type a stored configuration; raises as `open` does."""
        try:
            return self.hooks(row.vendor).decode_config(self.raw_config(row))
        except InvalidConfig as error:
            raise InvalidConfig(f"config.{error.path}", error.problem) from None

    async def close(self) -> None:
        """Finish what is being renewed, and close the pool."""
        await self._renewals.close()
        await self._pool.aclose()

    def _client(self, config: ConnectorConfig, meter: Meter) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=HostBoundTransport(self._pool, config.hosts(), meter),
            timeout=self._timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "casebridge"},
        )


def site_of(config: ConnectorConfig) -> str:
    """Return the host (and port) by which a payload tells which instance it comes from."""
    return httpx.URL(config.base_url).netloc.decode().lower()


def _context(public_id: str) -> str:
    return f"connector:{public_id}"
