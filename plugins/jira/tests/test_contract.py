"""The plugin keeps the contract: manifest and hooks agree, and the types are the hooks'."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from casebridge_core import Capability, ConnectorCatalog, VendorHooks
from casebridge_jira import plugin

if TYPE_CHECKING:
    from casebridge_core.hookspecs import (
        ChecksConnections,
        DeclaresConnector,
        FetchesTickets,
        FindsTickets,
        GuidesSetup,
        ListsChanges,
        PushesCases,
        PushesComments,
        PushesStatus,
        ReceivesEvents,
    )

_declares: DeclaresConnector = plugin
_cases: PushesCases = plugin
_finds: FindsTickets = plugin
_fetches: FetchesTickets = plugin
_status: PushesStatus = plugin
_comments: PushesComments = plugin
_changes: ListsChanges = plugin
_receives: ReceivesEvents = plugin
_checks: ChecksConnections = plugin
_guides: GuidesSetup = plugin


def test_the_catalog_accepts_the_plugin() -> None:
    catalog = ConnectorCatalog.of(jira=plugin)
    assert catalog.failures == ()
    assert list(catalog) == ["jira"]


def test_the_entry_point_names_the_plugin() -> None:
    found = [point.value for point in entry_points(group="casebridge") if point.name == "jira"]
    assert found == ["casebridge_jira.plugin"]


def test_every_capability_is_claimed(hooks: VendorHooks) -> None:
    assert all(hooks.can(capability) for capability in Capability)
    assert [scheme.header for scheme in hooks.manifest.signature_schemes] == ["x-hub-signature"]
