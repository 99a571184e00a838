"""A line of the log: what it tells, in both forms, and what it keeps to itself."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime

import pytest

from casebridge.logs import MASK, belonging_to, formatter, masked

KEY = "cbk_0123456789abcdefghijklmnopqrstuvwxyz"
SECRET = "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t"


def record(text: str, *given: object, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("casebridge.web", logging.WARNING, __file__, 1, text, given, told)


def caught(text: str) -> ValueError:
    try:
        int(text)
    except ValueError as error:
        return error
    raise AssertionError


def test_json_is_an_object_a_line_with_what_it_belongs_to() -> None:
    with belonging_to(request="r-1", ref="ref_9"):
        line = formatter("json").format(record("webhook %s applied", "evt_1"))

    told = json.loads(line)
    assert datetime.fromisoformat(told.pop("timestamp")).tzinfo is not None
    assert told == {
        "event": "webhook evt_1 applied",
        "level": "warning",
        "logger": "casebridge.web",
        "request": "r-1",
        "ref": "ref_9",
    }


def test_text_is_a_line_to_read() -> None:
    with belonging_to(ref="ref_9"):
        line = formatter("text").format(record("pushed"))

    moment, rest = line.split(" ", 1)
    assert datetime.fromisoformat(moment).tzinfo is not None
    assert rest == "WARNING casebridge.web: pushed ref=ref_9"


def test_what_belonged_to_others_does_not_stay() -> None:
    with belonging_to(ref="ref_9"):
        pass

    assert "ref_9" not in formatter("json").format(record("later"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_comes_with_its_traceback_and_without_its_secret(form: str) -> None:
    error = caught(f"refused: Bearer {SECRET}")
    line = formatter(form).format(record("failed", error=error))  # type: ignore[arg-type]

    assert "ValueError" in line
    assert "test_logs.py" in line
    assert SECRET not in line
    assert MASK in line
    assert sys.exc_info() == (None, None, None)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (f"key {KEY} of a caller", f"key cbk_{MASK} of a caller"),
        (f"Authorization: Bearer {SECRET}", f"Authorization: Bearer {MASK}"),
        (f"'authorization': 'basic {SECRET}=='", f"'authorization': 'basic {MASK}'"),
        (
            f"postgresql+asyncpg://soc:{SECRET}@db:5432/x",
            f"postgresql+asyncpg://soc:{MASK}@db:5432/x",
        ),
        (f"POST /v1/inbox/itsm/tok_a1/{SECRET}", f"POST /v1/inbox/itsm/tok_a1/{MASK}"),
        (f"POST /v1/inbox/itsm/{SECRET}", f"POST /v1/inbox/itsm/{MASK}"),
    ],
)
def test_credentials_are_masked_wherever_they_stand(text: str, without: str) -> None:
    assert masked(text) == without


@pytest.mark.parametrize(
    "text",
    [
        "POST /v1/inbox/itsm/tok_a1b2c3d4e5f6a7b8c9d0e1f2 200",
        "listening on http://127.0.0.1:8000/console",
        "the basics, and who bears it",
        "see https://acme.example/browse/SEC-1?x=y",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert masked(text) == text
