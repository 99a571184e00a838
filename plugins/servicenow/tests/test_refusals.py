"""What ServiceNow's refusals say."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import RateLimited
from casebridge_servicenow.refusals import mandatory_fields, reason_in, refine, seconds_to_wait

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "30", "x-ratelimit-reset": "1"}, 30.0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 90)}, 90.0),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 90)}, 0.0),
        ({"x-ratelimit-reset": "99999999999999"}, 3600.0),
        ({"x-ratelimit-reset": "2026-03-01T12:00:00Z"}, None),
        ({"x-ratelimit-reset": "nan"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(httpx.Response(429, headers=headers), now=NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "used up its requests of this hour"),
        ({"x-ratelimit-limit": "500"}, "used up its 500 requests of this hour"),
        (
            {"x-ratelimit-limit": "500", "x-ratelimit-rule": "4a7e"},
            "its 500 requests of this hour (sys_rate_limit_rules 4a7e)",
        ),
        ({"x-ratelimit-limit": "many", "x-ratelimit-rule": "a b"}, "its requests of this hour"),
    ],
)
def test_a_limit_is_told_with_its_number_and_rule(headers: dict[str, str], told: str) -> None:
    request = httpx.Request("POST", "https://example.service-now.com/api/now/table/incident")
    response = httpx.Response(429, headers={"retry-after": "7", **headers}, request=request)

    limited = refine(response, {"error": {"message": "Rate limit exceeded"}})

    assert isinstance(limited, RateLimited)
    assert limited.retry_after == 7
    assert str(limited).endswith(told)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "Operation Failed", "detail": "Why"}}, "Operation Failed: Why"),
        ({"error": {"message": "Same", "detail": "Same"}}, "Same"),
        ({"error": {"message": "Two\n lines", "detail": None}}, "Two lines"),
        ({"error": {"message": "Alone"}}, "Alone"),
        ({"error": "invalid_client", "error_description": "No"}, "invalid_client: No"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": {}}, ""),
        ({"error": None}, ""),
        ({"result": []}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_vendors_own_words(body: object, reason: str) -> None:
    assert reason_in(body) == reason


def test_long_words_are_cut() -> None:
    assert len(reason_in({"error": {"message": "x" * 10_000}})) <= 400


@given(st.text())
def test_any_text_is_searched_for_fields(text: str) -> None:
    assert all(mandatory_fields(f"Data Policy Exception: {text} is mandatory"))
