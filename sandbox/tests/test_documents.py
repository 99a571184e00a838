from __future__ import annotations

import pytest

from casebridge_sandbox.exchange import JsonObject
from casebridge_sandbox.jira.documents import document_of_text, is_document, text_of
from casebridge_sandbox.pages.markup import html_of


def doc(*content: object) -> JsonObject:
    return {"type": "doc", "version": 1, "content": list(content)}


def text(value: object, *marks: JsonObject) -> JsonObject:
    return {"type": "text", "text": value, "marks": list(marks)}


def paragraph(*content: object) -> JsonObject:
    return {"type": "paragraph", "content": list(content)}


def node(kind: str, *content: object, **attrs: object) -> JsonObject:
    return {"type": kind, "attrs": attrs, "content": list(content)}


LINK: JsonObject = {"type": "link", "attrs": {"href": "https://soc.example/1"}}


@pytest.mark.parametrize(
    ("document", "markup"),
    [
        (doc(), ""),
        (doc(paragraph(text("a"), {"type": "hardBreak"}, text("b"))), "a\nb"),
        (doc(paragraph(text("x", {"type": "strong"}), text("y", {"type": "em"}))), "*x*_y_"),
        (doc(paragraph(text("x", {"type": "code"}))), "{{x}}"),
        (doc(paragraph(text("Case", LINK))), "[Case|https://soc.example/1]"),
        (doc(paragraph(text("https://soc.example/1", LINK))), "[https://soc.example/1]"),
        (doc(node("heading", text("Title"), level=2)), "h2. Title"),
        (doc(node("codeBlock", text("a = 1"), language="python")), "{code}\na = 1\n{code}"),
        (doc({"type": "rule"}, paragraph(text("x"))), "----\n\nx"),
        (doc(node("blockquote", paragraph(text("x")))), "{quote}\nx\n{quote}"),
        (
            doc(
                node(
                    "bulletList",
                    node(
                        "listItem",
                        paragraph(text("a")),
                        node("orderedList", node("listItem", paragraph(text("b")))),
                    ),
                )
            ),
            "* a\n*# b",
        ),
        (
            doc(
                node(
                    "table",
                    node(
                        "tableRow",
                        node("tableHeader", paragraph(text("a"))),
                        node("tableCell", paragraph(text("b"))),
                    ),
                )
            ),
            "|a|b|",
        ),
        (doc(paragraph(node("mention", id="ada-account"))), "[~accountid:ada-account]"),
        (doc(paragraph(node("inlineCard", url="https://x.example"))), "[https://x.example]"),
        (doc(paragraph(node("emoji", shortName=":fox:"))), ":fox:"),
        (doc(node("blockCard", url="https://x.example")), "https://x.example"),
    ],
)
def test_a_valid_document_reads_as_wiki_markup(document: JsonObject, markup: str) -> None:
    assert is_document(document)
    assert text_of(document) == markup


@pytest.mark.parametrize(
    "value",
    [
        "text",
        None,
        {"type": "doc", "content": []},
        {"type": "doc", "version": 2, "content": []},
        {"type": "doc", "version": 1, "content": "x"},
        doc("x"),
        doc(text("at the top")),
        doc(paragraph(text(""))),
        doc(paragraph({"type": "text"})),
        doc(paragraph(paragraph())),
        doc(node("marquee")),
        doc(node("heading", text("x"), level=7)),
        doc(node("heading", text("x"))),
        doc(node("bulletList")),
        doc(node("bulletList", paragraph(text("x")))),
        doc(paragraph(node("mention"))),
        doc({"type": "paragraph", "attrs": 3}),
        doc({"type": "paragraph", "content": 3}),
        doc(paragraph(text("x", {"type": "blink"}))),
        doc(paragraph(text("x", {"type": "link"}))),
        doc(paragraph({"type": "text", "text": "x", "marks": 3})),
    ],
)
def test_other_values_are_no_documents(value: object) -> None:
    assert not is_document(value)


def test_a_document_cannot_be_too_deep() -> None:
    inner = paragraph(text("x"))
    for _ in range(80):
        inner = node("blockquote", inner)

    assert not is_document(doc(inner))


def test_text_becomes_a_paragraph_a_line() -> None:
    document = document_of_text("one\n\ntwo")

    assert is_document(document)
    assert text_of(document) == "one\n\ntwo"
    assert text_of("plain") == "plain"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        ("plain <b> & text", "<p>plain &lt;b&gt; &amp; text</p>"),
        ("h2. Title", "<h3>Title</h3>"),
        ("* one\n* two", "<ul><li>one</li><li>two</li></ul>"),
        ("a *b* {{c}}", "<p>a <strong>b</strong> <code>c</code></p>"),
        ("{code}\n<x>\n{code}", "<pre>&lt;x&gt;</pre>"),
        (
            "[Case|https://soc.example/1] and https://x.example/?a=1&b=2",
            (
                '<p><a href="https://soc.example/1">Case</a> and '
                '<a href="https://x.example/?a=1&amp;b=2">https://x.example/?a=1&amp;b=2</a></p>'
            ),
        ),
        ("[x|javascript:alert(1)]", "<p>[x|javascript:alert(1)]</p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p>\n<p>three</p>"),
    ],
)
def test_markup_is_shown_and_escaped(markup: str, html: str) -> None:
    assert html_of(markup) == html
