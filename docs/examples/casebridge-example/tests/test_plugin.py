"""What acme is sent, and what its webhooks mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from casebridge_example import plugin

from casebridge_core import (
    Case,
    CaseStatus,
    Connector,
    ConnectorCatalog,
    ContainmentAction,
    Delivery,
    InboxAddress,
    NativeStatus,
    OutcomeUnknown,
    Severity,
    StatusChange,
    TicketNotFound,
    TicketRef,
    VendorHooks,
)

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

URL = "https://acme.example"
TICKET = TicketRef(external_id="7", key="ACME-7", url=f"{URL}/tickets/7")
TOLD = {"id": "7", "status": "Open", "key": "cb-1"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def hooks() -> VendorHooks:
    catalog = ConnectorCatalog.of(acme=plugin)
    assert catalog.failures == ()
    return catalog["acme"]


@pytest.fixture
async def connector(hooks: VendorHooks) -> AsyncIterator[Connector[Any]]:
    config = hooks.decode_config({"base_url": URL, "token": "t0ken"})
    async with httpx.AsyncClient() as http:
        yield Connector(id="1", tenant_id="1", vendor="acme", config=config, http=http)


@pytest.fixture
def case() -> Case:
    return Case(
        id="case-1",
        tenant_id="1",
        title="Ransomware on web-01",
        summary="Files are being encrypted.",
        severity_initial=Severity.HIGH,
        severity=Severity.LOW,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example/cases/case-1",
        created_at=NOW,
        containment_actions=(
            ContainmentAction(id="1", action="isolate", target="web-01", outcome="done", at=NOW),
        ),
    )


async def test_a_case_becomes_a_ticket_that_carries_its_key(
    hooks: VendorHooks, connector: Connector[Any], case: Case, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(method="POST", url=f"{URL}/tickets", status_code=201, json=TOLD)

    result = await hooks.push_case(connector, hooks.project_case(connector, case, "cb-1"))

    (request,) = httpx_mock.get_requests()
    sent = json.loads(request.content)
    assert request.headers["authorization"] == "Bearer t0ken"
    assert (sent["key"], sent["title"], sent["urgent"]) == ("cb-1", "Ransomware on web-01", True)
    assert "Open the case: https://soc.example/cases/case-1" in sent["text"]
    assert result.ticket.ref == TICKET


async def test_a_ticket_is_found_again_by_its_key(
    hooks: VendorHooks, connector: Connector[Any], httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=f"{URL}/tickets?key=cb-1", json=[TOLD])

    (found,) = await hooks.find_ticket(connector, "cb-1")

    assert (found.ref, found.correlation_key) == (TICKET, "cb-1")


async def test_a_status_is_set_and_read_back(
    hooks: VendorHooks, connector: Connector[Any], httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(method="PATCH", url=f"{URL}/tickets/7", status_code=204)
    httpx_mock.add_response(method="GET", url=f"{URL}/tickets/7", json={**TOLD, "status": "Solved"})
    change = StatusChange(status=CaseStatus.CLOSED, native="Solved")

    ticket = await hooks.push_status_change(connector, TICKET, change)

    assert json.loads(httpx_mock.get_requests()[0].content) == {"status": "Solved"}
    assert ticket.status == NativeStatus(name="Solved")


async def test_a_comment_is_posted_under_its_key_and_found_by_it(
    hooks: VendorHooks, connector: Connector[Any], case: Case, httpx_mock: HTTPXMock
) -> None:
    (comment,) = hooks.project_case(connector, case, "cb-1").comments
    path = f"{URL}/tickets/7/comments"
    httpx_mock.add_response(method="POST", url=path, json={"id": "70"})
    httpx_mock.add_response(
        method="GET", url=path, json=[{"id": "69", "key": "x"}, {"id": "70", "key": comment.key}]
    )

    posted = await hooks.push_comment(connector, TICKET, comment)

    assert await hooks.find_comment(connector, TICKET, comment.key) == (posted,)


async def test_every_failure_is_told_as_what_it_is(
    hooks: VendorHooks, connector: Connector[Any], case: Case, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(method="GET", status_code=404)
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), method="POST")

    with pytest.raises(TicketNotFound):
        await hooks.fetch_ticket(connector, TICKET)
    with pytest.raises(OutcomeUnknown):
        await hooks.push_case(connector, hooks.project_case(connector, case, "cb-1"))


def test_a_webhook_is_recognised_by_its_shape(hooks: VendorHooks) -> None:
    payload = {"acme": {"ticket": "7", "status": "Solved", "by": "u1"}}

    event = hooks.detect(Delivery(headers={}, payload=payload))

    assert event is not None
    assert (event.external_id, event.status) == ("7", NativeStatus(name="Solved"))


@pytest.mark.parametrize("payload", [{}, {"acme": None}, {"acme": {"ticket": 7}}, {"issue": {}}])
def test_any_other_payload_is_not_ours(hooks: VendorHooks, payload: dict[str, object]) -> None:
    assert hooks.detect(Delivery(headers={}, payload=payload)) is None


async def test_every_status_comes_back_as_one_it_can_stand_for(
    hooks: VendorHooks, connector: Connector[Any]
) -> None:
    for status in CaseStatus:
        native = hooks.native_status(connector, status)
        assert native is not None
        assert status in hooks.meanings_of(connector, NativeStatus(name=native))


async def test_the_guide_names_the_inbox_and_no_secret(
    hooks: VendorHooks, connector: Connector[Any]
) -> None:
    inbox = InboxAddress(url="https://soc.example/v1/inbox/itsm/tok", token_id="tok")

    guide = hooks.setup_guide(connector, inbox) or ""

    assert inbox.url in guide
    assert "t0ken" not in guide
