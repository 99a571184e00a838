"""Every rule by which a plugin is refused, each with a module that breaks it."""

from __future__ import annotations

import types
from collections.abc import Callable
from types import ModuleType

import pytest

from casebridge_core import (
    Capability,
    ConnectorCatalog,
    ManifestMismatch,
    PluginError,
    UnsupportedHook,
    hookimpl,
)
from casebridge_core.discovery import Discovery, LoadedPlugin, PluginSource
from casebridge_core.hookspecs import HOOKSPEC_GROUPS
from casebridge_core.refusals import ASYNC_HOOKS, HOOKS_OF, SPECS

VendorPlugin = Callable[..., ModuleType]
CrossCutting = Callable[[str], ModuleType]

PUSH = "@hookimpl\nasync def itsm_push_case(connector, projection): ...\n"


def refusal(plugin: object) -> PluginError:
    source = PluginSource(name="mine", distribution="casebridge-mine", version="1")
    catalog = ConnectorCatalog(Discovery(loaded=(LoadedPlugin(source=source, module=plugin),)))
    (failure,) = catalog.failures
    assert failure.source == source
    assert not catalog
    assert catalog.cross_cutting == ()
    return failure.error


def test_a_plugin_that_keeps_every_rule_is_accepted(
    whole_plugin: VendorPlugin, cross_cutting: CrossCutting
) -> None:
    redaction = cross_cutting("""
        @hookimpl(wrapper=True)
        def itsm_project_case():
            return (yield)
    """)

    catalog = ConnectorCatalog.of(acme=whole_plugin(), redaction=redaction)

    assert catalog.failures == ()
    assert list(catalog) == ["acme"]
    assert [source.name for source in catalog.cross_cutting] == ["redaction"]


class Adapter:
    """What a plugin must not be: a class, whose instances carry state."""

    @hookimpl
    def itsm_setup_guide(self) -> str:
        return "guide"


@pytest.mark.parametrize(
    ("plugin", "what"),
    [
        (Adapter, "a class"),
        (Adapter(), "an object of type Adapter"),
        (Adapter().itsm_setup_guide, "an object of type method"),
        (None, "an object of type NoneType"),
        (types.SimpleNamespace(), "an object of type SimpleNamespace"),
    ],
)
def test_only_a_module_can_be_a_plugin(plugin: object, what: str) -> None:
    error = refusal(plugin)

    assert isinstance(error, UnsupportedHook)
    assert f"must name a module, not {what}" in str(error)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "@hookimpl(specname='itsm_setup_guide')\ndef guide(): ...",
            "guide uses specname",
        ),
        (
            "@hookimpl(specname='itsm_push_case')\nasync def itsm_setup_guide(): ...",
            "itsm_setup_guide uses specname",
        ),
        (
            "@hookimpl\ndef itsm_setup_gide(inbox): ...",
            "itsm_setup_gide is not a hook of this contract; did you mean itsm_setup_guide?",
        ),
        ("@hookimpl\ndef frobnicate(): ...", "frobnicate is not a hook of this contract"),
        (PUSH + "alias = itsm_push_case", "alias is not a hook of this contract"),
        (
            "def itsm_setup_guide(inbox): ...",
            "itsm_setup_guide is not marked; put @casebridge_core.hookimpl before it",
        ),
        (
            "import pluggy\n@pluggy.HookimplMarker('other')\ndef itsm_setup_guide(inbox): ...",
            "itsm_setup_guide is not marked",
        ),
        (
            "@hookimpl(wrapper=True)\ndef itsm_push_case():\n    return (yield)",
            "itsm_push_case cannot be wrapped",
        ),
        (
            "@hookimpl(hookwrapper=True)\ndef itsm_fetch_ticket():\n    yield",
            "itsm_fetch_ticket cannot be wrapped",
        ),
        (
            "@hookimpl\ndef itsm_push_case(connector, projection): ...",
            "itsm_push_case must be written with async def",
        ),
        (
            "@hookimpl\nasync def itsm_push_case(connector):\n    yield",
            "itsm_push_case must be written with async def",
        ),
        (
            "@hookimpl\nasync def itsm_setup_guide(inbox): ...",
            "itsm_setup_guide must be a plain function",
        ),
        (
            "@hookimpl\nasync def itsm_declare_connector(): ...",
            "itsm_declare_connector must be a plain function",
        ),
        (
            "@hookimpl\nasync def itsm_list_changes(connector, since, page=None): ...",
            "itsm_list_changes gives page a default",
        ),
        (
            "@hookimpl\ndef itsm_setup_guide(*, inbox): ...",
            "itsm_setup_guide takes inbox; a hook takes plain arguments",
        ),
        (
            "@hookimpl\ndef itsm_setup_guide(*args): ...",
            "itsm_setup_guide takes *args; a hook takes plain arguments",
        ),
        (
            "@hookimpl\ndef itsm_setup_guide(**kwargs): ...",
            "itsm_setup_guide takes **kwargs; a hook takes plain arguments",
        ),
        (
            "@hookimpl\ndef itsm_setup_guide(url): ...",
            "{'url'} are declared in the hookimpl but can not be found in the hookspec",
        ),
        (
            "@hookimpl(wrapper=True)\ndef itsm_project_case(): ...",
            "Declared as wrapper=True or hookwrapper=True but function is not a generator",
        ),
        (
            "def __getattr__(name): raise OSError('no disk')\ndef __dir__(): return ['lazy']",
            "reading lazy failed: OSError: no disk",
        ),
    ],
)
def test_a_hook_that_cannot_work_is_refused(
    cross_cutting: CrossCutting, source: str, problem: str
) -> None:
    error = refusal(cross_cutting(source))

    assert isinstance(error, UnsupportedHook)
    assert problem in str(error)
    assert error.plugin == "mine"


