"""The configurations of connectors: what may be shown, what an edit makes of them, and faults."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from casebridge.persistence.connectors import ConnectorRow
from casebridge.services.connections import Connections, site_of
from casebridge.services.faults import Invalid
from casebridge.services.tenants import Principal
from casebridge.services.vault import VaultError
from casebridge_core import InvalidConfig, StatusOverrides, UnknownVendor, visible_config
from casebridge_core.secret import MASK


class ConnectorConfigs:
    """Reads and checks configurations; secrets go in, and never come out."""

    def __init__(self, connections: Connections) -> None:
        """Bind what decrypts and types them."""
        self._connections = connections

    def visible(self, row: ConnectorRow) -> dict[str, Any] | None:
        """Return the configuration with its secrets masked; None when it cannot be used."""
        try:
            return visible_config(self._connections.config_of(row))
        except (InvalidConfig, UnknownVendor, VaultError):
            return None

    def problem(self, row: ConnectorRow) -> str | None:
        """Return why the stored configuration cannot be used, with the cure; None when it can."""
        try:
            self._connections.config_of(row)
        except VaultError as error:
            return f"{error}; bring that key back, or fill in the configuration with its secrets"
        except (InvalidConfig, UnknownVendor) as error:
            return str(error)
        return None

    def edited(self, row: ConnectorRow, given: dict[str, Any] | UnsetType) -> dict[str, Any]:
        """Return a row's configuration with what is given laid over it.

        Raises:
            Invalid: what is stored cannot be opened and is needed, or a secret would go to a host
                that it was not given for.
        """
        stored = self._stored(row, anew=given is not UNSET)
        if given is UNSET:
            return stored
        raw = self._connections.forget_renewed(row.vendor, merged(stored, given))
        self._refuse_to_carry_secrets(row.vendor, stored, raw, given)
        return raw

    def site(
        self,
        who: Principal,
        vendor: str,
        raw: dict[str, Any],
        statuses: StatusOverrides,
        identity: str,
    ) -> str:
        """Return the site that a configuration leads to.

        Raises:
            Invalid: the configuration is wrong (with its path), or no plugin serves the vendor.
        """
        try:
            connector = self._connections.unsaved(
                vendor, raw, statuses, identity=identity, tenant=who.tenant
            )
        except UnknownVendor as error:
            raise Invalid(str(error), field="vendor") from error
        except InvalidConfig as error:
            raise Invalid(error.problem, field=f"config.{error.path}".rstrip(".")) from error
        return site_of(connector.config)

    def _stored(self, row: ConnectorRow, *, anew: bool) -> dict[str, Any]:
        """Return what an edit lays its values over: nothing, where they are given ``anew``.

        Raises:
            Invalid: it cannot be opened, and is needed.
        """
        try:
            return self._connections.raw_config(row)
        except VaultError as error:
            if anew:
                return {}
            raise Invalid(self.problem(row) or str(error), field="config") from error

    def _refuse_to_carry_secrets(
        self, vendor: str, stored: dict[str, Any], raw: dict[str, Any], given: dict[str, Any]
    ) -> None:
        """Refuse a new host with an old secret, which would hand the secret to that host."""
        decode = self._connections.decode
        try:
            before, after = decode(vendor, stored), decode(vendor, raw)
        except InvalidConfig:
            return  # the check that follows tells what is wrong
        if after.hosts() <= before.hosts():
            return
        for name, value in visible_config(after).items():
            if value == MASK and given.get(name, MASK) == MASK:
                raise Invalid(
                    "give the secret again, since the configuration now names another host",
                    field=f"config.{name}",
                )


def merged(stored: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Lay a given configuration over the stored one: masked and absent secrets keep their value.

    A field that is given as null goes back to its default.
    """
    kept = {name: value for name, value in given.items() if value != MASK}
    merged = {**stored, **kept}
    return {name: value for name, value in merged.items() if value is not None}
