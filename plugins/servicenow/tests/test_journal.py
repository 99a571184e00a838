"""Comments: internal, with their key, and found again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from casebridge_core import (
    Connector,
    InvalidRequest,
    ProjectedComment,
    TicketRef,
    VendorHooks,
)
from casebridge_servicenow import ServiceNowConfig

if TYPE_CHECKING:
    from pytest_httpx import HTTPXMock

SYS_ID = "9d385017c611228701d22104cc95c371"

ServiceNow = Connector[ServiceNowConfig]
Sent = Callable[[httpx.Request], dict[str, str]]
Errors = Callable[..., dict[str, Any]]


async def test_a_comment_is_an_internal_work_note_with_its_key(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    comment: ProjectedComment,
    sent: Sent,
) -> None:
    httpx_mock.add_response(method="PATCH", json={"result": {"sys_id": SYS_ID}})
    entry = {
        "sys_id": "j1",
        "element_id": SYS_ID,
        "element": "work_notes",
        "value": "Containment\n\n[casebridge:case-7.act-1]",
    }
    another = entry | {"sys_id": "j2", "value": "Quoting [casebridge:case-7.act-1] here"}
    httpx_mock.add_response(method="GET", json={"result": [entry, another]})

    posted = await hooks.push_comment(connector, ref, comment)

    (patch,) = httpx_mock.get_requests(method="PATCH")
    assert list(sent(patch)) == ["work_notes"]
    assert sent(patch)["work_notes"].endswith("[casebridge:case-7.act-1]")
    assert posted.external_id == "j1"


async def test_a_comment_reaches_the_caller_only_when_asked(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector_with: Callable[..., ServiceNow],
    ref: TicketRef,
    comment: ProjectedComment,
    sent: Sent,
) -> None:
    httpx_mock.add_response(method="PATCH", json={"result": {"sys_id": SYS_ID}})
    httpx_mock.add_response(method="GET", json={"result": []})

    posted = await hooks.push_comment(connector_with(comments_visible_to_caller=True), ref, comment)

    (patch,) = httpx_mock.get_requests(method="PATCH")
    assert list(sent(patch)) == ["comments"]
    assert posted.external_id == comment.key


async def test_a_closed_journal_does_not_have_a_comment_posted_twice(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    comment: ProjectedComment,
    error: Errors,
) -> None:
    denied = error("User Not Authorized", "Failed API level ACL Validation")
    httpx_mock.add_response(method="PATCH", json={"result": {"sys_id": SYS_ID}})
    httpx_mock.add_response(method="GET", status_code=403, json=denied)

    posted = await hooks.push_comment(connector, ref, comment)

    assert posted.external_id == comment.key


@pytest.mark.parametrize(
    ("shown", "found"),
    [("2026 - Svc (Work notes)\nText\n\n[casebridge:case-7.act-1]\n\n", 1), ("other", 0)],
)
async def test_a_closed_journal_is_read_on_the_ticket(
    httpx_mock: HTTPXMock,
    hooks: VendorHooks,
    connector: ServiceNow,
    ref: TicketRef,
    shown: str,
    found: int,
    error: Errors,
) -> None:
    denied = error("User Not Authorized", "Failed API level ACL Validation")
    httpx_mock.add_response(status_code=403, json=denied)
    journal = {"value": "", "display_value": shown}
    httpx_mock.add_response(json={"result": {"sys_id": SYS_ID, "work_notes": journal}})

    assert len(await hooks.find_comment(connector, ref, "case-7.act-1")) == found


async def test_a_journal_that_is_closed_everywhere_is_told(
    httpx_mock: HTTPXMock, hooks: VendorHooks, connector: ServiceNow, ref: TicketRef, error: Errors
) -> None:
    denied = error("User Not Authorized", "Failed API level ACL Validation")
    httpx_mock.add_response(status_code=403, json=denied)
    httpx_mock.add_response(json={"result": {"sys_id": SYS_ID, "work_notes": ""}})

    with pytest.raises(InvalidRequest) as refused:
        await hooks.find_comment(connector, ref, "case-7.act-1")

    assert refused.value.fields == ("sys_journal_field",)
