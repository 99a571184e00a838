"""Every error is problem+json: a status, a sentence, and the field that it is about."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import msgspec
import pytest
from litestar import post
from litestar.params import FromQuery, JSONBody
from litestar.testing import TestClient, create_test_client
from msgspec import Meta
from sqlalchemy.exc import OperationalError

from casebridge.services.faults import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    TooMany,
    TooSlow,
    Unauthenticated,
    Unavailable,
)
from casebridge.web.problems import HANDLERS, MEDIA_TYPE
from casebridge_core import HookFailed, VendorUnavailable

FAULTS = [
    (NotFound("there is no case 'x'", field="case_id"), 404, "Not found"),
    (Invalid("is not a URL", field="config.base_url"), 400, "Invalid request"),
    (Conflict("the case moved", field="expected_version"), 409, "Conflict"),
    (KeyReused("came with another request", field="Idempotency-Key"), 422, "Not the same request"),
    (Unauthenticated("send an API key"), 401, "Not authenticated"),
    (Forbidden("this needs the scope admin"), 403, "Not allowed"),
    (TooSlow("the body took longer than 10 s"), 408, "Too slow"),
    (TooMany("too many deliveries", retry_after=7), 429, "Too many requests"),
    (Unavailable("could not be stored"), 503, "Try again later"),
]


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    number: int


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=3)]
    inner: Inner | None = None
    many: list[Inner] = []


@post("/validated")
async def validated(data: JSONBody[Body], limit: FromQuery[int] = 1) -> None:
    """Take a body."""


def answer_to(error: Exception) -> Any:
    @post("/failing")
    async def failing() -> None:
        raise error

    with create_test_client([failing], exception_handlers=HANDLERS, logging_config=None) as client:
        return client.post("/failing")


def client() -> TestClient[Any]:
    return create_test_client([validated], exception_handlers=HANDLERS, logging_config=None)


@pytest.mark.parametrize(("fault", "status", "title"), FAULTS, ids=str)
def test_each_fault_has_its_status_and_names_its_field(
    fault: Fault, status: int, title: str
) -> None:
    answer = answer_to(fault)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    problem = answer.json()
    assert problem["title"] == title
    assert problem["status"] == status
    assert fault.detail in problem["detail"]
    fields = [{"field": fault.field, "problem": fault.detail}] if fault.field else []
    assert problem["errors"] == fields


def test_every_fault_is_answered() -> None:
    assert {type(fault) for fault, _, _ in FAULTS} == set(Fault.__subclasses__())


def test_who_is_not_authenticated_is_told_how() -> None:
    assert answer_to(Unauthenticated("send a key")).headers["www-authenticate"] == "Bearer"


def test_what_cannot_be_done_now_says_when_to_ask_again() -> None:
    assert int(answer_to(Unavailable("not now")).headers["retry-after"]) > 0


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    assert answer_to(TooMany("enough", retry_after=7)).headers["retry-after"] == "7"


def test_the_rest_of_a_slow_body_is_not_waited_for() -> None:
    assert answer_to(TooSlow("too slow")).headers["connection"] == "close"


@pytest.mark.parametrize(
    ("body", "field", "problem"),
    [
        ({"name": "abcd"}, "name", "Expected `str` of length <= 3"),
        ({"name": 5}, "name", "Expected `str`, got `int`"),
        ({}, "name", "is required"),
        ({"name": "a", "colour": 1}, "colour", "is not a known field"),
        ({"name": "a", "inner": {}}, "inner.number", "is required"),
        ({"name": "a", "inner": {"number": 1, "x": 2}}, "inner.x", "is not a known field"),
        ({"name": "a", "many": [{"number": "x"}]}, "many[0].number", "Expected `int`, got `str`"),
        ([], "body", "Expected `object`, got `array`"),
    ],
)
def test_a_body_that_does_not_fit_is_answered_with_the_path_of_the_field(
    body: object, field: str, problem: str
) -> None:
    with client() as http:
        answer = http.post("/validated", json=body)

    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert answer.json()["errors"] == [{"field": field, "problem": problem}]
    assert answer.json()["detail"] == f"{field}: {problem}"


def test_a_parameter_that_does_not_fit_is_named() -> None:
    with client() as http:
        answer = http.post("/validated?limit=many", json={"name": "a"})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


def test_a_failing_vendor_is_a_bad_gateway() -> None:
    answer = answer_to(VendorUnavailable("example.com did not answer"))

    assert answer.status_code == 502
    assert answer.json()["title"] == "The vendor failed"
    assert answer.json()["detail"] == "example.com did not answer"


def test_a_failing_plugin_is_named() -> None:
    answer = answer_to(HookFailed("acme", "itsm_check_connection", "raised KeyError"))

    assert answer.status_code == 502
    assert answer.json()["title"] == "A plugin failed"
    assert "acme" in answer.json()["detail"]


def test_the_words_of_the_database_do_not_leave(caplog: pytest.LogCaptureFixture) -> None:
    error = OperationalError("SELECT swordfish", {"key": "swordfish"}, ValueError("swordfish"))

    answer = answer_to(error)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "swordfish" not in answer.text
    assert "swordfish" not in caplog.text


def test_a_mistake_of_ours_is_told_to_the_log_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="casebridge"):
        answer = answer_to(ZeroDivisionError("swordfish"))

    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text
