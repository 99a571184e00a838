"""`ConnectorCatalog`: the accepted plugins, and the only module that talks to pluggy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import Self

import msgspec
import pluggy

from casebridge_core import projection
from casebridge_core._markers import PROJECT_NAME
from casebridge_core.connectors import ConnectorManifest
from casebridge_core.discovery import Discovery, LoadedPlugin, PluginFailure, PluginSource, discover
from casebridge_core.errors import CasebridgeError, DuplicateVendor, PluginError, UnknownVendor
from casebridge_core.hookspecs import HOOKSPEC_GROUPS
from casebridge_core.refusals import SPECS, pluggy_refusal, read_manifest, refuse
from casebridge_core.tickets import Delivery, TicketEvent
from casebridge_core.vendor_hooks import VendorHooks

_DEFAULTS = "casebridge-defaults"


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a payload is: ``event`` when exactly one plugin claims it.

    ``claims`` are the vendors that claimed it (none: unrecognised, several: ambiguous),
    ``failures`` what went wrong in plugins that were asked.
    """

    event: TicketEvent | None
    claims: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class ConnectorCatalog(Mapping[str, VendorHooks]):
    """Vendor name to its hooks, immutable once built.

    ``failures`` lists what is installed and not used, with the reason; ``cross_cutting`` the
    accepted plugins that serve every vendor; ``disabled`` what the allow-list leaves out.
    """

    def __init__(self, discovery: Discovery) -> None:
        """Accept or refuse each loaded plugin; nothing is raised for a bad one."""
        self._manager = pluggy.PluginManager(PROJECT_NAME)
        for group in HOOKSPEC_GROUPS:
            self._manager.add_hookspecs(group)
        self._manager.register(projection, name=_DEFAULTS)
        self._failures = list(discovery.failures)
        self.disabled = discovery.disabled
        vendors = self._register(self._without_duplicates(self._accept(discovery.loaded)))
        self.cross_cutting: tuple[PluginSource, ...] = tuple(
            plugin.source for plugin, manifest in vendors if manifest is None
        )
        self.failures: tuple[PluginFailure, ...] = tuple(self._failures)
        modules = {m.vendor: plugin.module for plugin, m in vendors if m is not None}
        self._vendors = {
            manifest.vendor: self._hooks_of(plugin, manifest, modules)
            for plugin, manifest in vendors
            if manifest is not None
        }

    @classmethod
    def installed(cls, *, only: Collection[str] | None = None) -> Self:
        """Build the catalog of what is installed here; ``only`` is the allow-list."""
        return cls(discover(only=only))

    @classmethod
    def of(cls, **modules: ModuleType) -> Self:
        """Build a catalog of modules at hand, by plugin name (for tests and tools)."""
        return cls(
            Discovery(
                loaded=tuple(
                    LoadedPlugin(
                        source=PluginSource(name=name, distribution="", version=""), module=module
                    )
                    for name, module in sorted(modules.items())
                )
            )
        )

    def __getitem__(self, vendor: str) -> VendorHooks:
        """Return a vendor's hooks.

        Raises:
            UnknownVendor: no accepted plugin serves the vendor.
        """
        try:
            return self._vendors[vendor]
        except KeyError:
            raise UnknownVendor(vendor, tuple(self._vendors)) from None

    def __contains__(self, vendor: object) -> bool:
        return vendor in self._vendors

    def __iter__(self) -> Iterator[str]:
        return iter(self._vendors)

    def __len__(self) -> int:
        return len(self._vendors)

    def detect(self, delivery: Delivery, *, vendor: str | None = None) -> Detection:
        """Ask every plugin (or one vendor's) whose payload this is; nothing is raised."""
        events: list[TicketEvent] = []
        failures: list[str] = []
        for name, hooks in self._vendors.items():
            if vendor is not None and name != vendor:
                continue
            try:
                event = hooks.detect(delivery)
            except CasebridgeError as error:
                failures.append(str(error))
            else:
                events += [event] if event is not None else []
        return Detection(
            event=events[0] if len(events) == 1 else None,
            claims=tuple(event.vendor for event in events),
            failures=tuple(failures),
        )

    def _accept(
        self, plugins: tuple[LoadedPlugin, ...]
    ) -> Iterator[tuple[LoadedPlugin, ConnectorManifest | None]]:
        for plugin in plugins:
            try:
                manifest = read_manifest(plugin.source.name, plugin.module)
                refuse(plugin.source.name, plugin.module, manifest)
            except PluginError as error:
                self._fail(plugin, error)
            else:
                yield plugin, manifest

    def _without_duplicates(
        self, accepted: Iterator[tuple[LoadedPlugin, ConnectorManifest | None]]
    ) -> Iterator[tuple[LoadedPlugin, ConnectorManifest | None]]:
        plugins = list(accepted)
        claimants: dict[str, list[str]] = defaultdict(list)
        for plugin, manifest in plugins:
            if manifest is not None:
                claimants[manifest.vendor].append(plugin.source.name)
        for plugin, manifest in plugins:
            name = plugin.source.name
            rivals = tuple(r for r in claimants[manifest.vendor] if r != name) if manifest else ()
            if manifest is not None and rivals:
                self._fail(plugin, DuplicateVendor(name, manifest.vendor, rivals))
            else:
                yield plugin, manifest

    def _register(
        self, plugins: Iterator[tuple[LoadedPlugin, ConnectorManifest | None]]
    ) -> list[tuple[LoadedPlugin, ConnectorManifest | None]]:
        registered: list[tuple[LoadedPlugin, ConnectorManifest | None]] = []
        for plugin, manifest in plugins:
            name = plugin.source.name
            try:
                self._manager.register(plugin.module, name=name)
            except pluggy.PluginValidationError as error:
                self._fail(plugin, pluggy_refusal(name, error))
            except ValueError:
                problem = "its name or its module is taken by another plugin; leave one of them out"
                self._fail(plugin, PluginError(name, problem))
            else:
                registered.append((plugin, manifest))
        self._manager.check_pending()
        return registered

    def _hooks_of(
        self,
        plugin: LoadedPlugin,
        manifest: ConnectorManifest,
        modules: Mapping[str, object],
    ) -> VendorHooks:
        others = [module for vendor, module in modules.items() if vendor != manifest.vendor]
        callers = {name: self._manager.subset_hook_caller(name, others) for name in SPECS}
        own = frozenset(
            name
            for name in SPECS
            if any(
                found.plugin is plugin.module
                for found in getattr(self._manager.hook, name).get_hookimpls()
            )
        )
        return VendorHooks(plugin.source, manifest, callers, own)

    def _fail(self, plugin: LoadedPlugin, error: PluginError) -> None:
        self._failures.append(PluginFailure(source=plugin.source, error=error))
