"""Atlassian Document Format, the rich text of Jira Cloud's REST v3: written and read, pure.

Source: Atlassian, Atlassian Document Format, structure. A text node is never empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from casebridge_core.documents import Block, Bullets, Heading, Link, Paragraph
from casebridge_jira.wording import fit

Node = dict[str, object]

DOCUMENT_LIMIT: Final = 30_000
"""Characters of serialised JSON: below Jira's 32,767, since what it counts is not documented."""

_HEADING_LEVEL: Final = 3
_DEEPEST: Final = 60
_BLOCKS: Final = frozenset({"paragraph", "heading", "listItem", "blockquote", "codeBlock"})


def document(blocks: tuple[Block, ...]) -> Node:
    """Return the blocks as a document, shortened to `DOCUMENT_LIMIT`."""
    return _document(fit(blocks, lambda some: len(json.dumps(_document(some))), DOCUMENT_LIMIT))


def plain_text(value: object) -> str:
    """Return the text of a document, a line for each block; a plain string stays as it is."""
    if isinstance(value, str):
        return value
    return "".join(_texts(value, depth=0)).strip()


def _document(blocks: tuple[Block, ...]) -> Node:
    content = [node for block in blocks for node in _nodes(block)]
    return {"type": "doc", "version": 1, "content": content}


def _nodes(block: Block) -> Iterator[Node]:
    match block:
        case Heading(text) if text:
            attributes = {"level": _HEADING_LEVEL}
            yield {"type": "heading", "attrs": attributes, "content": [_text(text)]}
        case Paragraph(text):
            for part in text.split("\n\n"):
                if part.strip():
                    yield _paragraph(part.strip())
        case Bullets(items) if items:
            entries = [{"type": "listItem", "content": [_paragraph(item)]} for item in items]
            yield {"type": "bulletList", "content": entries}
        case Link(label, url) if url:
            marks = [{"type": "link", "attrs": {"href": url}}]
            yield {"type": "paragraph", "content": [{**_text(label or url), "marks": marks}]}
        case _:
            return


def _paragraph(text: str) -> Node:
    content: list[Node] = []
    for line in text.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line.strip():
            content.append(_text(line))
    return {"type": "paragraph", "content": content}


def _text(text: str) -> Node:
    return {"type": "text", "text": text}


def _texts(node: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST or not isinstance(node, Mapping):
        return
    match node:
        case {"type": "text", "text": str(text)}:
            yield text
        case {"type": "hardBreak"}:
            yield "\n"
        case {"type": "mention" | "emoji" | "status", "attrs": {"text": str(text)}}:
            yield text
        case {"type": "inlineCard", "attrs": {"url": str(url)}}:
            yield url
        case {"content": list(content)}:
            for child in content:
                yield from _texts(child, depth + 1)
            if node.get("type") in _BLOCKS:
                yield "\n"
        case _:
            return
