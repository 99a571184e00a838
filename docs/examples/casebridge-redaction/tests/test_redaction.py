"""What is taken out of a projection, and what stays."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import msgspec
import pytest
from casebridge_example import plugin as acme
from casebridge_redaction import plugin as redaction
from casebridge_redaction.plugin import redact

from casebridge_core import (
    Case,
    CaseProjection,
    CaseStatus,
    Connector,
    ConnectorCatalog,
    ContainmentAction,
    Entity,
    EntityKind,
    Severity,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECRETS = "jane.doe@mail.example and db-7.prod.internal"


@pytest.fixture
async def projected() -> CaseProjection:
    """Project a case that names a person and a host in every text."""
    catalog = ConnectorCatalog.of(acme=acme, redaction=redaction)
    assert catalog.failures == ()
    hooks = catalog["acme"]
    case = Case(
        id="case-1",
        tenant_id="1",
        title=SECRETS,
        summary=SECRETS,
        severity_initial=Severity.HIGH,
        severity=Severity.HIGH,
        status=CaseStatus.OPEN,
        deep_link="https://soc.internal/cases/case-1",
        created_at=NOW,
        agent_summary=SECRETS,
        detection_rules=(SECRETS,),
        entities=(
            Entity(kind=EntityKind.USER, value="jane.doe@mail.example"),
            Entity(kind=EntityKind.HOST, value="DB-7.corp"),
            Entity(kind=EntityKind.IP, value="10.0.0.8"),
        ),
        containment_actions=(
            ContainmentAction(id="1", action="block", target=SECRETS, outcome=SECRETS, at=NOW),
        ),
    )
    config = hooks.decode_config({"base_url": "https://acme.example", "token": "t"})
    async with httpx.AsyncClient() as http:
        connector = Connector(id="1", tenant_id="1", vendor="acme", config=config, http=http)
        return hooks.project_case(connector, case, "cb-1")


async def test_no_address_and_no_internal_host_leaves(projected: CaseProjection) -> None:
    texts = msgspec.json.encode(msgspec.structs.replace(projected, deep_link="")).decode()

    assert "jane" not in texts
    assert "internal" not in texts
    assert "DB-7" not in texts
    assert projected.title == "[e-mail] and [host]"


async def test_what_tickets_hang_on_stays(projected: CaseProjection) -> None:
    assert projected.correlation_key == "cb-1"
    assert projected.deep_link == "https://soc.internal/cases/case-1"
    assert [comment.key for comment in projected.comments] == ["case-1.agent-summary", "case-1.1"]
    assert projected.entities[2].value == "10.0.0.8"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mail a+b@x.example.com now", "mail [e-mail] now"),
        ("root@db.internal", "[e-mail]"),
        ("WEB-01.LAN, web-02.local.", "[host], [host]."),
        ("www.example.com", "www.example.com"),
        ("localhost", "localhost"),
        ("corp policy", "corp policy"),
        ("", ""),
    ],
)
def test_only_addresses_and_internal_names_are_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted
