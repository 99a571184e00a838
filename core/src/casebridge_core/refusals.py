"""The rules by which a plugin is refused, each with the sentence that says what to do."""

from __future__ import annotations

import difflib
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final, cast

from casebridge_core._markers import CONTRACT_VERSION, OLDEST_CONTRACT, PROJECT_NAME
from casebridge_core.connectors import (
    Capability,
    ConnectorConfig,
    ConnectorManifest,
    config_schema,
)
from casebridge_core.errors import ManifestMismatch, PluginError, UnsupportedHook, told
from casebridge_core.hookspecs import HOOKSPEC_GROUPS
from casebridge_core.signatures import SignatureScheme
from casebridge_core.tickets import NativeStatus

DECLARE: Final = "itsm_declare_connector"
_VENDOR: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")

SPECS: Final[Mapping[str, Callable[..., Any]]] = {
    name: function
    for group in HOOKSPEC_GROUPS
    for name, function in vars(group).items()
    if name.startswith("itsm_")
}
"""Every hook specification by its name."""

ASYNC_HOOKS: Final[frozenset[str]] = frozenset(
    name
    for name, function in SPECS.items()
    if "Awaitable" in str(function.__annotations__.get("return", ""))
)
"""The hooks that may call the vendor and are therefore written ``async def``."""

HOOKS_OF: Final[Mapping[Capability, frozenset[str]]] = {
    Capability.PUSH_CASE: frozenset({"itsm_push_case"}),
    Capability.PUSH_STATUS: frozenset({"itsm_map_outbound_status", "itsm_push_status_change"}),
    Capability.PUSH_COMMENT: frozenset({"itsm_push_comment", "itsm_find_comment"}),
    Capability.FIND_TICKET: frozenset({"itsm_find_ticket"}),
    Capability.FETCH_TICKET: frozenset({"itsm_fetch_ticket"}),
    Capability.LIST_CHANGES: frozenset({"itsm_list_changes"}),
    Capability.INBOUND_STATUS: frozenset({"itsm_detect_inbound", "itsm_map_inbound_status"}),
    Capability.INBOUND_ASSIGNEE: frozenset({"itsm_detect_inbound"}),
    Capability.INBOUND_COMMENTS: frozenset({"itsm_detect_inbound"}),
}
"""The hooks that each capability stands for."""

_OVERRIDABLE: Final = frozenset({"itsm_map_outbound_status", "itsm_map_inbound_status"})

_KINDS: Final[Mapping[str, type]] = {
    "vendor": str,
    "title": str,
    "capabilities": frozenset,
    "config_type": type,
    "signature_schemes": tuple,
    "known_statuses": tuple,
    "docs_url": str,
    "index_lag": float,
    "contract": int,
}
_ITEM_KINDS: Final[Mapping[str, type]] = {
    "capabilities": Capability,
    "signature_schemes": SignatureScheme,
    "known_statuses": NativeStatus,
}


def read_manifest(name: str, plugin: object) -> ConnectorManifest | None:
    """Return the plugin's manifest, or None when it is a cross-cutting plugin.

    Raises:
        UnsupportedHook: the plugin is not a module, or its declaration is a coroutine.
        ManifestMismatch: the declaration fails or is not a manifest.
    """
    declare = dict(_hooks(name, _module(name, plugin))).get(DECLARE)
    if declare is None:
        return None
    if inspect.iscoroutinefunction(declare):
        raise UnsupportedHook(name, _must_be_plain(DECLARE))
    try:
        manifest = declare()
    except KeyboardInterrupt:
        raise
    except BaseException as cause:
        raise ManifestMismatch(name, f"{DECLARE} failed: {told(cause)}") from cause
    if not isinstance(manifest, ConnectorManifest):
        raise ManifestMismatch(
            name, f"{DECLARE} must return a ConnectorManifest, not {type(manifest).__name__}"
        )
    return manifest


def refuse(name: str, plugin: object, manifest: ConnectorManifest | None) -> None:
    """Check every rule; ``plugin`` is what the entry point names.

    Raises:
        UnsupportedHook: a hook is written in a way that cannot work.
        ManifestMismatch: manifest and hooks do not agree.
    """
    module = _module(name, plugin)
    hooks = dict(_hooks(name, module))
    for problem in (*_marker_problems(module, hooks), *_hook_problems(hooks)):
        raise UnsupportedHook(name, problem)
    if manifest is None:
        problems = _cross_cutting_problems(hooks)
    else:
        problems = itertools.chain(
            _shape_problems(manifest),
            _manifest_problems(manifest),
            _capability_problems(manifest, hooks),
        )
    for problem in problems:
        raise ManifestMismatch(name, problem)


def pluggy_refusal(name: str, error: Exception) -> PluginError:
    """Tell pluggy's own refusal (such as an argument the specification has not) as ours."""
    return UnsupportedHook(name, " ".join(str(error).split()))


def _module(name: str, plugin: object) -> ModuleType:
    if isinstance(plugin, ModuleType):
        return plugin
    what = "a class" if isinstance(plugin, type) else f"an object of type {type(plugin).__name__}"
    raise UnsupportedHook(
        name,
        f"the entry point must name a module, not {what}:"
        " a class or object would carry state from one tenant to another",
    )


def _hooks(name: str, plugin: ModuleType) -> Iterator[tuple[str, Callable[..., Any]]]:
    # The names that pluggy will look at: a module's own __dir__ and __getattr__ count.
    for attribute in dir(plugin):
        try:
            value = getattr(plugin, attribute)
        except Exception as cause:
            raise UnsupportedHook(name, f"reading {attribute} failed: {told(cause)}") from cause
        if inspect.isroutine(value) and _options(value) is not None:
            yield attribute, value


