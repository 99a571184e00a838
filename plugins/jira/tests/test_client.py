"""What Jira may answer, and the error or the value that it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from casebridge_core import (
    AuthenticationFailed,
    CaseProjection,
    Connector,
    DestinationNotFound,
    InvalidRequest,
    OutcomeUnknown,
    ProjectedComment,
    PushError,
    RateLimited,
    TicketNotFound,
    TicketRef,
    UnexpectedResponse,
    VendorHooks,
    VendorUnavailable,
)
from casebridge_jira import JiraConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

pytestmark = pytest.mark.anyio

Connect = Callable[..., Connector[JiraConfig]]

API = "https://acme.example.com/rest/api/3"
REF = TicketRef(external_id="10231", key="SEC-12", url="https://acme.example.com/browse/SEC-12")
ME = {"accountId": "5b-bridge", "displayName": "Casebridge", "timeZone": "Europe/Berlin"}
GONE = {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}


KEY = "casebridge.t1.CASE-7.c1"


def fetch_url(api: str = API) -> str:
    fields = "status%2Cassignee%2Clabels%2Cupdated"
    return f"{api}/issue/10231?fields={fields}&properties=casebridge"


async def test_basic_authentication_on_cloud(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=f"{API}/myself", json=ME)
    account = await hooks.identify_account(online())
    assert account.id == "5b-bridge"
    request = httpx_mock.get_request()
    assert request is not None
    assert request.headers["authorization"].startswith("Basic ")


async def test_a_bearer_token_on_data_center(
    hooks: VendorHooks, online: Connect, data_center: dict[str, object], httpx_mock: HTTPXMock
) -> None:
    url = "https://jira.example.com/jira/rest/api/2/myself"
    httpx_mock.add_response(url=url, json={"name": "bridge", "key": "JIRAUSER1"})
    account = await hooks.identify_account(online(data_center))
    assert account.id == "bridge"
    request = httpx_mock.get_request()
    assert request is not None
    assert request.headers["authorization"] == "Bearer s3cret-pat"


async def test_a_scoped_token_calls_the_gateway_only(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    url = "https://api.atlassian.com/ex/jira/abc-1/rest/api/3"
    httpx_mock.add_response(
        url=fetch_url(url),
        json={"id": "10231", "key": "SEC-12", "fields": {"status": {"name": "Done"}}},
    )
    ticket = await hooks.fetch_ticket(online(cloud_id="abc-1"), REF)
    assert ticket.ref.url == "https://acme.example.com/browse/SEC-12"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404, html="<h1>Page unavailable</h1>"), DestinationNotFound),
        (
            httpx.Response(404, json={"timestamp": "x", "status": 404, "path": "/ex/jira/x"}),
            DestinationNotFound,
        ),
        (httpx.Response(404, json={"type": "about:blank", "title": "x"}), DestinationNotFound),
        (httpx.Response(404, json=GONE), TicketNotFound),
        (httpx.Response(403, json={"errorMessages": ["no"]}), InvalidRequest),
        (
            httpx.Response(403, headers={"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE"}),
            AuthenticationFailed,
        ),
        (httpx.Response(410, json={"errorMessages": ["removed"]}), InvalidRequest),
        (httpx.Response(500, html="<h1>oops</h1>"), VendorUnavailable),
        (httpx.Response(408), VendorUnavailable),
        (httpx.Response(200, html="<h1>log in</h1>"), UnexpectedResponse),
        (httpx.Response(200, json={"id": "10231", "key": "SEC-12"}), UnexpectedResponse),
        (httpx.Response(302, headers={"location": "https://evil.example.com"}), UnexpectedResponse),
    ],
)
async def test_a_failed_read_is_told_as_what_it_is(
    hooks: VendorHooks,
    online: Connect,
    httpx_mock: HTTPXMock,
    answer: httpx.Response,
    error: type[PushError],
) -> None:
    httpx_mock.add_callback(lambda _: answer, url=fetch_url())
    httpx_mock.add_response(url=f"{API}/myself", json=ME, is_optional=True)
    with pytest.raises(error) as failed:
        await hooks.fetch_ticket(online(), REF)
    assert type(failed.value) is error
    assert "s3cret" not in str(failed.value)


async def test_a_404_with_a_refused_credential_is_about_the_credential(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=fetch_url(), status_code=404, json=GONE)
    httpx_mock.add_response(url=f"{API}/myself", status_code=401)
    with pytest.raises(AuthenticationFailed):
        await hooks.fetch_ticket(online(), REF)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "17"}, 17, 17),
        ({"X-RateLimit-Reset": "{soon}"}, 50, 61),
        ({"RateLimit-Reason": "jira-quota-tenant-based"}, 600, 3600),
        ({"Retry-After": "5", "RateLimit-Reason": "jira-burst-based"}, 5, 5),
        ({"RateLimit-Reason": "jira-quota-global-based"}, 600, 3600),
        ({"Retry-After": "1800", "RateLimit-Reason": "jira-quota-global-based"}, 1800, 1800),
        ({"X-RateLimit-Reset": "{minute}"}, 1, 61),
        ({"Retry-After": "0"}, 1, 1),
        (
            {"Date": "Sun, 01 Mar 2026 10:00:00 GMT", "X-RateLimit-Reset": "2026-03-01T10:00:40Z"},
            40,
            40,
        ),
        ({"Retry-After": "0", "X-RateLimit-Reset": "{soon}"}, 50, 61),
    ],
)
async def test_a_429_says_how_long_to_wait(
    hooks: VendorHooks,
    online: Connect,
    httpx_mock: HTTPXMock,
    comment: ProjectedComment,
    headers: dict[str, str],
    low: float,
    high: float,
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    filled = {
        name: text.format(soon=f"{soon:%Y-%m-%dT%H:%M:%SZ}", minute=f"{soon:%Y-%m-%dT%H:%MZ}")
        for name, text in headers.items()
    }
    httpx_mock.add_response(status_code=429, headers=filled)
    with pytest.raises(RateLimited) as limited:
        await hooks.push_comment(online(), REF, comment)
    assert limited.value.retry_after is not None
    assert low <= limited.value.retry_after <= high
    assert not limited.value.uncertain


async def test_a_limit_of_one_issue_lets_the_others_go_on(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, comment: ProjectedComment
) -> None:
    """The host lets a whole connector wait for `RateLimited`, and one ticket for this."""
    headers = {"Retry-After": "3", "RateLimit-Reason": "jira-per-issue-on-write"}
    httpx_mock.add_response(status_code=429, headers=headers)
    with pytest.raises(VendorUnavailable) as limited:
        await hooks.push_comment(online(), REF, comment)
    assert limited.value.retry_after == 3
    assert not limited.value.uncertain


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(201, json={"key": "SEC-1"}),
        httpx.Response(201, json=[]),
        httpx.Response(201),
        httpx.Response(200, html="<h1>log in</h1>"),
        httpx.Response(504),
        httpx.Response(408),
        httpx.Response(503, headers={"retry-after": "9"}),
    ],
)
async def test_an_unclear_create_is_unknown(
    hooks: VendorHooks,
    online: Connect,
    httpx_mock: HTTPXMock,
    projection: CaseProjection,
    answer: httpx.Response,
) -> None:
    httpx_mock.add_callback(lambda _: answer, url=f"{API}/issue", method="POST")
    with pytest.raises(OutcomeUnknown) as unclear:
        await hooks.push_case(online(), projection)
    assert unclear.value.uncertain


async def test_a_refused_create_names_the_fields_and_labels_have_their_cure(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, projection: CaseProjection
) -> None:
    errors = {"labels": "Field 'labels' cannot be set.", "customfield_1": "is required."}
    httpx_mock.add_response(status_code=400, json={"errorMessages": [], "errors": errors})
    with pytest.raises(InvalidRequest, match="create screen") as refused:
        await hooks.push_case(online(), projection)
    assert refused.value.fields == ("labels", "customfield_1")


async def test_a_priority_goes_by_its_id_in_the_live_list(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, projection: CaseProjection
) -> None:
    """The account's language decides about names: 'Hoch' is what the administrator sees."""
    values = [{"id": "10001", "name": "Hoch"}, {"id": "10002", "name": "Mittel"}]
    httpx_mock.add_response(url=f"{API}/priority/search?maxResults=100", json={"values": values})
    httpx_mock.add_response(url=f"{API}/issue", status_code=503)
    with pytest.raises(OutcomeUnknown):
        await hooks.push_case(online(priorities={projection.severity: "hoch"}), projection)
    sent = json.loads(httpx_mock.get_requests()[-1].content)
    assert sent["fields"]["priority"] == {"id": "10001"}


