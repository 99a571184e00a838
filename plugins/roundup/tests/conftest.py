"""What the tests of the Roundup room share: connectors, a projection, and answers of a tracker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from casebridge_core import (
    CaseProjection,
    CaseStatus,
    CommentKind,
    Connector,
    ConnectorCatalog,
    ProjectedComment,
    Severity,
    VendorHooks,
    decode_config,
)
from casebridge_roundup import RoundupConfig, plugin

Connect = Callable[..., Connector[RoundupConfig]]

SETTINGS: dict[str, object] = {
    "base_url": "https://issues.example.com/soc",
    "username": "casebridge",
    "password": "s3cret-word",
}


class Answers:
    """Answers as a tracker gives them (recorded from Roundup 2.6, shortened)."""

    @staticmethod
    def data(content: object) -> dict[str, Any]:
        return {"data": content}

    @staticmethod
    def rows(*items: dict[str, Any]) -> dict[str, Any]:
        return {"data": {"collection": list(items), "@total_size": len(items)}}

    @staticmethod
    def error(status: int, message: str) -> dict[str, Any]:
        return {"error": {"status": status, "msg": message}}

    @staticmethod
    def issue(number: str, status: str = "unread", **more: Any) -> dict[str, Any]:
        return {
            "id": number,
            "link": f"https://issues.example.com/soc/rest/data/issue/{number}",
            "activity": "2026-11-23.16:20:06",
            "assignedto": None,
            "status": {"id": "1", "link": "…/status/1", "name": status},
            **more,
        }

    @staticmethod
    def item(number: str, etag: str, **properties: Any) -> dict[str, Any]:
        return {"data": {"id": number, "type": "issue", "attributes": properties, "@etag": etag}}


@pytest.fixture
def answers() -> type[Answers]:
    return Answers


@pytest.fixture
def settings() -> dict[str, object]:
    return SETTINGS


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return a function that makes a connector, whose answers pytest-httpx gives."""
    async with httpx.AsyncClient(trust_env=False) as http:

        def make(**more: object) -> Connector[RoundupConfig]:
            config = decode_config(RoundupConfig, {**SETTINGS, **more})
            return Connector(id="c-1", tenant_id="t-1", vendor="roundup", config=config, http=http)

        yield make


@pytest.fixture(scope="session")
def hooks() -> VendorHooks:
    return ConnectorCatalog.of(roundup=plugin)["roundup"]


@pytest.fixture
def projection() -> CaseProjection:
    return CaseProjection(
        case_id="CASE-7",
        correlation_key="aisoc-ref_1:2",
        title="Credential theft\non web-01",
        summary="An unusual process read the credential store.\x00",
        severity=Severity.HIGH,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example.com/cases/CASE-7",
        opened_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    )


@pytest.fixture
def comment() -> ProjectedComment:
    return ProjectedComment(
        key="CASE-7.action-1",
        kind=CommentKind.CONTAINMENT,
        text="Containment: isolate on web-01",
        at=datetime(2026, 3, 1, 9, 40, tzinfo=UTC),
    )
