"""Finding installed plugins: our own loop, so that one broken plugin never hides another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import Distribution, EntryPoint, distributions

import msgspec

from casebridge_core._markers import PROJECT_NAME
from casebridge_core.errors import PluginError, PluginLoadError, told


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
    installed entry points. Nothing is raised: what fails is listed. Only a `KeyboardInterrupt`
    passes, for it is a person's.
    """
    failures: list[PluginFailure] = []
    found = sorted(
        _installed(failures) if points is None else points,
        key=lambda point: (point.name, point.value),
    )
    names = Counter(point.name for point in found)
    loaded: list[LoadedPlugin] = []
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
            except KeyboardInterrupt:
                raise
            except BaseException as cause:  # noqa: BLE001 - a stranger's import may even call exit()
                error = PluginLoadError(
                    point.name, f"importing {point.value} failed: {told(cause)}"
                )
                error.__cause__ = cause
                failures.append(PluginFailure(source=source, error=error))
    for missing in sorted(set(only or ()) - set(names)):
        source = PluginSource(name=missing, distribution="", version="")
        error = PluginError(
            missing, "is enabled but not installed; install it or take it off the list"
        )
        failures.append(PluginFailure(source=source, error=error))
    return Discovery(loaded=tuple(loaded), failures=tuple(failures), disabled=tuple(disabled))


def _installed(failures: list[PluginFailure]) -> Iterator[EntryPoint]:
    """Yield the installed entry points of the group; what cannot be read goes to ``failures``.

    `importlib.metadata.entry_points` is not used: a single distribution with a malformed
    ``entry_points.txt`` makes it raise for all of them.
    """
    seen: set[str] = set()
    for distribution in distributions():
        name = _told_of(distribution, "name")
        normalized = re.sub(r"[-_.]+", "-", name).lower()
        if normalized in seen:
            continue  # hidden by one that stands earlier on the path
        seen.update({normalized} - {""})
        try:
            yield from distribution.entry_points.select(group=PROJECT_NAME)
        except Exception as cause:  # noqa: BLE001 - whatever a stranger's metadata causes is listed
            if f"[{PROJECT_NAME}]" in (distribution.read_text("entry_points.txt") or ""):
                version = _told_of(distribution, "version")
                source = PluginSource(name=name, distribution=name, version=version)
                error = PluginLoadError(name, f"its entry points cannot be read: {told(cause)}")
                error.__cause__ = cause
                failures.append(PluginFailure(source=source, error=error))


def _told_of(distribution: Distribution | None, what: str) -> str:
    """Return a distribution's name or version, empty when its metadata does not tell.

    Each is asked for where it is needed: to read all metadata of an installation takes its time.
    """
    # The stubs promise strings; a distribution without METADATA gives None or raises.
    try:
        value: str | None = getattr(distribution, what, None)
    except Exception:  # noqa: BLE001 - which error it is depends on Python's version
        return ""
    return value or ""


def _source(point: EntryPoint) -> PluginSource:
    return PluginSource(
        name=point.name,
        distribution=_told_of(point.dist, "name"),
        version=_told_of(point.dist, "version"),
    )
