"""Text that a database would choke on is taken on both: cut, mended, and never a failure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.desk import Desk

LONG = "x" * 5000
NUL = "before\x00after"


@pytest.fixture(scope="module")
def desk(desk_of_both: Desk) -> Desk:
    desk_of_both.admin.add_connector()
    return desk_of_both


def event(case: Any, **fields: Any) -> dict[str, Any]:
    return {"acme": {"external_id": case["tickets"][0]["id"], **fields}}


EVENTS: dict[str, dict[str, Any]] = {
    "a status of any length": {"status": {"name": LONG}},
    "a status with a NUL": {"status": {"name": NUL}},
    "a status id of any length": {"status": {"name": "Resolved", "id": LONG}},
    "an assignee of any length": {"assignee": {"id": LONG, "name": LONG, "email": LONG}},
    "an assignee with a NUL": {"assignee": {"id": NUL, "name": NUL, "email": NUL}},
    "an actor with a NUL": {"status": {"name": "Resolved"}, "actor": {"id": NUL, "name": NUL}},
    "a comment with a NUL": {
        "comments": [{"external_id": NUL, "action": "created", "text": NUL, "author": {"id": NUL}}]
    },
    "a comment of any length": {
        "comments": [{"external_id": LONG, "action": "created", "text": LONG * 10}]
    },
    "a delivery of any length": {"delivery_id": LONG, "status": {"name": "Resolved"}},
    "a delivery with a NUL": {"delivery_id": NUL, "status": {"name": "Resolved"}},
    "a key of any length": {"key": LONG},
    "a site of any length": {"site": LONG},
    "a ticket of any length": {"external_id": LONG},
    "a ticket with a NUL": {"external_id": NUL},
}


@pytest.mark.parametrize("what", EVENTS)
def test_a_webhook_brings(desk: Desk, what: str) -> None:
    token = desk.admin.mint_token()
    case = desk.admin.create_case()
    desk.link(case)

    answer = desk.nobody.deliver(token, event(case, **EVENTS[what]))

    assert answer.status_code == 200, answer.text
    assert desk.admin.send("GET", f"/v1/cases/{case['id']}").status_code == 200


@pytest.mark.parametrize("field", ["title", "summary", "agent_summary"])
def test_a_case_with_a_nul_is_kept_without_it(desk: Desk, field: str) -> None:
    case = desk.admin.create_case(**{"title": "x", field: NUL})

    read = desk.admin.ask("GET", f"/v1/cases/{case['id']}")

    assert read[field] == "before\ufffdafter"


@pytest.mark.parametrize(
    "path", ["/v1/cases/%00", "/v1/connectors/a%00b", "/v1/cases?assignee=%00"]
)
def test_a_nul_in_a_question_finds_nothing(desk: Desk, path: str) -> None:
    answer = desk.admin.send("GET", path)

    assert answer.status_code in {200, 404}, answer.text
