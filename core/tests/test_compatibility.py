"""Plugins of other generations: what loads, what is refused, and with which sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from casebridge_core import ConnectorCatalog, ConnectorManifest, refusals
from casebridge_core._markers import CONTRACT_VERSION, OLDEST_CONTRACT

PAGE = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()
VendorPlugin = Callable[..., ModuleType]


def catalog_in(
    monkeypatch: pytest.MonkeyPatch, plugin: ModuleType, *, contract: int, oldest: int
) -> ConnectorCatalog:
    """Offer a plugin to a core of another generation."""
    monkeypatch.setattr(refusals, "CONTRACT_VERSION", contract)
    monkeypatch.setattr(refusals, "OLDEST_CONTRACT", oldest)
    return ConnectorCatalog.of(acme=plugin)


def test_a_plugin_for_an_older_contract_still_loads(
    monkeypatch: pytest.MonkeyPatch, vendor_plugin: VendorPlugin
) -> None:
    catalog = catalog_in(monkeypatch, vendor_plugin(), contract=3, oldest=1)

    assert catalog.failures == ()
    assert catalog["acme"].manifest.contract == 1


@pytest.mark.parametrize(
    ("written_for", "contract", "oldest"),
    [(1, 2, 2), (2, 1, 1)],
    ids=["too old", "too new"],
)
def test_a_plugin_that_does_not_fit_is_refused_as_the_page_tells(
    monkeypatch: pytest.MonkeyPatch,
    vendor_plugin: VendorPlugin,
    written_for: int,
    contract: int,
    oldest: int,
) -> None:
    plugin = vendor_plugin()
    manifest = plugin.itsm_declare_connector()
    declared = {field: getattr(manifest, field) for field in manifest.__struct_fields__}
    newer = ConnectorManifest(**{**declared, "contract": written_for})
    options = plugin.itsm_declare_connector.casebridge_impl

    def itsm_declare_connector() -> ConnectorManifest:
        return newer

    itsm_declare_connector.casebridge_impl = options  # type: ignore[attr-defined]
    plugin.itsm_declare_connector = itsm_declare_connector  # type: ignore[attr-defined]

    (failure,) = catalog_in(monkeypatch, plugin, contract=contract, oldest=oldest).failures

    assert f"*{failure.error.problem}*" in PAGE


def test_a_plugin_that_states_no_contract_was_written_for_the_first(
    vendor_plugin: VendorPlugin,
) -> None:
    assert vendor_plugin().itsm_declare_connector().contract == 1


def test_the_page_tells_which_contract_this_is() -> None:
    assert f"this is contract {CONTRACT_VERSION}." in " ".join(PAGE.split())
    assert OLDEST_CONTRACT <= CONTRACT_VERSION


def test_a_hook_of_a_later_core_is_left_alone_where_it_is_optional(
    vendor_plugin: VendorPlugin,
) -> None:
    later = "@hookimpl{}\ndef itsm_later(connector): ..."

    optional = ConnectorCatalog.of(acme=vendor_plugin(later.format("(optionalhook=True)")))
    required = ConnectorCatalog.of(acme=vendor_plugin(later.format("")))

    assert optional.failures == ()
    assert "itsm_later is not a hook of this contract" in str(required.failures[0].error)
