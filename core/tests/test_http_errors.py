"""Each failed answer by its status, and how long the vendor asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import (
    AuthenticationFailed,
    InvalidRequest,
    OutcomeUnknown,
    PermissionDenied,
    PushError,
    RateLimited,
    TicketNotFound,
    TransitionRejected,
    UnexpectedResponse,
    VendorUnavailable,
)
from casebridge_core.http import decode_json, error_for, retry_after

URL = "https://acme.example/api"


def response(status: int, **fields: Any) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", URL), **fields)


READ_AND_WRITE = [
    (400, InvalidRequest, InvalidRequest),
    (401, AuthenticationFailed, AuthenticationFailed),
    (403, PermissionDenied, PermissionDenied),
    (404, TicketNotFound, TicketNotFound),
    (405, InvalidRequest, InvalidRequest),
    (408, VendorUnavailable, OutcomeUnknown),
    (409, InvalidRequest, InvalidRequest),
    (410, TicketNotFound, TicketNotFound),
    (413, InvalidRequest, InvalidRequest),
    (422, InvalidRequest, InvalidRequest),
    (425, VendorUnavailable, OutcomeUnknown),
    (429, RateLimited, RateLimited),
    (500, VendorUnavailable, OutcomeUnknown),
    (501, VendorUnavailable, OutcomeUnknown),
    (502, VendorUnavailable, OutcomeUnknown),
    (503, VendorUnavailable, OutcomeUnknown),
    (504, VendorUnavailable, OutcomeUnknown),
    (599, VendorUnavailable, OutcomeUnknown),
]


@pytest.mark.parametrize(("status", "read", "write"), READ_AND_WRITE)
def test_each_status_is_an_error_of_its_own_for_reads_and_writes(
    status: int, read: type[PushError], write: type[PushError]
) -> None:
    assert type(error_for(response(status), writes=False)) is read
    assert type(error_for(response(status), writes=True)) is write


def test_the_vendors_own_reason_is_told() -> None:
    error = error_for(response(400), writes=True, reason="summary is required")

    assert str(error) == "acme.example answered 400: summary is required"


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_the_vendor_asks_for_is_kept(status: int) -> None:
    told = response(status, headers={"Retry-After": "7"})

    assert error_for(told, writes=False).retry_after == 7
    assert error_for(told, writes=True).retry_after == 7


@pytest.mark.parametrize(
    ("error", "retryable", "uncertain", "pauses"),
    [
        (VendorUnavailable, True, False, False),
        (RateLimited, True, False, False),
        (OutcomeUnknown, True, True, False),
        (AuthenticationFailed, False, False, True),
        (TicketNotFound, False, False, False),
        (TransitionRejected, False, False, False),
        (InvalidRequest, False, False, False),
        (UnexpectedResponse, True, False, False),
    ],
)
def test_each_error_says_what_to_do_next(
    error: type[PushError],
    retryable: bool,  # noqa: FBT001
    uncertain: bool,  # noqa: FBT001
    pauses: bool,  # noqa: FBT001
) -> None:
    assert (error.retryable, error.uncertain, error.pauses_connector) == (
        retryable,
        uncertain,
        pauses,
    )


def test_a_rejected_transition_names_what_is_missing_and_allowed() -> None:
    error = TransitionRejected("no", missing_fields=("resolution",), allowed=("Done",))

    assert (error.missing_fields, error.allowed) == (("resolution",), ("Done",))
    assert InvalidRequest("no", fields=("priority",)).fields == ("priority",)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("999999999999", 259_200.0),
        ("inf", 259_200.0),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Mar 99999999999999999999 11:00:00 GMT", None),
        ("Sun, 01 Mar 2027 11:00:00 GMT", 259_200.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_three_days(
    value: str, seconds: float | None
) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    assert retry_after(response(429, headers={"Retry-After": value}), now=now) == seconds


def test_no_header_asks_for_no_wait() -> None:
    assert retry_after(response(429)) is None


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_no_retry_after_breaks_the_clock(value: str) -> None:
    wait = retry_after(response(429, headers=[(b"retry-after", value.encode("latin-1"))]))

    assert wait is None or timedelta(0) <= timedelta(seconds=wait) <= timedelta(days=3)


@pytest.mark.parametrize(
    ("content", "document"),
    [
        (b"", None),
        (b"{}", {}),
        (b'{"a": [1]}', {"a": [1]}),
        (b"null", None),
        (b"<html>", None),
        (b'{"a":', None),
        (b"\xff\xfe\x00", None),
        (b"[" * 200_000, None),
    ],
)
def test_a_body_is_decoded_or_none(content: bytes, document: object) -> None:
    assert decode_json(response(200, content=content)) == document