@pytest.mark.parametrize("chosen", ["7", "Unheard of", "High"])
async def test_a_priority_that_is_not_in_the_list_is_left_to_jiras_answer(
    hooks: VendorHooks,
    online: Connect,
    httpx_mock: HTTPXMock,
    projection: CaseProjection,
    chosen: str,
) -> None:
    httpx_mock.add_response(
        url=f"{API}/priority/search?maxResults=100", status_code=500, is_optional=True
    )
    refusal = {"errors": {"priority": "The priority selected is invalid."}}
    httpx_mock.add_response(url=f"{API}/issue", status_code=400, json=refusal)
    httpx_mock.add_response(url=f"{API}/issue", status_code=503)
    with pytest.raises(OutcomeUnknown):
        await hooks.push_case(online(priorities={projection.severity: chosen}), projection)
    first, second = [json.loads(r.content) for r in httpx_mock.get_requests(method="POST")]
    key = "id" if chosen.isdecimal() else "name"
    assert first["fields"]["priority"] == {key: chosen}
    assert "priority" not in second["fields"]


async def test_a_create_whose_transition_failed_is_a_created_issue(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, projection: CaseProjection
) -> None:
    """A rule of the project may put one in; what counts is the status that is read back."""
    failed = {"status": 400, "errorCollection": {"errorMessages": ["no"], "errors": {}}}
    made = {"id": "10231", "key": "SEC-12", "self": f"{API}/issue/10231", "transition": failed}
    httpx_mock.add_response(url=f"{API}/issue", status_code=201, json=made)
    httpx_mock.add_response(url=f"{API}/issue/10231/remotelink", status_code=201, json={})
    status = {"name": "To Do", "id": "1", "statusCategory": {"key": "new"}}
    found = {"id": "10231", "key": "SEC-12", "fields": {"status": status}}
    httpx_mock.add_response(url=fetch_url(), json=found)
    pushed = await hooks.push_case(online(), projection)
    assert (pushed.ticket.ref.key, pushed.ticket.status.name) == ("SEC-12", "To Do")


