"""The key of a comment in its text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import CommentKind, ProjectedComment
from casebridge_core.comments import key_in, marked

KEYS = st.from_regex(r"[A-Za-z0-9._:-]{1,80}", fullmatch=True)


def comment(text: str, key: str = "case-1.action-1") -> ProjectedComment:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return ProjectedComment(key=key, kind=CommentKind.CONTAINMENT, text=text, at=at)


@given(text=st.text(), key=KEYS, limit=st.integers(100, 200))
def test_the_key_is_found_again_however_long_the_text(text: str, key: str, limit: int) -> None:
    written = marked(comment(text, key), limit)

    assert key_in(written) == key
    assert len(written) <= limit


def test_the_text_stands_before_its_key() -> None:
    assert marked(comment("Isolated.\n")) == "Isolated.\n\n[casebridge:case-1.action-1]"
    assert (
        marked(comment("word " * 9), 50) == "word word word word…\n\n[casebridge:case-1.action-1]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Did you see [casebridge:case-1.action-1] in the case?",
        "> [casebridge:case-1.action-1]\n\nDone.",
        "[casebridge:]",
        "[casebridge:two words]",
        f"[casebridge:{'x' * 81}]",
    ],
)
def test_any_other_text_is_a_persons(text: str) -> None:
    assert key_in(text) is None


def test_white_space_that_a_vendor_adds_at_the_end_does_no_harm() -> None:
    assert key_in("Isolated.\n\n[casebridge:k]\r\n ") == "k"
