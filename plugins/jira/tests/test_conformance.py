"""The plugin keeps every rule of the contract, on Cloud and on Data Center."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from casebridge_core import Capability, VendorHooks
from casebridge_core.testing import AdapterTests, SimulatedVendor
from casebridge_jira import plugin
from casebridge_sandbox import JiraSandbox, JiraScenario, running

TOKEN = "jira-sandbox-token"
if TYPE_CHECKING:
    from casebridge_core.hookspecs import CompletePlugin

_typed: CompletePlugin = plugin
SAMPLES = sorted(Path(__file__).parent.glob("payloads/*.json"))
CREDENTIALS = {
    "cloud": {"email": "bridge@example.com", "api_token": TOKEN},
    "data_center": {"personal_token": TOKEN},
}


class TestJira(AdapterTests):
    plugin = plugin
    payloads = tuple(json.loads(path.read_text()) for path in SAMPLES if "worklog" not in path.name)

    @pytest.fixture(scope="module", params=["cloud", "data_center"])
    @staticmethod
    def vendor(request: pytest.FixtureRequest) -> Iterator[SimulatedVendor]:
        deployment: Literal["cloud", "data_center"] = request.param
        scenario = JiraScenario(deployment=deployment, webhook_retries=0)
        with running(JiraSandbox(scenario)) as jira:
            settings = {"base_url": jira.url, "project": "SEC", "deployment": deployment}
            yield SimulatedVendor(jira, {**settings, **CREDENTIALS[deployment]})


def test_every_capability_is_claimed(hooks: VendorHooks) -> None:
    assert all(hooks.can(capability) for capability in Capability)
    assert [scheme.header for scheme in hooks.manifest.signature_schemes] == ["x-hub-signature"]
