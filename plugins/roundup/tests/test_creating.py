"""A ticket is minted once: a message that carries the key, and an issue at a URL good once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from casebridge_core import CaseProjection, Connector, InvalidRequest, OutcomeUnknown, VendorHooks
from casebridge_roundup import RoundupConfig

Connect = Callable[..., Connector[RoundupConfig]]
DATA = "https://issues.example.com/soc/rest/data"

TOKEN = "h2U6VBQtXc46074rG44YFSwEeCUDL6Tu"


def made(httpx_mock: HTTPXMock, answers: Any, *, lifetimes: int = 1) -> None:
    """Have the tracker take the message and hand out one-use URLs."""
    httpx_mock.add_response(url=f"{DATA}/msg", method="POST", json=answers.data({"id": "7"}))
    for _ in range(lifetimes):
        link = f"https://elsewhere.example.com/rest/data/issue/@poe/{TOKEN}"
        httpx_mock.add_response(url=f"{DATA}/issue/@poe", json=answers.data({"link": link}))


def minted(httpx_mock: HTTPXMock, answers: Any) -> None:
    """Have the tracker create an issue and show it."""
    httpx_mock.add_response(url=f"{DATA}/issue/@poe/{TOKEN}", json=answers.data({"id": "12"}))
    httpx_mock.add_response(json=answers.rows(answers.issue("12")))


def sent(httpx_mock: HTTPXMock, path: str) -> list[Any]:
    requests = httpx_mock.get_requests(url=f"{DATA}{path}")
    return [json.loads(request.content) for request in requests]


async def test_the_issue_holds_a_message_whose_id_is_the_key(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
) -> None:
    made(httpx_mock, answers)
    minted(httpx_mock, answers)

    pushed = await hooks.push_case(connect(extra_fields={"keyword": "{severity}"}), projection)

    assert (pushed.ticket.ref.external_id, pushed.ticket.ref.key) == ("12", "issue12")
    assert pushed.ticket.ref.url == "https://issues.example.com/soc/issue12"
    (message,) = sent(httpx_mock, "/msg")
    assert message["messageid"] == "<aisoc-ref_1!2@ticket.casebridge>"
    assert message["author"] == "casebridge"
    assert "\x00" not in message["content"]
    assert sent(httpx_mock, f"/issue/@poe/{TOKEN}") == [
        {
            "title": "Credential theft on web-01",
            "messages": ["7"],
            "priority": "urgent",
            "keyword": "high",
        }
    ]


async def test_a_write_names_the_trackers_own_address(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
) -> None:
    made(httpx_mock, answers)
    minted(httpx_mock, answers)

    pushed = await hooks.push_case(connect(web_url="https://public.example.org/soc/"), projection)

    first = httpx_mock.get_requests()[0]
    assert first.headers["origin"] == "https://public.example.org"
    assert first.headers["referer"] == "https://public.example.org/soc/"
    assert first.headers["x-forwarded-host"] == "public.example.org"
    assert first.headers["x-requested-with"]
    assert pushed.ticket.ref.url == "https://public.example.org/soc/issue12"


async def test_a_priority_that_is_not_there_is_left_out_with_a_note(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
) -> None:
    made(httpx_mock, answers, lifetimes=2)
    refused = answers.error(400, "property priority: 'urgent' is not a priority.")
    httpx_mock.add_response(url=f"{DATA}/issue/@poe/{TOKEN}", status_code=400, json=refused)
    minted(httpx_mock, answers)

    pushed = await hooks.push_case(connect(), projection)

    assert pushed.notes == ("priority left out: this tracker has no priority urgent",)
    assert [set(body) for body in sent(httpx_mock, f"/issue/@poe/{TOKEN}")] == [
        {"title", "messages", "priority"},
        {"title", "messages"},
    ]


async def test_another_refusal_is_told(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
) -> None:
    made(httpx_mock, answers)
    refused = answers.error(400, "property keyword: 'x' is not a keyword.")
    httpx_mock.add_response(url=f"{DATA}/issue/@poe/{TOKEN}", status_code=400, json=refused)

    with pytest.raises(InvalidRequest, match="is not a keyword"):
        await hooks.push_case(connect(extra_fields={"keyword": "x"}), projection)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"msg": f"POE token '{TOKEN}' not valid."}}),
        (400, {"error": {"msg": "Mon: An error occurred. Please check the server log for more."}}),
        (201, {"data": {"link": "…"}}),
        (201, {"data": {"id": "not a number"}}),
    ],
    ids=["sent twice", "failed in the middle", "no id", "strange id"],
)
async def test_an_unclear_create_is_told_as_one(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
    status: int,
    body: object,
) -> None:
    made(httpx_mock, answers)
    httpx_mock.add_response(url=f"{DATA}/issue/@poe/{TOKEN}", status_code=status, json=body)

    with pytest.raises(OutcomeUnknown):
        await hooks.push_case(connect(), projection)


async def test_a_ticket_that_cannot_be_read_back_is_there_all_the_same(
    httpx_mock: HTTPXMock,
    answers: Any,
    connect: Connect,
    hooks: VendorHooks,
    projection: CaseProjection,
) -> None:
    made(httpx_mock, answers)
    httpx_mock.add_response(url=f"{DATA}/issue/@poe/{TOKEN}", json=answers.data({"id": "12"}))
    httpx_mock.add_response(status_code=503)

    pushed = await hooks.push_case(connect(), projection)

    assert pushed.ticket.ref.external_id == "12"
    assert "created, but not read back" in pushed.notes[0]


async def test_tickets_are_found_by_the_whole_key_oldest_first(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    message_id = "<aisoc-ref_1@ticket.casebridge>"
    other = {"id": "9", "messageid": "<aisoc-ref_12@ticket.casebridge>"}
    found = [{"id": "7", "messageid": message_id}, {"id": "10", "messageid": message_id}, other]
    httpx_mock.add_response(json=answers.rows(*found))
    httpx_mock.add_response(json=answers.rows(answers.issue("12"), answers.issue("9")))

    tickets = await hooks.find_ticket(connect(), "aisoc-ref_1")

    assert [ticket.ref.key for ticket in tickets] == ["issue9", "issue12"]
    assert {ticket.correlation_key for ticket in tickets} == {"aisoc-ref_1"}
    by_key, by_message = httpx_mock.get_requests()
    assert by_key.url.params["messageid:"] == message_id
    assert by_message.url.params["messages"] == "7,10"


async def test_a_message_that_no_issue_holds_is_no_ticket(
    httpx_mock: HTTPXMock, answers: Any, connect: Connect, hooks: VendorHooks
) -> None:
    message = {"id": "7", "messageid": "<aisoc-ref_1@ticket.casebridge>"}
    httpx_mock.add_response(json=answers.rows(message))
    httpx_mock.add_response(json=answers.rows())

    assert await hooks.find_ticket(connect(), "aisoc-ref_1") == ()
