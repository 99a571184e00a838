"""Concurrent edits: entity tags, If-Match, and what whoever comes too late is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.integration.desk import Caller, Desk


@dataclass(frozen=True, slots=True)
class Record:
    """Something that is edited, and how."""

    caller: Caller
    path: str
    body: Callable[[str], dict[str, Any]]
    method: str = "PATCH"
    below: str = ""

    def get(self) -> httpx.Response:
        return self.caller.send("GET", self.path)

    def edit(self, what: str = "renamed", *lines: str, **more: Any) -> httpx.Response:
        """Edit it, with a line of If-Match for each of ``lines``."""
        headers = [("Authorization", f"Bearer {self.caller.key}")]
        headers += [("If-Match", line) for line in lines]
        body = {**self.body(what), **more}
        return self.caller.http.request(
            self.method, self.path + self.below, json=body, headers=headers
        )


@pytest.fixture
def admin(desk_of_both: Desk) -> Caller:
    return desk_of_both.stranger()


@pytest.fixture(params=["case", "status", "connector", "status map"])
def record(admin: Caller, request: pytest.FixtureRequest) -> Iterator[Record]:
    """One that is new, of each kind."""
    if request.param in {"case", "status"}:
        case = admin.create_case()
        path = f"/v1/cases/{case['id']}"
        if request.param == "case":
            yield Record(admin, path, lambda what: {"title": what})
        else:
            yield Record(
                admin,
                path,
                lambda what: {"status": "triage" if what == "renamed" else "open", "reason": what},
                "POST",
                "/status",
            )
        return
    path = f"/v1/connectors/{admin.add_connector()['id']}"
    if request.param == "connector":
        yield Record(admin, path, lambda what: {"name": what})
    else:
        yield Record(admin, path, lambda what: {"statuses": {"outbound": {"open": what}}})
    admin.ask("DELETE", path)


def test_a_reading_and_every_answer_name_the_version(record: Record) -> None:
    read = record.get()

    edited = record.edit("renamed", read.headers["etag"])

    assert (read.headers["etag"], read.json()["version"]) == ('"1"', 1)
    assert edited.status_code == 200, edited.text
    assert (edited.headers["etag"], edited.json()["version"]) == ('"2"', 2)
    assert record.get().headers["etag"] == '"2"'


def test_an_edit_without_a_condition_goes_through(record: Record) -> None:
    assert record.edit("renamed").status_code == 200
    assert record.edit("again").status_code == 200
    assert record.get().json()["version"] == 3


def test_who_comes_too_late_is_shown_what_is_there_and_can_go_on_from_it(record: Record) -> None:
    seen = record.get().headers["etag"]
    assert record.edit("renamed").status_code == 200

    late = record.edit("mine", seen)

    now = record.get()
    told = late.json()
    assert late.status_code == 409
    assert late.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in told["errors"]] == ["If-Match"]
    assert "version 2" in told["detail"]
    assert told["current"] == now.json()
    assert late.headers["etag"] == now.headers["etag"] == '"2"'
    assert record.edit("mine", late.headers["etag"]).json()["version"] == 3


def test_a_condition_may_come_in_several_lines(record: Record) -> None:
    assert record.edit("renamed", '"7"', '"1"').status_code == 200
    assert record.edit("again", '"7"', 'W/"2"').status_code == 409
    assert record.edit("again", "*").status_code == 200


def test_a_condition_that_is_none_changes_nothing(record: Record) -> None:
    answer = record.edit("renamed", "1")

    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]
    assert record.get().json()["version"] == 1


def test_both_conditions_have_to_hold(record: Record) -> None:
    assert record.edit("renamed", '"1"', expected_version=7).status_code == 409
    assert record.edit("renamed", '"7"', expected_version=1).status_code == 409
    assert record.edit("renamed", '"1"', expected_version=1).status_code == 200


def test_of_edits_at_once_one_wins(record: Record) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: record.edit("renamed", '"1"'), range(8)))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}
    assert {answer.json()["current"]["version"] for answer in answers if answer.is_error} == {2}
    assert record.get().json()["version"] == 2


def test_an_unknown_record_is_unknown_under_any_condition(admin: Caller) -> None:
    for path in ("/v1/cases/case_nobody", "/v1/connectors/con_nobody"):
        answer = admin.send("PATCH", path, json={}, headers={"If-Match": "*"})
        assert answer.status_code == 404


def test_an_edit_of_nothing_makes_no_version(admin: Caller) -> None:
    connector, case = admin.add_connector(), admin.create_case()

    assert admin.ask("PATCH", f"/v1/connectors/{connector['id']}", {})["version"] == 1
    assert admin.ask("PATCH", f"/v1/cases/{case['id']}", {})["version"] == 1


def test_a_conflict_shows_no_secret(admin: Caller) -> None:
    connector = admin.add_connector()
    path = f"/v1/connectors/{connector['id']}"

    answer = admin.send("PATCH", path, json={"name": "x"}, headers={"If-Match": '"9"'})

    assert answer.json()["current"]["config"] == connector["config"]