def _options(function: object) -> Mapping[str, Any] | None:
    options: object = getattr(function, f"{PROJECT_NAME}_impl", None)
    return cast("dict[str, Any]", options) if isinstance(options, dict) else None


def _marker_problems(plugin: ModuleType, hooks: Mapping[str, Callable[..., Any]]) -> Iterator[str]:
    for name in sorted(SPECS.keys() - hooks.keys()):
        if inspect.isroutine(vars(plugin).get(name)):
            yield f"{name} is not marked; put @casebridge_core.hookimpl before it"


def _hook_problems(hooks: Mapping[str, Callable[..., Any]]) -> Iterator[str]:
    for name, function in hooks.items():
        options = _options(function) or {}
        if options.get("specname"):
            yield f"{name} uses specname; name the function after its hook instead"
        elif name not in SPECS:
            if not options.get("optionalhook"):
                close = difflib.get_close_matches(name, SPECS, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                yield f"{name} is not a hook of this contract{hint}"
        elif name in ASYNC_HOOKS and (options.get("wrapper") or options.get("hookwrapper")):
            yield (
                f"{name} cannot be wrapped: a wrapper ends before the call to the vendor starts;"
                " wrap itsm_project_case to change what leaves"
            )
        elif name in ASYNC_HOOKS and not inspect.iscoroutinefunction(function):
            yield f"{name} must be written with async def"
        elif name not in ASYNC_HOOKS and inspect.iscoroutinefunction(function):
            yield _must_be_plain(name)
        else:
            yield from _argument_problems(name, function)


def _must_be_plain(name: str) -> str:
    return f"{name} must be a plain function: it is pure and is not awaited"


def _argument_problems(name: str, function: Callable[..., Any]) -> Iterator[str]:
    for argument in inspect.signature(function).parameters.values():
        if argument.kind not in {argument.POSITIONAL_ONLY, argument.POSITIONAL_OR_KEYWORD}:
            yield f"{name} takes {argument}; a hook takes plain arguments by their names only"
        elif argument.default is not argument.empty:
            yield (
                f"{name} gives {argument.name} a default, and pluggy passes no argument that has"
                " one; take the default away"
            )


def _shape_problems(manifest: ConnectorManifest) -> Iterator[str]:
    # A struct that a plugin builds is not checked by msgspec.
    for field, kind in _KINDS.items():
        value: object = getattr(manifest, field)
        if not isinstance(value, (kind, int) if kind is float else kind):
            yield f"the manifest's {field} must be a {kind.__name__}, not {type(value).__name__}"
    for field, kind in _ITEM_KINDS.items():
        values: Iterable[object] = getattr(manifest, field)
        if not all(isinstance(value, kind) for value in values):
            yield f"the manifest's {field} must hold {kind.__name__} values only"


def _manifest_problems(manifest: ConnectorManifest) -> Iterator[str]:
    if not _VENDOR.fullmatch(manifest.vendor):
        yield "the manifest's vendor must be 2 to 32 characters of a-z, 0-9 and _, a letter first"
    if manifest.contract > CONTRACT_VERSION:
        yield (
            f"it was written for contract {manifest.contract} and this is contract"
            f" {CONTRACT_VERSION}; upgrade casebridge-core"
        )
    if manifest.contract < OLDEST_CONTRACT:
        yield (
            f"it was written for contract {manifest.contract} and the oldest that works here is"
            f" {OLDEST_CONTRACT}; upgrade the plugin"
        )
    for scheme in manifest.signature_schemes:
        for header in (scheme.header, scheme.timestamp_header or ""):
            if header != header.lower():
                yield f"the signature scheme's header {header!r} must be in lower case"
    config_type: type = manifest.config_type
    if not issubclass(config_type, ConnectorConfig):
        yield "the manifest's config_type must be a subclass of ConnectorConfig"
    else:
        yield from _config_problems(config_type)


def _config_problems(config_type: type[ConnectorConfig]) -> Iterator[str]:
    try:
        config_schema(config_type)
    except Exception as cause:  # noqa: BLE001 - what msgspec raises depends on the annotation
        yield (
            f"the fields of {config_type.__name__} cannot be described ({told(cause)});"
            " use types that msgspec knows and import them outside TYPE_CHECKING"
        )


def _capability_problems(
    manifest: ConnectorManifest, hooks: Mapping[str, Callable[..., Any]]
) -> Iterator[str]:
    for capability in sorted(manifest.capabilities):
        for hook in sorted(HOOKS_OF[capability] - hooks.keys()):
            yield f"it claims {capability} and has no {hook}; write the hook or drop the claim"
    for hook in sorted(hooks):
        claims = {capability for capability, names in HOOKS_OF.items() if hook in names}
        if claims and not claims & manifest.capabilities:
            wanted = " or ".join(sorted(claims))
            yield f"it has {hook} and does not claim {wanted}; add the claim or drop the hook"


def _cross_cutting_problems(hooks: Mapping[str, Callable[..., Any]]) -> Iterator[str]:
    if not hooks:
        yield "it has no hooks; mark them with casebridge_core.hookimpl"
    owned = ASYNC_HOOKS.union(*HOOKS_OF.values()) - _OVERRIDABLE
    for hook in sorted(owned & hooks.keys()):
        yield f"it has {hook} and no {DECLARE}: it would be handed every vendor's credentials"
