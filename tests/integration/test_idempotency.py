"""Idempotency-Key: what is asked for twice is done once, and answered the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from casebridge.bridge import Bridge
from casebridge.engine import retention
from casebridge.engine.retention import Retention
from casebridge.persistence.backfills import BackfillRow
from casebridge.persistence.cases import CaseRow, ContainmentActionRow, TimelineRow
from casebridge.persistence.connectors import ConnectorRow, RefRow
from casebridge.persistence.idempotency import IdempotencyRow
from casebridge.persistence.inbox import InboxTokenRow
from casebridge.persistence.schema import Row
from casebridge.services.idempotency import KEPT_FOR
from casebridge.services.tenants import Scope
from tests.integration.desk import CONFIG, Caller, Desk

ACTION = {"action": "isolate host", "target": "web-01", "outcome": "isolated"}
CREATES: dict[str, tuple[str, dict[str, Any], type[Row]]] = {
    "case": ("/v1/cases", {"title": "Web shell", "summary": "on web-01"}, CaseRow),
    "connector": (
        "/v1/connectors",
        {"vendor": "acme", "name": "two", "config": CONFIG},
        ConnectorRow,
    ),
    "token": ("/v1/inbox-tokens", {"name": "webhooks"}, InboxTokenRow),
    "action": ("/v1/cases/{case_id}/containment-actions", ACTION, ContainmentActionRow),
    "comment": ("/v1/cases/{case_id}/comments", {"text": "looks real"}, TimelineRow),
    "backfill": ("/v1/connectors/{connector_id}/backfills", {"start": False}, BackfillRow),
    "rotation": ("/v1/inbox-tokens/{token_id}/rotate", {"overlap_hours": 1}, InboxTokenRow),
}
_keys = (f"key-{number}" for number in count(1))


@pytest.fixture(scope="module")
def admin(desk_of_both: Desk) -> Caller:
    """The administrator of the first tenant, who has one of everything but a backfill."""
    return desk_of_both.admin


@pytest.fixture(scope="module")
def ids(admin: Caller) -> dict[str, str]:
    admin.ask("PUT", "/v1/feature-flags", {"name": "backfill", "enabled": True})
    return {
        "case_id": admin.create_case()["id"],
        "connector_id": admin.add_connector()["id"],
        "token_id": admin.mint_token()["id"],
    }


@pytest.fixture
def key() -> str:
    return next(_keys)


@pytest.fixture
def counted(desk_of_both: Desk) -> Callable[[type[Row]], int]:
    bridge: Bridge = desk_of_both.app.state.bridge

    def rows(kind: type[Row]) -> int:
        async def work() -> int:
            async with bridge.database.read() as session:
                return await session.scalar(select(func.count()).select_from(kind)) or 0

        return desk_of_both.http.blocking_portal.call(work)

    return rows


def create(caller: Caller, path: str, body: object, *keys: str) -> httpx.Response:
    headers = [("Authorization", f"Bearer {caller.key}")]
    headers += [("Idempotency-Key", key) for key in keys]
    return caller.http.post(path, json=body, headers=headers)


def told(answer: httpx.Response) -> tuple[int, bytes, str | None]:
    return answer.status_code, answer.content, answer.headers.get("etag")


@pytest.mark.parametrize("what", CREATES)
def test_what_is_asked_for_twice_is_done_once(
    admin: Caller,
    ids: dict[str, str],
    key: str,
    what: str,
    counted: Callable[[type[Row]], int],
) -> None:
    path, body, kind = CREATES[what]
    first = create(admin, path.format(**ids), body, key)
    assert first.is_success, first.text
    assert "idempotency-replayed" not in first.headers
    there = counted(kind)

    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda _: create(admin, path.format(**ids), body, key), range(4)))

    assert {told(answer) for answer in again} == {told(first)}
    assert {answer.headers["idempotency-replayed"] for answer in again} == {"true"}
    assert {answer.headers.get("content-type") for answer in again} == {
        first.headers.get("content-type")
    }
    assert counted(kind) == there


@pytest.mark.parametrize("what", ["case", "connector", "token", "comment"])
def test_asked_for_at_once_it_is_done_once(
    admin: Caller,
    ids: dict[str, str],
    key: str,
    what: str,
    counted: Callable[[type[Row]], int],
) -> None:
    path, body, kind = CREATES[what]
    there = counted(kind)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: create(admin, path.format(**ids), body, key), range(12)))

    assert len({told(answer) for answer in answers}) == 1
    assert answers[0].is_success, answers[0].text
    assert counted(kind) == there + 1


def test_companions_with_keys_of_their_own_are_each_created(
    admin: Caller, counted: Callable[[type[Row]], int]
) -> None:
    """Cases that come at once share a transaction; one key that is taken spoils none of them."""
    create(admin, "/v1/cases", {"title": "0"}, "group-0")
    there, refs = counted(CaseRow), counted(RefRow)

    def ask(number: int) -> httpx.Response:
        title = str(number % 10)
        keys = [f"group-{title}"] if number < 20 else []
        return create(admin, "/v1/cases", {"title": title}, *keys)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(24)))

    assert [answer.json()["title"] for answer in answers] == [str(n % 10) for n in range(24)]
    for number in range(10):
        assert answers[number].content == answers[number + 10].content
    assert counted(CaseRow) == there + 9 + 4
    assert (counted(RefRow) - refs) % (9 + 4) == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/cases", {"title": "another"}),
        ("/v1/cases", {"title": "Web shell", "severity": "high"}),
        ("/v1/cases?really=yes", {"title": "Web shell"}),
        ("/v1/inbox-tokens", {"name": "webhooks"}),
    ],
)
def test_a_key_is_for_one_request(admin: Caller, key: str, path: str, body: object) -> None:
    first = create(admin, "/v1/cases", {"title": "Web shell"}, key)

    other = create(admin, path, body, key)

    assert other.status_code == 422, other.text
    assert other.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in other.json()["errors"]] == ["Idempotency-Key"]
    assert told(create(admin, "/v1/cases", {"title": "Web shell"}, key)) == told(first)


def test_the_same_request_may_be_written_in_another_way(admin: Caller, key: str) -> None:
    headers = {"Authorization": f"Bearer {admin.key}", "Idempotency-Key": key}
    bodies = (b'{"title": "x", "summary": "\xc3\xa4"}', b'{ "summary":"\\u00e4","title":"x" }')

    answers = [admin.http.post("/v1/cases", content=body, headers=headers) for body in bodies]

    assert told(answers[0]) == told(answers[1])


def test_the_answer_is_that_of_the_first_time_whatever_happened_since(
    admin: Caller, key: str
) -> None:
    first = create(admin, "/v1/cases", {"title": "Web shell"}, key)
    admin.ask("POST", f"/v1/cases/{first.json()['id']}/status", {"status": "closed"})

    again = create(admin, "/v1/cases", {"title": "Web shell"}, key)

    assert again.json()["status"] == "open"
    assert told(again) == told(first)


def test_a_key_is_the_api_keys_own(desk_of_both: Desk, admin: Caller, key: str) -> None:
    callers = [admin, desk_of_both.of_scope(Scope.WRITE), desk_of_both.stranger(f"with {key}")]

    made = [create(caller, "/v1/cases", {"title": "Web shell"}, key) for caller in callers]

    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in made}) == 3


def test_a_lesser_scope_hears_no_answer(desk_of_both: Desk, admin: Caller, key: str) -> None:
    create(admin, "/v1/inbox-tokens", {"name": "webhooks"}, key)

    answer = create(
        desk_of_both.of_scope(Scope.WRITE), "/v1/inbox-tokens", {"name": "webhooks"}, key
    )

    assert answer.status_code == 403


def test_what_failed_is_tried_anew(admin: Caller, key: str) -> None:
    missing = "/v1/cases/case_nobody/comments"
    assert create(admin, missing, {"text": "x"}, key).status_code == 404
    assert create(admin, "/v1/cases", {"title": ""}, key).status_code == 400

    answer = create(admin, "/v1/cases", {"title": "x"}, key)

    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize(
    "keys", [[""], ["x" * 256], ["a b"], ["a\tb"], ["one", "two"], ["same", "same"], [" "]]
)
def test_what_is_no_key_is_refused_by_name(admin: Caller, keys: list[str]) -> None:
    answer = create(admin, "/v1/cases", {"title": "x"}, *keys)

    assert answer.status_code == 400, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "text", ["x" * 255, "!", '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "~,;%00"]
)
def test_any_visible_text_is_a_key(admin: Caller, text: str) -> None:
    first, again = (create(admin, "/v1/cases", {"title": "x"}, text) for _ in range(2))

    assert first.status_code == 201
    assert told(first) == told(again)


def test_no_secret_is_kept_in_clear(desk_of_both: Desk, admin: Caller, key: str) -> None:
    minted = create(admin, "/v1/inbox-tokens", {"name": "a name of its own"}, key).json()
    bridge: Bridge = desk_of_both.app.state.bridge

    async def work() -> dict[str, Any]:
        async with bridge.database.read() as session:
            row = await session.scalar(select(IdempotencyRow).where(IdempotencyRow.key == key))
            assert row is not None
            return {each.name: getattr(row, each.name) for each in IdempotencyRow.__table__.columns}

    kept = desk_of_both.http.blocking_portal.call(work)
    assert kept["answer_sealed"]
    for part in (minted["secret"], minted["id"], "a name of its own"):
        assert part.encode() not in repr(kept).encode() + kept["answer_sealed"]


def test_an_answer_in_another_row_does_not_open(
    desk_of_both: Desk, admin: Caller, key: str
) -> None:
    """Who can write into the database cannot hand one caller the answer to another."""
    for name in (key, f"{key}-2"):
        create(admin, "/v1/cases", {"title": "x"}, name)
    bridge: Bridge = desk_of_both.app.state.bridge

    async def swap() -> None:
        async with bridge.database.write() as session:
            rows = (
                await session.scalars(
                    select(IdempotencyRow).where(IdempotencyRow.key.startswith(key))
                )
            ).all()
            rows[0].answer_sealed = rows[1].answer_sealed

    desk_of_both.http.blocking_portal.call(swap)
    answers = [create(admin, "/v1/cases", {"title": "x"}, name) for name in (key, f"{key}-2")]

    assert sorted(answer.status_code for answer in answers) == [201, 409]


def test_keys_are_forgotten_after_their_time(
    desk_of_both: Desk, admin: Caller, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    bridge: Bridge = desk_of_both.app.state.bridge
    first = create(admin, "/v1/cases", {"title": "x"}, key)

    def forget(after: timedelta) -> int:
        async def work() -> int:
            def clock() -> datetime:
                return datetime.now(UTC) + after

            return await Retention(bridge.database, clock, lasting=None).forget_keys()

        return desk_of_both.http.blocking_portal.call(work)

    assert forget(KEPT_FOR - timedelta(minutes=5)) == 0
    assert told(create(admin, "/v1/cases", {"title": "x"}, key)) == told(first)
    assert forget(KEPT_FOR + timedelta(minutes=5)) >= 1
    assert forget(KEPT_FOR + timedelta(minutes=5)) == 0
    assert create(admin, "/v1/cases", {"title": "x"}, key).json()["id"] != first.json()["id"]
