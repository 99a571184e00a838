"""Manifests that a plugin is refused for: malformed, failing, or at odds with its hooks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from casebridge_core import Capability, ConnectorCatalog, ManifestMismatch, PluginError
from casebridge_core.hookspecs import HOOKSPEC_GROUPS
from casebridge_core.refusals import ASYNC_HOOKS, HOOKS_OF, SPECS

VendorPlugin = Callable[..., ModuleType]
CrossCutting = Callable[[str], ModuleType]
Refusal = Callable[[object], PluginError]


@pytest.mark.parametrize("capability", Capability)
def test_a_claim_without_its_hooks_is_refused(
    refusal: Refusal, vendor_plugin: VendorPlugin, capability: Capability
) -> None:
    error = refusal(vendor_plugin(claims=[capability]))

    assert isinstance(error, ManifestMismatch)
    assert f"it claims {capability} and has no {min(HOOKS_OF[capability])}" in str(error)


@pytest.mark.parametrize("hook", sorted(frozenset().union(*HOOKS_OF.values())))
def test_a_hook_without_its_claim_is_refused(
    refusal: Refusal, vendor_plugin: VendorPlugin, hook: str
) -> None:
    prefix = "async " if hook in ASYNC_HOOKS else ""

    error = refusal(vendor_plugin(f"@hookimpl\n{prefix}def {hook}(): ..."))

    assert isinstance(error, ManifestMismatch)
    assert f"it has {hook} and does not claim" in str(error)


@pytest.mark.parametrize("vendor", ["", "a", "Acme", "1acme", "ac-me", "acme ", "a" * 33, "açme"])
def test_a_vendors_name_is_a_plain_word(
    refusal: Refusal, vendor_plugin: VendorPlugin, vendor: str
) -> None:
    error = refusal(vendor_plugin(vendor=vendor))

    assert isinstance(error, ManifestMismatch)
    assert "vendor must be 2 to 32 characters" in str(error)


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("vendor=5", "vendor must be a str, not int"),
        ("title=None", "title must be a str, not NoneType"),
        ("capabilities=['push_case']", "capabilities must be a frozenset, not list"),
        ("capabilities=frozenset({'fly'})", "capabilities must hold Capability values only"),
        ("config_type=5", "config_type must be a type, not int"),
        ("config_type=dict", "config_type must be a subclass of ConnectorConfig"),
        ("signature_schemes=None", "signature_schemes must be a tuple, not NoneType"),
        ("signature_schemes=('x',)", "signature_schemes must hold SignatureScheme values only"),
        ("known_statuses=['New']", "known_statuses must be a tuple, not list"),
        ("known_statuses=('New',)", "known_statuses must hold NativeStatus values only"),
        ("docs_url=None", "docs_url must be a str, not NoneType"),
        ("index_lag='30'", "index_lag must be a float, not str"),
        ("contract='1'", "contract must be a int, not str"),
        ("contract=2", "written for contract 2 and this is contract 1; upgrade casebridge-core"),
        ("contract=0", "contract 0 and the oldest that works here is 1; upgrade the plugin"),
        (
            "signature_schemes=(SignatureScheme(header='X-Hub-Signature', title='Hub'),)",
            "header 'X-Hub-Signature' must be in lower case",
        ),
        (
            "signature_schemes=(SignatureScheme(header='x', title='X', timestamp_header='X-At'),)",
            "header 'X-At' must be in lower case",
        ),
    ],
)
def test_a_malformed_manifest_is_refused(
    refusal: Refusal, cross_cutting: CrossCutting, field: str, problem: str
) -> None:
    plugin = cross_cutting(f"""
        class Config(ConnectorConfig, frozen=True, kw_only=True): ...

        @hookimpl
        def itsm_declare_connector():
            fields = dict(vendor="acme", title="A", capabilities=frozenset(), config_type=Config)
            return ConnectorManifest(**(fields | dict({field})))
    """)

    error = refusal(plugin)

    assert isinstance(error, ManifestMismatch)
    assert problem in str(error)


def test_an_index_lag_may_be_a_whole_number(cross_cutting: CrossCutting) -> None:
    plugin = cross_cutting("""
        @hookimpl
        def itsm_declare_connector():
            return ConnectorManifest(
                vendor="acme", title="A", capabilities=frozenset(), config_type=ConnectorConfig,
                index_lag=0)
    """)

    assert ConnectorCatalog.of(acme=plugin).failures == ()


def test_a_configuration_that_cannot_be_described_is_refused(
    refusal: Refusal, cross_cutting: CrossCutting
) -> None:
    plugin = cross_cutting("""
        class Config(ConnectorConfig, frozen=True, kw_only=True):
            when: "NeverImported"

        @hookimpl
        def itsm_declare_connector():
            return ConnectorManifest(
                vendor="acme", title="A", capabilities=frozenset(), config_type=Config)
    """)

    assert "the fields of Config cannot be described (NameError: " in str(refusal(plugin))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return None", "must return a ConnectorManifest, not NoneType"),
        ("return {'vendor': 'acme'}", "must return a ConnectorManifest, not dict"),
        ("yield", "must return a ConnectorManifest, not generator"),
        ("raise LookupError('no licence')", "failed: LookupError: no licence"),
        ("raise SystemExit('no licence')", "failed: SystemExit: no licence"),
        ("import asyncio; raise asyncio.CancelledError", "failed: CancelledError"),
        ("class Mute(Exception): __str__ = None\n    raise Mute", "failed: Mute"),
    ],
)
def test_a_declaration_that_fails_is_the_plugins_failure(
    refusal: Refusal, cross_cutting: CrossCutting, body: str, problem: str
) -> None:
    error = refusal(cross_cutting(f"@hookimpl\ndef itsm_declare_connector():\n    {body}"))

    assert isinstance(error, ManifestMismatch)
    assert f"itsm_declare_connector {problem}" in str(error)


def test_ctrl_c_in_a_declaration_is_not_swallowed(cross_cutting: CrossCutting) -> None:
    plugin = cross_cutting("@hookimpl\ndef itsm_declare_connector():\n    raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        ConnectorCatalog.of(mine=plugin)


def test_every_capability_stands_for_hooks_that_exist() -> None:
    assert set(HOOKS_OF) == set(Capability)
    assert frozenset().union(*HOOKS_OF.values()) <= SPECS.keys()
    assert sum(len(vars(group).keys() & SPECS.keys()) for group in HOOKSPEC_GROUPS) == len(SPECS)
