"""The module is what the contract asks for."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from casebridge_core import Capability, ConnectorCatalog
from casebridge_servicenow import ServiceNowConfig, plugin

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
_pushes_cases: PushesCases = plugin
_finds: FindsTickets = plugin
_fetches: FetchesTickets = plugin
_pushes_status: PushesStatus = plugin
_pushes_comments: PushesComments = plugin
_lists: ListsChanges = plugin
_receives: ReceivesEvents = plugin
_checks: ChecksConnections = plugin
_guides: GuidesSetup = plugin


def test_the_catalog_accepts_the_plugin() -> None:
    catalog = ConnectorCatalog.of(servicenow=plugin)

    assert catalog.failures == ()
    assert list(catalog) == ["servicenow"]


def test_every_capability_is_claimed() -> None:
    assert plugin.MANIFEST.capabilities == frozenset(Capability)
    assert plugin.MANIFEST.config_type is ServiceNowConfig


def test_the_stock_states_are_offered_with_code_and_label() -> None:
    offered = {status.id: status.name for status in plugin.MANIFEST.known_statuses}

    assert offered["6"] == "Resolved"
    assert all(status.category is not None for status in plugin.MANIFEST.known_statuses)


def test_the_entry_point_names_the_plugin() -> None:
    points = entry_points(group="casebridge", name="servicenow")

    assert [point.value for point in points] == ["casebridge_servicenow.plugin"]
