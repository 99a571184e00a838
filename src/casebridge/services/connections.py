"""From a stored connector instance to the `Connector` that hooks are handed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import httpx
import msgspec

from casebridge.persistence.connectors import ConnectorRow
from casebridge.persistence.database import Database
from casebridge.services.clock import Clock
from casebridge.services.meter import Meter
from casebridge.services.reach import LOOPBACK, Reach
from casebridge.services.renewals import Renewals
from casebridge.services.spacing import Spacing
from casebridge.services.transport import GuardedPool, HostBoundTransport
from casebridge.services.vault import Vault
from casebridge_core import (
    Connector,
    ConnectorCatalog,
    ConnectorConfig,
    InvalidConfig,
    StatusOverrides,
    VendorHooks,
)

_CONNECT_SECONDS: Final = 5.0


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
        reach: Reach | None = None,
    ) -> None:
        """Prepare.

        ``timeout`` (seconds) limits every wait for a vendor's answer; ``reach`` says where vendors
        may be, and by default that is on this machine and on the public internet.
        """
        self.catalog = catalog
        self._clock = clock
        self._vault = vault
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        self._reach = reach or Reach.of(LOOPBACK)
        self._pool = GuardedPool(self._reach)
        self._renewals = Renewals(database, self, clock, longest=1.5 * timeout)
        self._opened: dict[int, tuple[tuple[object, bytes], Connector[Any]]] = {}
        self._spacings: dict[int, Spacing] = defaultdict(Spacing)
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
            http=self._client(row.vendor, config, meter),
            statuses=msgspec.convert(row.status_overrides, StatusOverrides),
            slow_down=meter.slow_down,
            space=self._spacings[row.id],
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
        config = self.decode(vendor, raw)
        return Connector(
            id=identity,
            tenant_id=tenant,
            vendor=vendor,
            config=config,
            http=self._client(vendor, config, Meter(self._clock)),
            statuses=statuses,
        )

    def decode(self, vendor: str, raw: object) -> ConnectorConfig:
        """Type a configuration's JSON values, and see that vendors may be where it leads.

        Raises:
            UnknownVendor: the plugin is missing.
            InvalidConfig: a field is wrong, or names a host that the settings do not permit.
        """
        config = self.hooks(vendor).decode_config(raw, plain_http=self._reach.plain_http)
        if (refusal := self._reach.refusal(config.hosts())) is not None:
            raise InvalidConfig("base_url", refusal)
        return config

    def forget_renewed(self, vendor: str, raw: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration's JSON values without what renewals fill: it may not fit them."""
        renewed = self.hooks(vendor).manifest.config_type.renewed_fields
        return {name: value for name, value in raw.items() if name not in renewed}

    def seal(self, public_id: str, raw: object) -> bytes:
        """Encrypt a configuration's JSON values for the connector with this public id."""
        return self._vault.seal(msgspec.json.encode(raw), context=context_of(public_id))

    def raw_config(self, row: ConnectorRow) -> dict[str, Any]:
        """Decrypt a stored configuration into JSON values, secrets included."""
        plain = self._vault.open(row.config_sealed, context=context_of(row.public_id))
        return msgspec.json.decode(plain, type=dict[str, Any])

    def config_of(self, row: ConnectorRow) -> ConnectorConfig:
        """Decrypt and type a stored configuration; raises as `open` does."""
        try:
            return self.decode(row.vendor, self.raw_config(row))
        except InvalidConfig as error:
            raise InvalidConfig(f"config.{error.path}", error.problem) from None

    async def close(self) -> None:
        """Finish what is being renewed, and close the pool."""
        await self._renewals.close()
        await self._pool.aclose()

    def _client(self, vendor: str, config: ConnectorConfig, meter: Meter) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=HostBoundTransport(self._pool, vendor, config.hosts(), meter),
            timeout=self._timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "casebridge"},
        )


def site_of(config: ConnectorConfig) -> str:
    """Return the host (and port) by which a payload tells which instance it comes from."""
    return httpx.URL(config.base_url).netloc.decode().lower()


def context_of(public_id: str) -> str:
    """Return what the sealed configuration of the connector with this public id is bound to."""
    return f"connector:{public_id}"
