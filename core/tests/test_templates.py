"""Field values from the settings, filled from the projection."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from casebridge_core import CaseProjection, CaseStatus, Severity
from casebridge_core.templates import (
    PLACEHOLDERS,
    PLACEHOLDERS_SHOWN,
    fill,
    unknown_placeholders,
)

PROJECTION = CaseProjection(
    case_id="case-7",
    correlation_key="cb-7",
    title="A {severity} title",
    summary="Two lines\nof text",
    severity=Severity.HIGH,
    status=CaseStatus.OPEN,
    deep_link="https://soc.example.com/cases/case-7",
    opened_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("{severity}: {case_id}", "high: case-7"),
        ({"value": ["{status}", 3, None]}, {"value": ["open", 3, None]}),
        ("{{status}} {other} {status.name} {", "{open} {other} {status.name} {"),
        ("{title}", "A {severity} title"),
        (7, 7),
    ],
)
def test_every_text_is_filled_once_and_nothing_else_is_touched(value: Any, filled: Any) -> None:
    assert fill(value, PROJECTION) == filled


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS))
def test_every_placeholder_is_an_attribute_of_the_projection(name: str) -> None:
    assert fill(f"{{{name}}}", PROJECTION) == str(getattr(PROJECTION, name))
    assert f"{{{name}}}" in PLACEHOLDERS_SHOWN


def test_unknown_placeholders_are_named_by_their_path() -> None:
    fields = {"a": "{status}", "b": [{"c": "{caller}"}, "{summary}"], "d": "{nobody}"}

    assert list(unknown_placeholders(fields)) == ["b[0].c", "d"]
