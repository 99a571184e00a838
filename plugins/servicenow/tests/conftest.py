"""A configured connector, and the plugin as the host sees it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

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
from casebridge_servicenow.state_models import KNOWN_STATUSES

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


@pytest.fixture
def vendor(
    connect: Callable[..., Connector[ServiceNowConfig]],
) -> Connector[ServiceNowConfig]:
    """Return a connector to the stand-in ServiceNow."""
    return connect()


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


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Return what makes an incident, as ``sysparm_display_value=all`` shows it."""
    labels = {status.id: status.name for status in KNOWN_STATUSES}

    def made(state: str = "1", **values: str) -> dict[str, Any]:
        plain = {
            "sys_id": SYS_ID,
            "number": "INC0010001",
            "correlation_id": "cb-case-7-c1",
            "correlation_display": "Casebridge",
            "sys_updated_on": "2026-03-01 12:30:45",
            **values,
        }
        cells = {name: {"value": text, "display_value": text} for name, text in plain.items()}
        shown = {"value": state, "display_value": labels[state]}
        return cells | {"state": shown, "incident_state": shown}

    return made


@pytest.fixture
def sent() -> Callable[[httpx.Request], dict[str, str]]:
    """Return what reads the fields that a request writes."""

    def read(request: httpx.Request) -> dict[str, str]:
        fields: dict[str, str] = json.loads(request.content)
        return fields

    return read


@pytest.fixture
def error() -> Callable[..., dict[str, Any]]:
    """Return what makes the body of a refusal."""

    def made(message: str, detail: str | None = None) -> dict[str, Any]:
        return {"error": {"message": message, "detail": detail}, "status": "failure"}

    return made
