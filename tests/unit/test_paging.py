"""Cursors: opaque, exact, and refused when they are not ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge.services.faults import Invalid
from casebridge.web.paging import decode_cursor, encode_cursor

row_ids = st.integers(min_value=0, max_value=2**31 - 1)


@given(row_id=row_ids)
def test_a_cursor_names_its_row_again(row_id: int) -> None:
    assert decode_cursor(encode_cursor(row_id)) == row_id


@given(row_id=row_ids)
def test_a_cursor_can_stand_in_a_url_as_it_is(row_id: int) -> None:
    assert encode_cursor(row_id).replace("-", "a").replace("_", "a").isalnum()


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None) is None


@pytest.mark.parametrize(
    "cursor", ["", "1", "AAAA", "AAAAAAAAAAA!", "ä" * 11, "A" * 12, "_" * 10 + "8"]
)
def test_what_is_not_a_cursor_is_refused_with_the_name_of_the_parameter(cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_cursor(cursor)

    assert caught.value.field == "cursor"


@given(text=st.text())
def test_any_text_is_a_cursor_of_a_possible_row_or_refused(text: str) -> None:
    try:
        row_id = decode_cursor(text)
    except Invalid:
        return

    assert row_id is not None
    assert 0 <= row_id < 2**31
