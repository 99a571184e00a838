"""A configured connector, and the plugin as the host sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
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
from casebridge_servicenow import ServiceNowConfig, plugin

BASE_URL = "https://example.service-now.com"
SYS_ID = "9d385017c611228701d22104cc95c371"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield client


@pytest.fixture
def connector_with(http: httpx.AsyncClient) -> Callable[..., Connector[ServiceNowConfig]]:
    def configure(
        statuses: StatusOverrides | None = None, **settings: object
    ) -> Connector[ServiceNowConfig]:
        raw = {
            "base_url": BASE_URL,
            "username": "svc.casebridge",
            "password": "correct horse",
            **settings,
        }
        return Connector(
            id="c1",
            tenant_id="t1",
            vendor="servicenow",
            config=decode_config(ServiceNowConfig, {k: v for k, v in raw.items() if v is not None}),
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
