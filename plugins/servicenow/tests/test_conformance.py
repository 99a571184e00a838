"""The plugin keeps every rule of the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from casebridge_core.testing import AdapterTests, SimulatedVendor
from casebridge_sandbox import ServiceNowSandbox, running
from casebridge_servicenow import plugin

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
