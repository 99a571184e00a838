"""What belongs together has one id: the request, its answer and its lines in the log."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from casebridge.logs import formatter
from tests.integration.desk import Desk

MADE = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines that are logged, as they would be written."""
    written: list[str] = []

    class Writing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Writing()
    handler.setFormatter(formatter("text"))
    logger = logging.getLogger("casebridge")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


@pytest.mark.parametrize("given", ["a-proxys.own_ID-7", "x", "9" * 64])
def test_the_id_of_a_proxy_is_kept(shared_desk: Desk, given: str) -> None:
    answer = shared_desk.admin.send("GET", "/v1/cases", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "9" * 65, "two words", "<script>", "id\tid", "a,b"])
def test_what_is_no_id_is_replaced_and_not_echoed(shared_desk: Desk, given: str) -> None:
    answer = shared_desk.admin.send("GET", "/v1/cases", headers={"X-Request-ID": given})

    assert MADE.fullmatch(answer.headers["x-request-id"])


def test_each_answer_has_an_id_of_its_own_whatever_it_is(shared_desk: Desk) -> None:
    answers = [
        shared_desk.http.get("/health"),
        shared_desk.http.get("/nowhere"),
        shared_desk.nobody.send("GET", "/v1/cases"),
        shared_desk.admin.send("POST", "/v1/cases", json={}),
        shared_desk.http.post("/v1/inbox/itsm/tok_nobodys", content=b"{}"),
        shared_desk.http.get("/v1/inbox/itsm/tok_nobodys"),
    ]

    assert [answer.status_code for answer in answers] == [200, 404, 401, 400, 401, 405]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_a_line_tells_the_request_that_it_comes_from(shared_desk: Desk, lines: list[str]) -> None:
    token = shared_desk.admin.mint_token()
    lines.clear()
    shared_desk.http.post(
        f"/v1/inbox/itsm/{token['id']}", content=b"{}", headers={"X-Request-ID": "told-by-me"}
    )

    [line] = [line for line in lines if token["id"] in line]
    assert line.endswith(" request=told-by-me")
