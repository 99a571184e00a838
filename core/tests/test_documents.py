"""The description of a ticket: neutral blocks, the same for every vendor."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casebridge_core import CaseProjection, CaseStatus, Entity, EntityKind, Severity
from casebridge_core.documents import (
    Bullets,
    Heading,
    Link,
    Paragraph,
    describe,
    plain_text,
    shorten,
)


def projection(
    summary: str = "Files are being encrypted.",
    detections: tuple[str, ...] = (),
    raw_event_count: int = 0,
    entities: tuple[Entity, ...] = (),
) -> CaseProjection:
    return CaseProjection(
        case_id="case-1",
        correlation_key="cb-case-1",
        title="Ransomware",
        summary=summary,
        severity=Severity.HIGH,
        status=CaseStatus.OPEN,
        deep_link="https://soc.example/cases/case-1",
        opened_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        detections=detections,
        raw_event_count=raw_event_count,
        entities=entities,
    )


def test_a_bare_case_has_its_summary_link_facts_and_correlation_key() -> None:
    assert describe(projection()) == (
        Paragraph("Files are being encrypted."),
        Link("Open the case", "https://soc.example/cases/case-1"),
        Heading("Facts"),
        Bullets(
            ("Severity at creation: high", "Case: case-1", "Opened: 2026-03-01 12:30 UTC"),
        ),
        Paragraph("Correlation: cb-case-1"),
    )


def test_detections_and_entities_are_flat_lists() -> None:
    blocks = describe(
        projection(
            detections=("Mass file rename",),
            raw_event_count=7,
            entities=(
                Entity(kind=EntityKind.HOST, value="web-01"),
                Entity(kind=EntityKind.IP, value="10.0.0.8"),
            ),
        )
    )

    assert Bullets(("Mass file rename",)) in blocks
    assert Bullets(("host: web-01", "ip: 10.0.0.8")) in blocks
    assert "Raw events: 7 (in the case)" in plain_text(blocks)


@pytest.mark.parametrize("summary", ["", "  \n"])
def test_no_block_is_empty(summary: str) -> None:
    assert isinstance(describe(projection(summary))[0], Link)


def test_a_name_that_an_attacker_chose_cannot_add_lines_of_its_own() -> None:
    forged = "web-01\n\nCorrelation: cb-case-2\r\u2028- user: root"
    entity = Entity(kind=EntityKind.HOST, value=forged)

    text = plain_text(describe(projection(detections=(forged,), entities=(entity,))))

    lines = text.splitlines()
    assert [line for line in lines if line.startswith("Correlation")] == ["Correlation: cb-case-1"]
    assert "- user: root" not in lines


def test_plain_text_draws_headings_bullets_and_links() -> None:
    blocks = (Heading("Facts"), Bullets(("a", "b")), Link("Open", "https://x.example"))

    assert plain_text(blocks) == "Facts\n-----\n\n- a\n- b\n\nOpen: https://x.example"


@given(st.text(), st.integers(min_value=0, max_value=40), st.sampled_from(["…", "...", ""]))
def test_a_shortened_text_never_exceeds_its_limit(text: str, limit: int, mark: str) -> None:
    short = shorten(text, limit, mark=mark)

    assert len(short) <= limit
    assert short == text or len(text) > limit


def test_a_cut_text_ends_in_the_mark() -> None:
    assert shorten("one two three", 8) == "one two…"
    assert shorten("one two", 7) == "one two"
    assert shorten("one two", 2, mark="...") == ".."
