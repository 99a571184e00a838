"""What acme is sent, beyond the rules that are every adapter's."""

from __future__ import annotations

import ast
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from casebridge_example import plugin

from casebridge_core import Case, CaseStatus, Connector, ConnectorCatalog, Severity, VendorHooks

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

URL = "https://acme.example"
TOLD = {"id": 7, "status": "Open", "changed": "2026-03-01T09:30:00Z", "key": "cb-1"}


@pytest.fixture
def hooks() -> VendorHooks:
    return ConnectorCatalog.of(acme=plugin)["acme"]


@pytest.fixture
async def connector(hooks: VendorHooks) -> AsyncIterator[Connector[Any]]:
    config = hooks.decode_config({"base_url": URL, "token": "t0ken"})
    async with httpx.AsyncClient() as http:
        yield Connector(id="1", tenant_id="1", vendor="acme", config=config, http=http)


@pytest.mark.parametrize(("severity", "urgent"), [(Severity.HIGH, True), (Severity.LOW, False)])
async def test_a_case_becomes_a_ticket(
    hooks: VendorHooks,
    connector: Connector[Any],
    httpx_mock: HTTPXMock,
    severity: Severity,
    *,
    urgent: bool,
) -> None:
    httpx_mock.add_response(method="POST", url=f"{URL}/tickets", status_code=201, json=TOLD)
    case = Case(
        id="case-1",
        tenant_id="1",
        title="Ransomware\non web-01",
        summary="Files are being encrypted.",
        severity_initial=severity,
        severity=Severity.INFORMATIONAL,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example/cases/case-1",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )

    result = await hooks.push_case(connector, hooks.project_case(connector, case, "cb-1"))

    (request,) = httpx_mock.get_requests()
    sent = json.loads(request.content)
    assert request.headers["authorization"] == "Bearer t0ken"
    assert (sent["key"], sent["title"]) == ("cb-1", "Ransomware on web-01")
    assert sent["urgent"] is urgent
    assert "Open the case: https://soc.example/cases/case-1" in sent["text"]
    assert result.ticket.ref.key == "ACME-7"


def test_a_whole_adapter_has_fewer_than_150_lines_of_code() -> None:
    source = Path(plugin.__file__).read_text()
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, documented) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = [
        line
        for number, line in enumerate(source.splitlines(), start=1)
        if line.strip() and number not in docstrings
    ]

    assert len(code) < 150
