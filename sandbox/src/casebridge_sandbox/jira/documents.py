"""Atlassian Document Format: what is valid, and how it reads as wiki markup.

Source: Atlassian, "Atlassian Document Format", Jira Cloud platform.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ("document_of_text", "is_document", "text_of")

_INLINE = frozenset(
    {"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "inlineExtension"}
)
_BLOCKS = frozenset(
    {
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "codeBlock",
        "blockquote",
        "panel",
        "rule",
        "table",
        "expand",
        "taskList",
        "decisionList",
        "mediaSingle",
        "mediaGroup",
        "blockCard",
        "embedCard",
        "layoutSection",
        "extension",
        "bodiedExtension",
    }
)
_CHILDREN = {
    "doc": _BLOCKS,
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": frozenset({"text"}),
    "bulletList": frozenset({"listItem"}),
    "orderedList": frozenset({"listItem"}),
    "listItem": _BLOCKS,
    "blockquote": _BLOCKS,
    "panel": _BLOCKS,
    "expand": _BLOCKS | {"nestedExpand"},
    "nestedExpand": _BLOCKS,
    "table": frozenset({"tableRow"}),
    "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _BLOCKS | {"nestedExpand"},
    "tableHeader": _BLOCKS | {"nestedExpand"},
    "taskList": frozenset({"taskItem", "taskList"}),
    "taskItem": _INLINE,
    "decisionList": frozenset({"decisionItem"}),
    "decisionItem": _INLINE,
    "mediaSingle": frozenset({"media", "caption"}),
    "mediaGroup": frozenset({"media"}),
    "caption": _INLINE,
    "layoutSection": frozenset({"layoutColumn"}),
    "layoutColumn": _BLOCKS,
    "bodiedExtension": _BLOCKS,
}
_NEVER_EMPTY = frozenset(
    {"bulletList", "orderedList", "listItem", "blockquote", "panel", "table", "tableRow"}
)
_MARKS = frozenset(
    {
        "strong",
        "em",
        "code",
        "link",
        "strike",
        "underline",
        "subsup",
        "textColor",
        "backgroundColor",
    }
)
_WIKI_MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}
_DEEPEST = 60
_HEADINGS = range(1, 7)


def is_document(value: object) -> bool:
    """Tell whether a value is a valid document.

    An empty ``text`` node makes it invalid, and so do an unknown node or mark and a node
    in a place where it must not be.
    """
    return (
        isinstance(value, dict)
        and value.get("type") == "doc"
        and value.get("version") == 1
        and isinstance(value.get("content"), list)
        and _children_are_valid(value, "doc", 0)
    )


def document_of_text(text: str) -> dict[str, object]:
    """Return a document with one paragraph for each line that is not blank."""
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}]}
            for line in text.splitlines()
            if line.strip()
        ],
    }


def text_of(value: object) -> str:
    """Return a document as wiki markup; a string is returned as it is."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    return "\n\n".join(block for block in (_block(child) for child in _content(value)) if block)


def _content(node: dict[str, object]) -> Iterator[dict[str, object]]:
    children = node.get("content")
    if isinstance(children, list):
        yield from (child for child in children if isinstance(child, dict))


def _children_are_valid(node: dict[str, object], kind: str, depth: int) -> bool:
    children = node.get("content", [])
    if depth > _DEEPEST or not isinstance(children, list):
        return False
    if not children:
        return kind not in _NEVER_EMPTY
    allowed = _CHILDREN.get(kind, frozenset())
    return all(
        isinstance(child, dict)
        and isinstance(name := child.get("type"), str)
        and name in allowed
        and _node_is_valid(child, name, depth + 1)
        for child in children
    )


def _node_is_valid(node: dict[str, object], kind: str, depth: int) -> bool:
    attributes = node.get("attrs", {})
    if not isinstance(attributes, dict):
        return False
    if kind == "text":
        text = node.get("text")
        return isinstance(text, str) and text != "" and _marks_are_valid(node)
    if kind == "heading" and attributes.get("level") not in _HEADINGS:
        return False
    if kind in {"mention", "media"} and not isinstance(attributes.get("id"), str):
        return False
    return _children_are_valid(node, kind, depth)


def _marks_are_valid(node: dict[str, object]) -> bool:
    marks = node.get("marks", [])
    if not isinstance(marks, list):
        return False
    for mark in marks:
        if not isinstance(mark, dict) or mark.get("type") not in _MARKS:
            return False
        attributes = mark.get("attrs", {})
        if mark["type"] == "link" and not (
            isinstance(attributes, dict) and isinstance(attributes.get("href"), str)
        ):
            return False
    return True


def _block(node: dict[str, object], bullet: str = "") -> str:
    kind = node.get("type")
    attributes = node.get("attrs")
    settings = attributes if isinstance(attributes, dict) else {}
    match kind:
        case "heading":
            return f"h{settings.get('level', 1)}. {_inline(node)}"
        case "codeBlock":
            return "{code}\n" + _inline(node) + "\n{code}"
        case "rule":
            return "----"
        case "bulletList" | "orderedList":
            deeper = bullet + ("*" if kind == "bulletList" else "#")
            return "\n".join(_item(item, deeper) for item in _content(node))
        case "blockquote" | "panel":
            return "{quote}\n" + "\n".join(_block(each) for each in _content(node)) + "\n{quote}"
        case "tableRow":
            cells = [" ".join(_block(each) for each in _content(cell)) for cell in _content(node)]
            return "|" + "|".join(cells) + "|"
        case "paragraph" | "taskItem" | "decisionItem" | "caption":
            return _inline(node)
        case "blockCard" | "embedCard":
            return str(settings.get("url", ""))
        case _:
            return "\n".join(_block(each) for each in _content(node))


def _item(node: dict[str, object], bullet: str) -> str:
    lines = []
    for child in _content(node):
        nested = child.get("type") in {"bulletList", "orderedList"}
        lines.append(_block(child, bullet) if nested else f"{bullet} {_block(child)}")
    return "\n".join(lines)


def _inline(node: dict[str, object]) -> str:
    return "".join(_span(child) for child in _content(node))


def _span(node: dict[str, object]) -> str:
    attributes = node.get("attrs")
    settings = attributes if isinstance(attributes, dict) else {}
    match node.get("type"):
        case "text":
            return _marked(str(node.get("text", "")), node.get("marks"))
        case "hardBreak":
            return "\n"
        case "mention":
            return f"[~accountid:{settings.get('id', '')}]"
        case "inlineCard":
            return f"[{settings.get('url', '')}]"
        case _:
            return str(settings.get("text") or settings.get("shortName") or "")


def _marked(text: str, marks: object) -> str:
    for mark in marks if isinstance(marks, list) else []:
        kind = mark.get("type") if isinstance(mark, dict) else None
        if kind == "code":
            text = "{{" + text + "}}"
        elif kind == "link":
            href = mark["attrs"]["href"]
            text = f"[{href}]" if text == href else f"[{text}|{href}]"
        elif isinstance(kind, str) and kind in _WIKI_MARKS:
            text = _WIKI_MARKS[kind] + text + _WIKI_MARKS[kind]
    return text
