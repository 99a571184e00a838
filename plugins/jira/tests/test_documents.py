"""Descriptions and comments as ADF and wiki markup, within Jira's limits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casebridge_core import CaseProjection, CommentKind, Entity, EntityKind, ProjectedComment
from casebridge_core.documents import Bullets, Heading, Link, Paragraph, describe
from casebridge_jira import JiraConfig, adf, wiki
from casebridge_jira.comments import comment_body, key_in
from casebridge_jira.fields import issue_fields
from casebridge_jira.wording import SUMMARY_LIMIT, TEXT_LIMIT, summary_of, utf16_length
from casebridge_sandbox.jira.documents import is_document, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

texts = st.text(max_size=60)
blocks = st.lists(
    st.one_of(
        st.builds(Heading, texts),
        st.builds(Paragraph, texts),
        st.builds(Bullets, st.lists(texts, min_size=1, max_size=4).map(tuple)),
        st.builds(Link, texts, texts),
    ),
    max_size=5,
).map(tuple)


def leaves(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "text":
            yield node
        for child in node.get("content", []):
            yield from leaves(child)


def config(settings: dict[str, object]) -> JiraConfig:
    return msgspec.convert({k: v for k, v in settings.items() if "token" not in k}, type=JiraConfig)


@settings(max_examples=150, deadline=None)
@given(some=blocks)
def test_a_document_is_valid_and_has_no_empty_text(some: tuple[Any, ...]) -> None:
    document = adf.document(some)
    assert all(leaf["text"] for leaf in leaves(document))
    if document["content"]:
        assert is_document(document)
    json.dumps(document, ensure_ascii=False).encode()
    wiki.document(some).encode()


def test_the_projection_becomes_headings_lists_and_a_link(projection: CaseProjection) -> None:
    document = adf.document(describe(projection))
    assert is_document(document)
    text = text_of(document)
    for part in ("Involved entities", "web-01", projection.deep_link, projection.correlation_key):
        assert part in text


@pytest.mark.parametrize("many", ["summary", "entities", "entity"])
def test_a_huge_case_is_shortened_and_says_so(
    projection: CaseProjection, either: dict[str, object], many: str
) -> None:
    huge = {
        "summary": {"summary": "Ein sehr langer Text: 🔥\n" * 20_000},
        "entities": {
            "entities": tuple(
                Entity(kind=EntityKind.HOST, value=f"host-{n}") for n in range(20_000)
            )
        },
        "entity": {"entities": (Entity(kind=EntityKind.HOST, value="x" * 90_000),)},
    }[many]
    big = msgspec.structs.replace(projection, **huge)  # type: ignore[arg-type]
    description = issue_fields(config(either), big)["description"]
    if isinstance(description, str):
        assert utf16_length(description) <= TEXT_LIMIT
        text = description
    else:
        assert len(json.dumps(description)) <= adf.DOCUMENT_LIMIT
        assert is_document(description)
        text = adf.plain_text(description)
    assert projection.correlation_key in text
    assert "…" in text
    assert ("more in the case" in text) is (many == "entities")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("One\nline\r\n only\t", "One line only"),
        ("  ", "Case 1"),
        ("bell\x07 and \ud800 half", "bell and half"),
        ("x" * 255, "x" * 255),
        ("x" * 256, "x" * 254 + "…"),
        ("🔥" * 200, "🔥" * 127 + "…"),
        ("x" * 253 + "e\u0301" + "yy", "x" * 253 + "…"),
        ("x" * 252 + "👩\u200d💻" + "yy", "x" * 252 + "…"),
    ],
)
def test_a_summary_is_one_line_cut_between_characters(title: str, expected: str) -> None:
    summary = summary_of(title, fallback="Case 1")
    assert summary == expected
    assert utf16_length(summary) <= SUMMARY_LIMIT


@given(title=st.text(max_size=600))
def test_any_title_makes_a_summary(title: str) -> None:
    summary = summary_of(title, fallback="Case 1")
    assert 0 < utf16_length(summary) <= SUMMARY_LIMIT
    assert "\n" not in summary
    summary.encode()


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("web-01 and user_name", "web-01 and user_name"),
        ("{code}", "\\{code\\}"),
        ("[~admin]!x.png!", "\\[\\~admin\\]\\!x.png\\!"),
        ("C:\\temp\\", "C:\\temp&#92;"),
        ("\\\\server\\share", "&#92;\\server\\share"),
        ("*bold* -gone-", "\\*bold* \\-gone-"),
        ("# one", "\\# one"),
        ("h1. big", "h1&#46; big"),
        ("a|b", "a\\|b"),
    ],
)
def test_wiki_markup_shows_text_as_it_is(text: str, markup: str) -> None:
    assert wiki.escape(text) == markup


def test_comments_carry_their_key_in_every_format(
    either: dict[str, object], comment: ProjectedComment
) -> None:
    body = comment_body(config(either), comment)
    assert key_in(adf.plain_text(body)) == comment.key
    assert key_in(text_of(body)) == comment.key


def test_a_long_comment_keeps_its_key(either: dict[str, object]) -> None:
    long = ProjectedComment(
        key="CASE-7.agent-summary",
        kind=CommentKind.AGENT_SUMMARY,
        text="word " * 40_000,
        at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    body = comment_body(config(either), long)
    assert key_in(adf.plain_text(body)) == long.key
    assert len(adf.plain_text(body)) < TEXT_LIMIT


@pytest.mark.parametrize(
    "text",
    [
        "casebridge-key: CASE-7.a\nwhat does this mean?",
        "{quote}casebridge-key: CASE-7.a{quote}",
        "see casebridge-key: CASE-7.a",
        "casebridge-key:",
        "",
    ],
)
def test_a_persons_comment_is_not_taken_for_ours(text: str) -> None:
    assert key_in(text) is None


def test_text_of_people_is_read_out_of_a_document() -> None:
    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [
                    {"type": "mention", "attrs": {"text": "@Ben"}},
                    {"type": "text", "text": " look"},
                    {"type": "hardBreak"},
                    {"type": "inlineCard", "attrs": {"url": "https://example.com"}},
                ],
            },
            {"type": "rule"},
        ],
    }
    assert adf.plain_text(document) == "@Ben look\nhttps://example.com"
    assert adf.plain_text(None) == ""


def test_fields_of_the_settings_are_filled_from_the_projection(
    cloud: dict[str, object], projection: CaseProjection
) -> None:
    chosen = {
        **cloud,
        "labels": ["soc"],
        "priorities": {"high": "2"},
        "issue_type": "10004",
        "fields": {"customfield_1": "{case_id}: {severity}", "customfield_2": [{"id": 7}]},
    }
    fields = issue_fields(config(chosen), projection)
    assert fields["customfield_1"] == "CASE-7: high"
    assert fields["customfield_2"] == [{"id": 7}]
    assert fields["labels"] == [projection.correlation_key, "soc"]
    assert fields["priority"] == {"id": "2"}
    assert fields["issuetype"] == {"id": "10004"}
