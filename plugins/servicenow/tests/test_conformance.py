"""The plugin keeps every rule of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from casebridge_core import Capability
from casebridge_core.testing import AdapterTests, SimulatedVendor
from casebridge_sandbox import ServiceNowSandbox, running
from casebridge_servicenow import ServiceNowConfig, plugin

if TYPE_CHECKING:
    from casebridge_core.hookspecs import CompletePlugin

_typed: CompletePlugin = plugin
SAMPLES = sorted(Path(__file__).parent.glob("payloads/*.json"))


class TestServiceNow(AdapterTests):
    plugin = plugin
    payloads = tuple(json.loads(path.read_text()) for path in SAMPLES if "jira" not in path.name)

    @pytest.fixture(scope="module")
    @staticmethod
    def vendor() -> Iterator[SimulatedVendor]:
        with running(ServiceNowSandbox()) as servicenow:
            scenario = servicenow.sandbox.scenario
            config = {
                "base_url": servicenow.url,
                "username": scenario.user_name,
                "password": scenario.password,
                "caller_id": scenario.user_id,
            }
            yield SimulatedVendor(servicenow, config)


def test_every_capability_is_claimed() -> None:
    assert plugin.MANIFEST.capabilities == frozenset(Capability)
    assert plugin.MANIFEST.config_type is ServiceNowConfig


def test_the_stock_states_are_offered_with_code_and_label() -> None:
    offered = {status.id: status.name for status in plugin.MANIFEST.known_statuses}

    assert offered["6"] == "Resolved"
    assert all(status.category is not None for status in plugin.MANIFEST.known_statuses)
