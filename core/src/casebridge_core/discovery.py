"""Finding installed plugins: our own loop, so that one broken plugin never hides another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from importlib.metadata import EntryPoint, entry_points

import msgspec

from casebridge_core._markers import PROJECT_NAME
from casebridge_core.errors import PluginError, PluginLoadError


class PluginSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plugin comes from: its entry-point name and the distribution that brought it."""

    name: str
    distribution: str
    version: str


class PluginFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that is installed and not used, and why."""

    source: PluginSource
    error: PluginError


class LoadedPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin whose module was imported; whether it is accepted is the catalog's decision."""

    source: PluginSource
    module: object


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the entry points found. ``disabled`` are installed and not on the list."""

    loaded: tuple[LoadedPlugin, ...] = ()
    failures: tuple[PluginFailure, ...] = ()
    disabled: tuple[PluginSource, ...] = ()


def discover(
    *, only: Collection[str] | None = None, points: Iterable[EntryPoint] | None = None
) -> Discovery:
    """Import every plugin in the entry-point group ``casebridge``, sorted by name.

    ``only`` limits which entry-point names are enabled (None: all). ``points`` replaces the
    installed entry points. Nothing is raised: what fails is listed.
    """
    found = sorted(
        entry_points(group=PROJECT_NAME) if points is None else points,
        key=lambda point: (point.name, point.value),
    )
    names = Counter(point.name for point in found)
    loaded: list[LoadedPlugin] = []
    failures: list[PluginFailure] = []
    disabled: list[PluginSource] = []
    for point in found:
        source = _source(point)
        if only is not None and point.name not in only:
            disabled.append(source)
        elif names[point.name] > 1:
            error = PluginError(
                point.name, "two installed distributions use this entry-point name; uninstall one"
            )
            failures.append(PluginFailure(source=source, error=error))
        else:
            try:
                loaded.append(LoadedPlugin(source=source, module=point.load()))
            except Exception as cause:  # noqa: BLE001 - any failure of a stranger's import is listed
                error = PluginLoadError(
                    point.name, f"importing {point.value} failed: {type(cause).__name__}: {cause}"
                )
                error.__cause__ = cause
                failures.append(PluginFailure(source=source, error=error))
    for missing in sorted(set(only or ()) - set(names)):
        source = PluginSource(name=missing, distribution="", version="")
        error = PluginError(missing, "is enabled but not installed; install it or take it off the list")
        failures.append(PluginFailure(source=source, error=error))
    return Discovery(loaded=tuple(loaded), failures=tuple(failures), disabled=tuple(disabled))


def _source(point: EntryPoint) -> PluginSource:
    distribution = point.dist
    return PluginSource(
        name=point.name,
        distribution=distribution.name if distribution else "",
        version=distribution.version if distribution else "",
    )