def test_a_hook_of_a_later_contract_may_be_optional(cross_cutting: CrossCutting) -> None:
    plugin = cross_cutting("""
        @hookimpl(optionalhook=True)
        def itsm_of_tomorrow(): ...
    """)

    assert ConnectorCatalog.of(later=plugin).failures == ()


def test_a_hook_that_is_imported_when_asked_for_counts(cross_cutting: CrossCutting) -> None:
    plugin = cross_cutting("""
        def __dir__():
            return ["itsm_push_case"]

        def __getattr__(name):
            @hookimpl
            def hook(): ...
            return hook
    """)

    assert "must be written with async def" in str(refusal(plugin))


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "it has no hooks; mark them with casebridge_core.hookimpl"),
        ("def guide(): ...", "it has no hooks"),
        (PUSH, "it has itsm_push_case and no itsm_declare_connector"),
        ("@hookimpl\ndef itsm_detect_inbound(): ...", "it has itsm_detect_inbound and no"),
        (
            "@hookimpl\nasync def itsm_identify_account(): ...",
            "it has itsm_identify_account and no",
        ),
    ],
)
def test_a_cross_cutting_plugin_never_gets_the_vendors_calls(
    cross_cutting: CrossCutting, source: str, problem: str
) -> None:
    error = refusal(cross_cutting(source))

    assert isinstance(error, ManifestMismatch)
    assert problem in str(error)


@pytest.mark.parametrize("capability", Capability)
def test_a_claim_without_its_hooks_is_refused(
    vendor_plugin: VendorPlugin, capability: Capability
) -> None:
    error = refusal(vendor_plugin(claims=[capability]))

    assert isinstance(error, ManifestMismatch)
    assert f"it claims {capability} and has no {min(HOOKS_OF[capability])}" in str(error)


@pytest.mark.parametrize("hook", sorted(frozenset().union(*HOOKS_OF.values())))
def test_a_hook_without_its_claim_is_refused(vendor_plugin: VendorPlugin, hook: str) -> None:
    prefix = "async " if hook in ASYNC_HOOKS else ""

    error = refusal(vendor_plugin(f"@hookimpl\n{prefix}def {hook}(): ..."))

    assert isinstance(error, ManifestMismatch)
    assert f"it has {hook} and does not claim" in str(error)


@pytest.mark.parametrize("vendor", ["", "a", "Acme", "1acme", "ac-me", "acme ", "a" * 33, "açme"])
def test_a_vendors_name_is_a_plain_word(vendor_plugin: VendorPlugin, vendor: str) -> None:
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
        (
            "signature_schemes=(SignatureScheme(header='X-Hub-Signature', title='Hub'),)",
            "header 'X-Hub-Signature' must be in lower case",
        ),
    ],
)
def test_a_malformed_manifest_is_refused(
    cross_cutting: CrossCutting, field: str, problem: str
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


def test_a_configuration_that_cannot_be_described_is_refused(cross_cutting: CrossCutting) -> None:
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
    cross_cutting: CrossCutting, body: str, problem: str
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
