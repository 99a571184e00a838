"""What the tests of the Jira room share: a projection, and connectors over any HTTP client."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    CommentKind,
    Connector,
    ConnectorCatalog,
    Entity,
    EntityKind,
    ProjectedComment,
    Severity,
    StatusOverrides,
    VendorHooks,
    decode_config,
)
from casebridge_jira import JiraConfig, plugin
from casebridge_sandbox import JiraSandbox, RunningSandbox, running

Jira = RunningSandbox[JiraSandbox]
Connect = Callable[..., Connector[JiraConfig]]

CLOUD: dict[str, object] = {
    "base_url": "https://acme.example.com",
    "project": "SEC",
    "email": "bridge@example.com",
    "api_token": "s3cret-token",
}
DATA_CENTER: dict[str, object] = {
    "base_url": "https://jira.example.com/jira",
    "project": "SEC",
    "deployment": "data_center",
    "personal_token": "s3cret-pat",
}


@pytest.fixture(params=[CLOUD, DATA_CENTER], ids=["cloud", "data_center"])
def either(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the settings of each deployment in turn."""
    settings: dict[str, object] = request.param
    return settings


@pytest.fixture
def cloud() -> dict[str, object]:
    return CLOUD


@pytest.fixture
def data_center() -> dict[str, object]:
    return DATA_CENTER


@pytest.fixture
def connect() -> Connect:
    """Return a function that makes a connector for pure hooks; Cloud unless told otherwise."""
    return _maker(httpx.AsyncClient(transport=httpx.MockTransport(_never)))


@pytest.fixture(scope="session")
def trust() -> ssl.SSLContext:
    """Load the certificates once: that takes longer than most tests."""
    return ssl.create_default_context()


@pytest.fixture
async def online(trust: ssl.SSLContext) -> AsyncIterator[Connect]:
    """Return a function that makes a connector which calls the vendor."""
    async with httpx.AsyncClient(timeout=5, trust_env=False, verify=trust) as client:
        yield _maker(client)


def _maker(http: httpx.AsyncClient) -> Connect:
    def make(
        settings: dict[str, object] = CLOUD,
        statuses: StatusOverrides | None = None,
        **more: object,
    ) -> Connector[JiraConfig]:
        return Connector(
            id="c-1",
            tenant_id="t-1",
            vendor="jira",
            config=decode_config(JiraConfig, {**settings, **more}),
            http=http,
            statuses=statuses or StatusOverrides(),
        )

    return make


def _never(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"a pure hook called {request.url.host}")


@pytest.fixture(scope="session")
def hooks() -> VendorHooks:
    return ConnectorCatalog.of(jira=plugin)["jira"]


@pytest.fixture
def projection() -> CaseProjection:
    return CaseProjection(
        case_id="CASE-7",
        correlation_key="casebridge.t1.CASE-7.c1",
        title="Credential theft on web-01",
        summary="An unusual process read the credential store.\n\nSee C:\\Windows\\{temp}.",
        severity=Severity.HIGH,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example.com/cases/CASE-7",
        opened_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        detections=("Credential access",),
        raw_event_count=3,
        entities=(
            Entity(kind=EntityKind.HOST, value="web-01"),
            Entity(kind=EntityKind.IP, value="10.0.0.7"),
        ),
    )


@pytest.fixture
def comment() -> ProjectedComment:
    return ProjectedComment(
        key="CASE-7.action-1",
        kind=CommentKind.CONTAINMENT,
        text="Containment: isolate on web-01\nOutcome: isolated",
        at=datetime(2026, 3, 1, 9, 40, tzinfo=UTC),
    )


@pytest.fixture(scope="session")
def _jira() -> Iterator[Jira]:
    with running(JiraSandbox()) as jira:
        yield jira


@pytest.fixture(params=["cloud", "data_center"])
def deployment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def jira(_jira: Jira, deployment: str) -> Jira:
    """Return a fresh stand-in Jira of either deployment, over real HTTP."""
    _jira.control.reset()
    _jira.control.change_scenario(deployment=deployment, webhook_retries=0)
    return _jira


@pytest.fixture
def strict_workflow(jira: Jira, deployment: str) -> Callable[[], None]:
    """Return a function that puts the strict workflow in force for the tickets that are there."""

    def switch() -> None:
        jira.control.use_preset("strict")
        jira.control.change_scenario(deployment=deployment)

    return switch


@pytest.fixture
def connector(jira: Jira, deployment: str, online: Connect) -> Connector[JiraConfig]:
    """Return a connector to the stand-in Jira."""
    common = {"base_url": jira.url, "project": "SEC", "deployment": deployment}
    token = "jira-sandbox-token"
    if deployment == "cloud":
        return online({**common, "email": "bridge@example.com", "api_token": token})
    return online({**common, "personal_token": token})


@pytest.fixture
def rewire() -> Connect:
    """Return a function that changes a connector's configuration."""

    def change(connector: Connector[JiraConfig], **more: object) -> Connector[JiraConfig]:
        config = msgspec.structs.replace(connector.config, **more)
        return dataclasses.replace(connector, config=config)

    return change
