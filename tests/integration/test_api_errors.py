"""What bad input gets: problem+json with the field that it is about, on every kind of mistake."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from casebridge.web.problems import MEDIA_TYPE
from tests.integration.desk import CONFIG, Desk

CONNECTOR = {"vendor": "acme", "name": "acme", "config": CONFIG}


def connector(**changes: Any) -> dict[str, Any]:
    return {**CONNECTOR, **changes}


def config(**changes: Any) -> dict[str, Any]:
    return connector(config={**CONFIG, **changes})


MISTAKES: dict[str, tuple[str, str, object, int, str]] = {
    "an unknown vendor": ("POST", "/v1/connectors", connector(vendor="acmee"), 400, "vendor"),
    "a vendor whose plugin is not installed": (
        "POST",
        "/v1/connectors",
        connector(vendor="jira"),
        400,
        "vendor",
    ),
    "a configuration without what it needs": (
        "POST",
        "/v1/connectors",
        connector(config={"base_url": "https://acme.example"}),
        400,
        "config.token",
    ),
    "a configuration with a field too many": (
        "POST",
        "/v1/connectors",
        config(tokken="swordfish"),
        400,
        "config.tokken",
    ),
    "a configuration of the wrong type": (
        "POST",
        "/v1/connectors",
        config(project=["swordfish"]),
        400,
        "config.project",
    ),
    "a configuration with an empty secret": (
        "POST",
        "/v1/connectors",
        config(token=""),
        400,
        "config.token",
    ),
    "a configuration with a URL that is none": (
        "POST",
        "/v1/connectors",
        config(base_url="swordfish"),
        400,
        "config.base_url",
    ),
    "a configuration with a credential in the URL": (
        "POST",
        "/v1/connectors",
        config(base_url="https://me:swordfish@acme.example"),
        400,
        "config.base_url",
    ),
    "a configuration over plain http": (
        "POST",
        "/v1/connectors",
        config(base_url="http://swordfish.example"),
        400,
        "config.base_url",
    ),
    "a status map to a status that is none": (
        "POST",
        "/v1/connectors",
        connector(statuses={"inbound": {"Done": "swordfish"}}),
        400,
        "statuses.inbound[...]",
    ),
    "an unknown case": ("GET", "/v1/cases/case_nobody", None, 404, "case_id"),
    "an unknown connector": ("GET", "/v1/connectors/con_nobody", None, 404, "connector_id"),
    "an unknown token": ("DELETE", "/v1/inbox-tokens/tok_nobody", None, 404, "token_id"),
    "an unknown field": ("POST", "/v1/cases", {"title": "x", "colour": 1}, 400, "colour"),
    "a missing field": ("POST", "/v1/cases", {"summary": "x"}, 400, "title"),
    "a wrong type": ("POST", "/v1/cases", {"title": 5}, 400, "title"),
    "a wrong type deep down": (
        "POST",
        "/v1/cases",
        {"title": "x", "entities": [{"kind": "host", "value": 5}]},
        400,
        "entities[0].value",
    ),
    "a word outside the list": (
        "POST",
        "/v1/cases",
        {"title": "x", "severity": "swordfish"},
        400,
        "severity",
    ),
    "an empty title": ("POST", "/v1/cases", {"title": ""}, 400, "title"),
    "a title too long": ("POST", "/v1/cases", {"title": "x" * 1001}, 400, "title"),
    "a link that is none": (
        "POST",
        "/v1/cases",
        {"title": "x", "deep_link": "javascript:alert(1)"},
        400,
        "deep_link",
    ),
    "a body that is a list": ("POST", "/v1/cases", [], 400, "body"),
    "a cursor that is not ours": ("GET", "/v1/cases?cursor=swordfish", None, 400, "cursor"),
    "a limit of nothing": ("GET", "/v1/cases?limit=0", None, 400, "limit"),
    "a limit too high": ("GET", "/v1/cases?limit=201", None, 400, "limit"),
    "a limit in words": ("GET", "/v1/cases?limit=many", None, 400, "limit"),
    "a filter outside the list": ("GET", "/v1/cases?status=swordfish", None, 400, "status"),
    "a token for an unknown connector": (
        "POST",
        "/v1/inbox-tokens",
        {"name": "x", "connector_id": "con_nobody"},
        404,
        "connector_id",
    ),
    "a template that there is not": (
        "POST",
        "/v1/inbox-tokens",
        {"name": "x", "template": "swordfish"},
        400,
        "template",
    ),
}


def problem(answer: httpx.Response, *more: str) -> Any:
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "errors", *more}
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["detail"]
    return told


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_field_is_named_and_its_value_is_not_quoted(shared_desk: Desk, mistake: str) -> None:
    method, path, body, status, field = MISTAKES[mistake]

    answer = shared_desk.admin.send(method, path, json=body)

    assert answer.status_code == status, answer.text
    assert [error["field"] for error in problem(answer)["errors"]] == [field]
    assert "swordfish" not in answer.text


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"\xff\xfe", b'{"title": "x"', b'{"title": NaN}', b"[" * 100_000],
    ids=["none", "half", "null", "not UTF-8", "cut off", "not a number", "nested too deeply"],
)
def test_a_body_that_is_no_json_object_is_answered(shared_desk: Desk, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    answer = shared_desk.admin.send("POST", "/v1/cases", content=body, headers=headers)

    assert answer.status_code == 400, answer.text
    assert problem(answer)["title"] == "Invalid request"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing/at/all", 404),
        ("PUT", "/v1/cases", 405),
        ("GET", "/v1/inbox/itsm", 405),
    ],
)
def test_a_route_or_method_that_there_is_not_is_a_problem_too(
    shared_desk: Desk, method: str, path: str, status: int
) -> None:
    answer = shared_desk.admin.send(method, path, headers={"X-Request-ID": "from-the-proxy"})

    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "from-the-proxy"
    problem(answer)


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/inbox/itsm/tok_nobody"])
def test_a_body_too_large_is_refused(shared_desk: Desk, path: str) -> None:
    body = b'{"title": "' + b"x" * 1_100_000 + b'"}'

    answer = shared_desk.admin.send("POST", path, content=body)

    assert answer.status_code == 413
    problem(answer)


@pytest.mark.parametrize("what", ["status", "", "timeline"])
def test_a_version_that_is_gone_is_a_conflict(shared_desk: Desk, what: str) -> None:
    case = shared_desk.admin.create_case()
    path = f"/v1/cases/{case['id']}"
    method, path, body = {
        "status": ("POST", f"{path}/status", {"status": "triage", "expected_version": 7}),
        "": ("PATCH", path, {"title": "y", "expected_version": 7}),
        "timeline": ("POST", f"{path}/status", {"status": "open", "expected_version": 7}),
    }[what]

    answer = shared_desk.admin.send(method, path, json=body)

    assert answer.status_code == 409
    told = problem(answer, "current")
    assert [error["field"] for error in told["errors"]] == ["expected_version"]
    assert "version 1" in told["detail"]
    assert shared_desk.admin.ask("GET", f"/v1/cases/{case['id']}")["version"] == 1


@pytest.mark.parametrize("title", ["\x00", "nul\x00inside", "\U0001f600", "١٢٣", "\u202e"])
def test_any_text_is_taken_or_refused_but_never_a_failure(shared_desk: Desk, title: str) -> None:
    answer = shared_desk.admin.send("POST", "/v1/cases", json={"title": title})

    assert answer.status_code in {201, 400}, answer.text


@pytest.mark.parametrize("field", ["expected_version"])
@pytest.mark.parametrize("number", [2**63, -(2**70), 1e400])
def test_a_number_out_of_all_bounds_is_no_failure(
    shared_desk: Desk, field: str, number: float
) -> None:
    case = shared_desk.admin.create_case()
    body = f'{{"status": "triage", "{field}": {number:.0f}}}'.replace("inf", "1e400")

    answer = shared_desk.admin.send("POST", f"/v1/cases/{case['id']}/status", content=body.encode())

    assert answer.status_code in {400, 409}, answer.text
    problem(answer, *(["current"] if answer.status_code == 409 else []))