async def test_an_issue_that_takes_no_more_comments_has_its_cure(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, comment: ProjectedComment
) -> None:
    httpx_mock.add_response(status_code=413, json={"errorMessages": ["too many"]})
    with pytest.raises(InvalidRequest, match="delete some"):
        await hooks.push_comment(online(), REF, comment)


async def test_an_issue_that_cannot_be_read_is_there_all_the_same(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    """Leaving it out would have the host create a second one."""
    unreadable = {"id": "10231", "key": "SEC-12", "fields": {"labels": [KEY], "status": None}}
    httpx_mock.add_response(json={"issues": [unreadable], "isLast": True})
    with pytest.raises(UnexpectedResponse):
        await hooks.find_ticket(online(), KEY)


async def test_a_vendor_that_cannot_be_reached_was_not_told_anything(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock, projection: CaseProjection
) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"))
    with pytest.raises(VendorUnavailable) as failed:
        await hooks.push_case(online(), projection)
    assert not failed.value.uncertain


async def test_only_an_exact_label_counts(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    def issue(number: int, label: str) -> dict[str, object]:
        fields = {"labels": [label], "status": {"name": "Done"}}
        return {"id": str(number), "key": f"SEC-{number}", "fields": fields}

    issues = [issue(3, "k.1"), issue(4, "K.1"), issue(5, "k.10"), issue(6, "k.1")]
    httpx_mock.add_response(url=f"{API}/search/jql", json={"issues": issues, "isLast": True})
    found = await hooks.find_ticket(online(), "k.1")
    assert [ticket.ref.key for ticket in found] == ["SEC-3", "SEC-6"]


async def test_an_empty_search_by_an_anonymous_caller_is_no_answer(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_response(url=f"{API}/search/jql", json={"issues": [], "isLast": True})
    httpx_mock.add_response(url=f"{API}/myself", status_code=401)
    with pytest.raises(AuthenticationFailed):
        await hooks.find_ticket(online(), "k.1")


async def test_comments_are_read_page_by_page(
    hooks: VendorHooks, online: Connect, httpx_mock: HTTPXMock
) -> None:
    def page(first: int, count: int) -> dict[str, object]:
        comments = [{"id": str(first + n), "body": "casebridge-key: k"} for n in range(count)]
        return {"startAt": first, "maxResults": 100, "total": 120, "comments": comments}

    url = f"{API}/issue/10231/comment?startAt={{}}&maxResults=100&orderBy=created"
    httpx_mock.add_response(url=url.format(0), json=page(0, 100))
    httpx_mock.add_response(url=url.format(100), json=page(100, 20))
    assert len(await hooks.find_comment(online(), REF, "k")) == 120
