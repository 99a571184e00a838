"""Running vendors, clients with good credentials, and a receiver of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from casebridge_sandbox import (
    JiraSandbox,
    JiraScenario,
    RunningSandbox,
    ServiceNowSandbox,
    ServiceNowScenario,
    WebhookReceiver,
    receiving,
    running,
)

Jira = RunningSandbox[JiraSandbox]
ServiceNow = RunningSandbox[ServiceNowSandbox]


@pytest.fixture(scope="session")
def _jira() -> Iterator[Jira]:
    with running(JiraSandbox()) as vendor:
        yield vendor


@pytest.fixture
def jira(_jira: Jira) -> Jira:
    _jira.control.reset()
    return _jira


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """Call without credentials; one client for all, for it is slow to make."""
    with httpx.Client() as client:
        yield client


@pytest.fixture(scope="session")
def _jira_api(_jira: Jira) -> Iterator[httpx.Client]:
    scenario = JiraScenario()
    with httpx.Client(
        base_url=f"{_jira.url}/rest/api/3", auth=(scenario.email, scenario.api_token)
    ) as client:
        yield client


@pytest.fixture
def jira_api(jira: Jira, _jira_api: httpx.Client) -> httpx.Client:
    return _jira_api


@pytest.fixture
def issue() -> Callable[..., dict[str, Any]]:
    """Make the body of a create; keyword arguments are fields."""

    def make(**fields: object) -> dict[str, Any]:
        usual = {
            "project": {"key": "SEC"},
            "issuetype": {"name": "Task"},
            "summary": "Phishing mail",
        }
        return {"fields": {**usual, **fields}}

    return make


@pytest.fixture
def adf() -> Callable[[str], dict[str, Any]]:
    """Make a document of one paragraph."""

    def make(text: str) -> dict[str, Any]:
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}

    return make


@pytest.fixture(scope="session")
def _servicenow() -> Iterator[ServiceNow]:
    with running(ServiceNowSandbox()) as vendor:
        yield vendor


@pytest.fixture
def servicenow(_servicenow: ServiceNow) -> ServiceNow:
    _servicenow.control.reset()
    return _servicenow


@pytest.fixture(scope="session")
def _incidents(_servicenow: ServiceNow) -> Iterator[httpx.Client]:
    scenario = ServiceNowScenario()
    with httpx.Client(
        base_url=f"{_servicenow.url}/api/now/table",
        auth=(scenario.user_name, scenario.password),
        headers={"accept": "application/json"},
    ) as client:
        yield client


@pytest.fixture
def incidents(servicenow: ServiceNow, _incidents: httpx.Client) -> httpx.Client:
    return _incidents


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with receiving() as receiver:
        yield receiver
