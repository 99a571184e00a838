"""A configured connector, and the plugin as the host sees it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

import httpx
import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    CommentKind,
    ConnectorCatalog,
    Entity,
    EntityKind,
    ProjectedComment,
    Severity,
    StatusOverrides,
    TicketRef,
    VendorHooks,
    decode_config,
)
from casebridge_core.connectors import Connector
from casebridge_sandbox import RunningSandbox, ServiceNowSandbox, running
from casebridge_servicenow import ServiceNowConfig, plugin

TLS = ssl.create_default_context()  # once: it is most of what a client costs
BASE_URL = "https://example.service-now.com"
SYS_ID = "9d385017c611228701d22104cc95c371"


@pytest.fixture
def config_with() -> Callable[..., ServiceNowConfig]:
    """Return what makes a configuration; a setting of None is left out."""

    def configure(**settings: object) -> ServiceNowConfig:
        raw = {"base_url": BASE_URL, "username": "svc.casebridge", "password": "correct horse"}
        given = {name: value for name, value in (raw | settings).items() if value is not None}
        return decode_config(ServiceNowConfig, given)

    return configure


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=TLS, trust_env=False) as client:
        yield client


@pytest.fixture
def connector_with(
    http: httpx.AsyncClient, config_with: Callable[..., ServiceNowConfig]
) -> Callable[..., Connector[ServiceNowConfig]]:
    def configure(
        statuses: StatusOverrides | None = None, **settings: object
    ) -> Connector[ServiceNowConfig]:
        return Connector(
            id="c1",
            tenant_id="t1",
            vendor="servicenow",
            config=config_with(**settings),
            http=http,
            statuses=statuses or StatusOverrides(),
        )

    return configure


@pytest.fixture
def connector(
    connector_with: Callable[..., Connector[ServiceNowConfig]],
) -> Connector[ServiceNowConfig]:
    return connector_with()


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[RunningSandbox[ServiceNowSandbox]]:
    with running(ServiceNowSandbox()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(
    running_sandbox: RunningSandbox[ServiceNowSandbox],
) -> RunningSandbox[ServiceNowSandbox]:
    """Return the stand-in ServiceNow as it is at first."""
    running_sandbox.control.reset()
    return running_sandbox


@pytest.fixture
def connect(
    sandbox: RunningSandbox[ServiceNowSandbox],
    connector_with: Callable[..., Connector[ServiceNowConfig]],
) -> Callable[..., Connector[ServiceNowConfig]]:
    """Return what connects to the stand-in ServiceNow."""
    scenario = sandbox.sandbox.scenario
    known = {
        "base_url": sandbox.url,
        "username": scenario.user_name,
        "password": scenario.password,
        "caller_id": scenario.user_id,
    }
    return lambda **settings: connector_with(**(known | settings))


@pytest.fixture(scope="session")
def hooks() -> VendorHooks:
    return ConnectorCatalog.of(servicenow=plugin)["servicenow"]


@pytest.fixture
def projection() -> CaseProjection:
    return CaseProjection(
        case_id="case-7",
        correlation_key="cb-case-7-c1",
        title="Credential theft\non web-01",
        summary="A service account signed in from two countries within a minute.",
        severity=Severity.HIGH,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example.com/cases/case-7",
        opened_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        entities=(Entity(kind=EntityKind.HOST, value="web-01"),),
    )


@pytest.fixture
def comment() -> ProjectedComment:
    return ProjectedComment(
        key="case-7.act-1",
        kind=CommentKind.CONTAINMENT,
        text="Containment: isolate on web-01\nOutcome: isolated",
        at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC),
    )


@pytest.fixture
def ref() -> TicketRef:
    return TicketRef(external_id=SYS_ID, key="INC0010001", url=f"{BASE_URL}/x")
