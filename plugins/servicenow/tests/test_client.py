"""The calls of the Table API, and what each answer comes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    Connector,
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    PushError,
    RateLimited,
    Severity,
    TicketNotFound,
    TicketRef,
    UnexpectedResponse,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

SYS_ID = "9d385017c611228701d22104cc95c371"
HIBERNATING = "<html><head><title>Instance Hibernating page</title></head></html>"

ServiceNow = Connector[ServiceNowConfig]
Rows = Callable[..., dict[str, Any]]
Sent = Callable[[httpx.Request], dict[str, str]]


def error(message: str, detail: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "detail": detail}, "status": "failure"}


async def test_a_new_ticket_carries_the_key_and_the_link_back(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    projection: CaseProjection,
    row: Rows,
    sent: Sent,
) -> None:
    def store(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json={"result": row(**sent(request))})

    httpx_mock.add_callback(store, method="POST")

    result = await hooks.push_case(connector, projection)

    request = httpx_mock.get_request()
    assert request is not None
    assert request.url.path == "/api/now/table/incident"
    assert request.headers["accept"] == request.headers["content-type"] == "application/json"
    body = sent(request)
    assert body["short_description"] == "Credential theft on web-01"
    assert body["correlation_id"] == "cb-case-7-c1"
    assert body["correlation_display"] == "Casebridge"
    assert (body["impact"], body["urgency"]) == ("1", "2")
    assert "https://soc.example.com/cases/case-7" in body["description"]
    assert "priority" not in body
    assert "caller_id" not in body
    assert result.created
    assert result.notes == ()
    assert result.ticket.ref.external_id == SYS_ID
    assert result.ticket.ref.key == "INC0010001"
    assert result.ticket.ref.url == (
        "https://example.service-now.com/nav_to.do?uri=incident.do%3Fsys_id%3D" + SYS_ID
    )
    assert result.ticket.correlation_key == "cb-case-7-c1"
    assert result.ticket.updated_at == datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)


async def test_a_new_ticket_is_filled_from_the_settings(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    projection: CaseProjection,
    row: Rows,
    sent: Sent,
) -> None:
    httpx_mock.add_response(json={"result": row()}, status_code=201)
    connector = connector_with(
        table="u_security_task",
        caller_id="46d44a23a9fe19810012d100cca80666",
        category="security",
        assignment_group="8a5055c9c61122780043563ef53438e3",
        extra_fields={"u_source": "casebridge"},
        severity_map={Severity.HIGH.value: {"impact": 2, "urgency": 1}},
    )

    result = await hooks.push_case(connector, projection)

    request = httpx_mock.get_request()
    assert request is not None
    assert request.url.path == "/api/now/table/u_security_task"
    body = sent(request)
    assert body["caller_id"] == "46d44a23a9fe19810012d100cca80666"
    assert body["category"] == "security"
    assert body["assignment_group"] == "8a5055c9c61122780043563ef53438e3"
    assert body["u_source"] == "casebridge"
    assert (body["impact"], body["urgency"]) == ("2", "1")
    assert "u_security_task.do" in result.ticket.ref.url


async def test_a_key_that_was_not_stored_is_told(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    projection: CaseProjection,
    row: Rows,
) -> None:
    httpx_mock.add_response(json={"result": row(correlation_id="")}, status_code=201)

    result = await hooks.push_case(connector, projection)

    assert result.ticket.correlation_key is None
    assert "correlation_id was not stored" in result.notes[0]


async def test_a_search_asks_for_few_fields_and_few_rows(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, row: Rows
) -> None:
    httpx_mock.add_response(json={"result": [row()]})

    (ticket,) = await hooks.find_ticket(connector, "cb-case-7-c1")

    request = httpx_mock.get_request()
    assert request is not None
    params = request.url.params
    assert params["sysparm_query"] == "correlation_id=cb-case-7-c1^ORDERBYsys_created_on"
    assert params["sysparm_display_value"] == "all"
    assert int(params["sysparm_limit"]) <= 100
    assert params["sysparm_no_count"] == params["sysparm_suppress_pagination_header"] == "true"
    assert "correlation_id" in params["sysparm_fields"].split(",")
    assert ticket.ref.external_id == SYS_ID


async def test_a_row_whose_key_differs_in_case_is_left_out(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, row: Rows
) -> None:
    httpx_mock.add_response(json={"result": [row(correlation_id="CB-CASE-7-C1"), row()]})

    found = await hooks.find_ticket(connector, "cb-case-7-c1")

    assert [ticket.correlation_key for ticket in found] == ["cb-case-7-c1"]


async def test_a_search_whose_condition_was_ignored_is_no_answer(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, row: Rows
) -> None:
    httpx_mock.add_response(json={"result": [row(correlation_id="someone-elses")]})

    with pytest.raises(InvalidRequest) as refused:
        await hooks.find_ticket(connector, "cb-case-7-c1")

    assert refused.value.fields == ("correlation_id",)


async def test_a_ticket_whose_state_is_hidden_is_not_taken_for_missing(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow
) -> None:
    hidden = {"sys_id": SYS_ID, "number": "INC0010001", "correlation_id": "cb-case-7-c1"}
    httpx_mock.add_response(json={"result": [hidden]})

    with pytest.raises(UnexpectedResponse, match="may not read"):
        await hooks.find_ticket(connector, "cb-case-7-c1")


@pytest.mark.parametrize(
    "key", ["a^ORcorrelation_idISNOTEMPTY", "javascript:gs.getUserID()", "", "a\nb"]
)
async def test_a_key_cannot_become_a_condition(
    hooks: VendorHooks, connector: ServiceNow, key: str
) -> None:
    with pytest.raises(InvalidRequest):
        await hooks.find_ticket(connector, key)


async def test_nothing_found_is_an_empty_answer_in_every_version_of_the_api(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow
) -> None:
    httpx_mock.add_response(json={"result": []})
    httpx_mock.add_response(status_code=404, json=error("No Record found"))

    assert await hooks.find_ticket(connector, "cb-case-7-c1") == ()
    assert await hooks.find_ticket(connector, "cb-case-7-c1") == ()


@pytest.mark.parametrize(
    "result",
    [
        {"sys_id": SYS_ID, "number": "INC0010001", "state": "2", "assigned_to": "u1"},
        {
            "sys_id": SYS_ID,
            "number": "INC0010001",
            "state": "In Progress",
            "assigned_to": {"display_value": "Ann", "link": "https://x/api/now/table/sys_user/u1"},
        },
        {
            "sys_id": {"value": SYS_ID, "display_value": SYS_ID},
            "number": {"value": "INC0010001", "display_value": "INC0010001"},
            "state": {"value": 2.0, "display_value": "In Progress", "display_value_internal": 2},
            "assigned_to": {"value": "u1", "display_value": "Ann"},
        },
    ],
)
async def test_a_ticket_is_read_in_every_shape(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    result: dict[str, Any],
) -> None:
    httpx_mock.add_response(json={"result": result})

    ticket = await hooks.fetch_ticket(connector, ref)

    assert ticket.ref.key == "INC0010001"
    assert (ticket.status.id, ticket.status.name) == ("2", "In Progress")
    assert ticket.assignee is not None
    assert ticket.assignee.id == "u1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status_code": 401, "json": error("User Not Authenticated")}, AuthenticationFailed),
        ({"status_code": 400, "json": error("Invalid table incidents")}, DestinationNotFound),
        ({"status_code": 400, "json": error("Malformed")}, InvalidRequest),
        ({"status_code": 404, "json": error("No Record found")}, TicketNotFound),
        ({"status_code": 429, "text": "Rate limit exceeded"}, RateLimited),
        ({"status_code": 500, "json": error("Oops")}, VendorUnavailable),
        ({"status_code": 503, "html": HIBERNATING}, VendorUnavailable),
        ({"status_code": 200, "html": HIBERNATING}, VendorUnavailable),
        (
            {
                "status_code": 200,
                "text": '{"result": [',
                "headers": {"content-type": "application/json"},
            },
            UnexpectedResponse,
        ),
        (
            {"status_code": 200, "json": {"result": [], **error("Transaction cancelled")}},
            VendorUnavailable,
        ),
        ({"status_code": 200, "json": {}}, UnexpectedResponse),
        ({"status_code": 200, "json": {"result": []}}, UnexpectedResponse),
        ({"status_code": 200, "json": {"result": {"sys_id": ""}}}, UnexpectedResponse),
        (
            {"status_code": 302, "headers": {"location": "https://elsewhere.example"}},
            UnexpectedResponse,
        ),
    ],
)
async def test_a_failed_read(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    answer: dict[str, Any],
    kind: type[PushError],
) -> None:
    httpx_mock.add_response(**answer)

    with pytest.raises(kind) as failed:
        await hooks.fetch_ticket(connector, ref)

    assert type(failed.value) is kind
    assert not failed.value.uncertain
    assert "horse" not in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status_code": 500, "json": error("Oops")}, OutcomeUnknown),
        ({"status_code": 503, "html": HIBERNATING}, OutcomeUnknown),
        ({"status_code": 200, "html": HIBERNATING}, OutcomeUnknown),
        ({"status_code": 201, "json": {"result": {}}}, OutcomeUnknown),
        ({"status_code": 201, "json": []}, OutcomeUnknown),
        (
            {"status_code": 200, "json": {"result": {}, **error("Transaction cancelled")}},
            OutcomeUnknown,
        ),
        ({"status_code": 429, "text": "Rate limit exceeded"}, RateLimited),
        (
            {
                "status_code": 403,
                "json": error("Operation Failed", "Data Policy Exception: Caller is mandatory"),
            },
            InvalidRequest,
        ),
    ],
)
async def test_a_failed_write(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    projection: CaseProjection,
    answer: dict[str, Any],
    kind: type[PushError],
) -> None:
    httpx_mock.add_response(**answer)

    with pytest.raises(kind) as failed:
        await hooks.push_case(connector, projection)

    assert failed.value.uncertain is (kind is OutcomeUnknown)


async def test_a_sleeping_instance_says_so(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef
) -> None:
    httpx_mock.add_response(html=HIBERNATING)

    with pytest.raises(VendorUnavailable, match="hibernating instance"):
        await hooks.fetch_ticket(connector, ref)


async def test_fields_that_a_create_lacks_are_named(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, projection: CaseProjection
) -> None:
    refusal = error("Operation Failed", "Data Policy Exception: Caller is mandatory")
    httpx_mock.add_response(status_code=403, json=refusal)

    with pytest.raises(InvalidRequest) as refused:
        await hooks.push_case(connector, projection)

    assert refused.value.fields == ("caller_id",)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("no"), VendorUnavailable),
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.RemoteProtocolError("cut"), OutcomeUnknown),
    ],
)
async def test_a_broken_connection_while_creating(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    projection: CaseProjection,
    failure: Exception,
    kind: type[PushError],
) -> None:
    httpx_mock.add_exception(failure)

    with pytest.raises(kind):
        await hooks.push_case(connector, projection)
