"""The export of timelines: every row once, in order, of one tenant, whatever its length."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casebridge.services import timeline_export
from tests.integration.desk import Caller, Desk


def export(caller: Caller, **params: Any) -> list[Any]:
    answer = caller.send("GET", "/v1/timeline.jsonl", params=params)
    assert answer.is_success, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline_export, "_PAGE", 3)


def test_every_row_is_a_line_in_the_order_in_which_it_was_written(desk: Desk) -> None:
    cases = [desk.admin.create_case(f"Case {number}\u2028")["id"] for number in range(2)]
    for number in range(4):
        for case in cases:
            desk.admin.ask("POST", f"/v1/cases/{case}/comments", {"text": f"Line {number}\nü"})

    lines = export(desk.admin)

    ids = [line["id"] for line in lines]
    assert ids == sorted(set(ids))
    assert {line["case_id"] for line in lines} == set(cases)
    for case in cases:
        rows = desk.admin.ask("GET", f"/v1/cases/{case}/timeline")["items"]
        mine = [line for line in lines if line["case_id"] == case]
        assert [{name: line[name] for name in rows[0]} for line in mine] == rows
        assert export(desk.admin, case_id=case) == mine
    assert export(desk.admin, after=ids[4]) == lines[5:]
    assert export(desk.admin, since=lines[-1]["at"]) == [
        line for line in lines if line["at"] >= lines[-1]["at"]
    ]
    assert export(desk.admin, until=lines[0]["at"]) == []


def test_nobody_exports_what_is_another_tenants(desk: Desk) -> None:
    case = desk.admin.create_case()["id"]
    stranger = desk.stranger()

    assert export(stranger) == []
    assert stranger.send("GET", "/v1/timeline.jsonl", params={"case_id": case}).status_code == 404
    wrong = desk.admin.send("GET", "/v1/timeline.jsonl", params={"since": "2026-03-01T08:00:00"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "since")
