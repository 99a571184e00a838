"""One reader for every shape of a value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_servicenow.values import label_of, moment_of, value_of, written

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("value"), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("2", "2", "2"),
        (2, "2", "2"),
        (3.0, "3", "3"),
        (2.5, "2.5", "2.5"),
        (True, "true", "true"),
        (None, "", ""),
        ("", "", ""),
        ([], "", ""),
        ({"value": "6", "display_value": "Resolved"}, "6", "Resolved"),
        ({"value": 6.0, "display_value": "Resolved"}, "6", "Resolved"),
        ({"value": "6", "display_value": None}, "6", "6"),
        ({"value": None, "display_value": None}, "", ""),
        ({"display_value": "Resolved"}, "Resolved", "Resolved"),
        ({"value": "abc", "link": "https://x/api/now/table/sys_user/abc"}, "abc", "abc"),
        ({"display_value": "Ann", "link": "https://x/api/now/table/sys_user/abc"}, "abc", "Ann"),
        ({"value": {"value": "nested"}}, "", ""),
    ],
)
def test_a_value_in_any_shape(field: object, value: str, label: str) -> None:
    assert value_of(field) == value
    assert label_of(field) == label


@given(ANY_JSON)
def test_reading_never_fails(field: object) -> None:
    assert isinstance(value_of(field), str)
    assert isinstance(label_of(field), str)
    moment = moment_of(field)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("field", "moment"),
    [
        ("2026-03-01 12:30:45", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
        ("2026-03-01T13:30:45+01:00", datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC)),
        (
            {"value": "2026-03-01 12:30:45", "display_value": "03/01/26 05:30:45"},
            datetime(2026, 3, 1, 12, 30, 45, tzinfo=UTC),
        ),
        ("03/01/26 05:30:45", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_from_what_is_stored(field: object, moment: datetime | None) -> None:
    assert moment_of(field) == moment


def test_a_time_is_written_in_utc_to_the_second() -> None:
    assert written(datetime(2026, 3, 1, 12, 30, 45, 999, tzinfo=UTC)) == "2026-03-01 12:30:45"
