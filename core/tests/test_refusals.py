"""Every rule by which a plugin is refused, each with a module that breaks it."""

from __future__ import annotations

import types
from collections.abc import Callable
from types import ModuleType

import pytest

from casebridge_core import (
    ConnectorCatalog,
    ManifestMismatch,
    PluginError,
    UnsupportedHook,
    hookimpl,
)

VendorPlugin = Callable[..., ModuleType]
CrossCutting = Callable[[str], ModuleType]

PUSH = "@hookimpl\nasync def itsm_push_case(connector, projection): ...\n"
Refusal = Callable[[object], PluginError]


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
def test_only_a_module_can_be_a_plugin(refusal: Refusal, plugin: object, what: str) -> None:
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
    refusal: Refusal, cross_cutting: CrossCutting, source: str, problem: str
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


def test_a_hook_that_is_imported_when_asked_for_counts(
    refusal: Refusal, cross_cutting: CrossCutting
) -> None:
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
    refusal: Refusal, cross_cutting: CrossCutting, source: str, problem: str
) -> None:
    error = refusal(cross_cutting(source))

    assert isinstance(error, ManifestMismatch)
    assert problem in str(error)
