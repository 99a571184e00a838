"""The API's rate by key: who sends too much waits, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from casebridge.services.tenants import Scope
from tests.integration.desk import Desk, open_desk


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[Desk]:
    """A service that takes 60 requests a minute of a key, ten of them at once."""
    data_dir: Path = tmp_path_factory.mktemp("limited")
    with open_desk(data_dir, clock=watch, api_rate=60) as desk:
        yield desk


def send(desk: Desk, key: str | None, path: str = "/v1/plugins") -> httpx.Response:
    return desk.caller(key or "").send("GET", path)


def test_a_key_sends_at_its_rate_and_no_faster(limited: Desk, watch: Watch) -> None:
    key = limited.of_scope(Scope.READ).key

    answers = [send(limited, key) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["ratelimit"] for answer in answers] == [
        *(f'"api-key";r={left}' for left in range(9, -1, -1)),
        '"api-key";r=0;t=1',
    ]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"api-key";q=60;w=60'}
    refused = answers[-1]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "1"
    watch.now += timedelta(seconds=1)
    assert [send(limited, key).status_code for _ in range(2)] == [200, 429]


def test_what_is_refused_costs_as_well_and_waiting_helps(limited: Desk, watch: Watch) -> None:
    key = limited.of_scope(Scope.READ).key
    answers = [send(limited, key, "/v1/inbox-tokens") for _ in range(12)]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    watch.now += timedelta(seconds=60)
    assert send(limited, key).headers["ratelimit"] == '"api-key";r=9'


def test_nobody_waits_for_anybody_else(limited: Desk) -> None:
    one, other = limited.of_scope(Scope.READ), limited.of_scope(Scope.READ)
    while send(limited, one.key).status_code == 200:
        pass

    assert send(limited, other.key).status_code == 200
    assert send(limited, "cbk_nobody").status_code == 401
    assert "ratelimit" not in send(limited, "cbk_nobody").headers


def test_the_inbox_health_and_console_are_not_counted(limited: Desk) -> None:
    key = limited.of_scope(Scope.READ).key
    while send(limited, key).status_code == 200:
        pass

    assert [limited.nobody.send("GET", path).status_code for path in ("/health", "/ready")] == [
        200,
        200,
    ]
    assert limited.caller(key or "").visit("GET", "/cases").status_code == 200
    headers = {"Authorization": f"Bearer {key}"}
    delivered = limited.http.post("/v1/inbox/itsm/tok_nobody", json={}, headers=headers)
    assert delivered.status_code == 401
    assert "ratelimit" not in delivered.headers


def test_without_a_rate_nothing_is_told(tmp_path: Path) -> None:
    with open_desk(tmp_path / "data", api_rate=0) as desk:
        answer = desk.admin.send("GET", "/v1/plugins")

    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("ratelimit")]
