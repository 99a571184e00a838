"""/v1/plugins: what is installed, what it can do, and what is refused and why."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get

from casebridge.web.access import Caller, TheBridge
from casebridge_core.discovery import PluginSource


class VendorView(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor that is served, with the schema of its connectors' configuration."""

    vendor: str
    title: str
    plugin: PluginSource
    capabilities: list[str]
    config_schema: dict[str, Any]
    docs_url: str


class RefusedView(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that is installed and not used."""

    plugin: PluginSource
    error: str


class PluginsView(msgspec.Struct, frozen=True, kw_only=True):
    """Every installed plugin, by what became of it."""

    vendors: list[VendorView]
    cross_cutting: list[PluginSource]
    refused: list[RefusedView]
    disabled: list[PluginSource]


@get("/plugins", tags=["plugins"])
async def list_plugins(bridge: TheBridge, who: Caller) -> PluginsView:  # noqa: ARG001 - asks for a key
    """List the installed plugins."""
    catalog = bridge.catalog
    return PluginsView(
        vendors=[
            VendorView(
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
            RefusedView(plugin=failure.source, error=str(failure.error))
            for failure in catalog.failures
        ],
        disabled=list(catalog.disabled),
    )
