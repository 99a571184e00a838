"""What is installed, what it can do, and what is refused and why."""

from __future__ import annotations

from typing import Any

import msgspec

from casebridge_core import ConnectorCatalog
from casebridge_core.discovery import PluginSource


class VendorEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor that is served, with the schema of its connectors' configuration."""

    vendor: str
    title: str
    plugin: PluginSource
    capabilities: list[str]
    config_schema: dict[str, Any]
    docs_url: str


class RefusedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that is installed and not used."""

    plugin: PluginSource
    error: str


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """Every installed plugin, by what became of it."""

    vendors: list[VendorEntry]
    cross_cutting: list[PluginSource]
    refused: list[RefusedEntry]
    disabled: list[PluginSource]


def take_inventory(catalog: ConnectorCatalog) -> Inventory:
    """List a catalog's plugins."""
    return Inventory(
        vendors=[
            VendorEntry(
                vendor=vendor,
                title=hooks.manifest.title,
                plugin=hooks.source,
                capabilities=sorted(hooks.manifest.capabilities),
                config_schema=hooks.config_schema(),
                docs_url=hooks.manifest.docs_url,
            )
            for vendor, hooks in catalog.items()
        ],
        cross_cutting=list(catalog.cross_cutting),
        refused=[
            RefusedEntry(plugin=failure.source, error=str(failure.error))
            for failure in catalog.failures
        ],
        disabled=list(catalog.disabled),
    )
