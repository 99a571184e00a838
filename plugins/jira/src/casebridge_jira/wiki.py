"""Wiki markup, the rich text of Jira Data Center's REST v2: written from the same blocks, pure.

Source: Atlassian, Jira text formatting notation.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from casebridge_core.documents import Block, Bullets, Heading, Link, Paragraph
from casebridge_jira.wording import TEXT_LIMIT, fit, utf16_length

_ALWAYS: Final = re.compile(r"[{}\[\]!|]")
_AT_A_WORD: Final = re.compile(r"(?<![\w\\])([*_+^~?-])(?=\S)")
_AT_LINE_START: Final = re.compile(r"^(\s*)([#*-])", re.MULTILINE)
_HEADING_LIKE: Final = re.compile(r"^(\s*(?:h[1-6]|bq))\.", re.MULTILINE)
_BACKSLASH: Final = re.compile(r"\\(?![A-Za-z0-9])")


def document(blocks: tuple[Block, ...]) -> str:
    """Return the blocks as wiki markup, shortened to Jira's limit."""
    return _document(fit(blocks, lambda some: utf16_length(_document(some)), TEXT_LIMIT))


def escape(text: str) -> str:
    """Return ``text`` so that Jira shows it as it is: paths, braces and asterisks included.

    What stands within a word stays untouched, so that a search for a host name still finds it.
    """
    text = _BACKSLASH.sub("&#92;", text)
    text = _ALWAYS.sub(lambda found: "\\" + found.group(), text)
    text = _AT_A_WORD.sub(r"\\\1", text)
    text = _AT_LINE_START.sub(r"\1\\\2", text)
    return _HEADING_LIKE.sub(r"\1&#46;", text)


def _document(blocks: tuple[Block, ...]) -> str:
    return "\n\n".join(part for block in blocks if (part := _markup(block)))


def _markup(block: Block) -> str:
    match block:
        case Heading(text):
            return f"h3. {escape(text)}" if text else ""
        case Paragraph(text):
            return escape(text)
        case Bullets(items):
            return "\n".join(f"* {escape(item)}" for item in items)
        case Link(label, url):
            return f"[{escape(label)}|{quote(url, safe=_URL_SAFE)}]" if url else ""


_URL_SAFE: Final = "%:/?#@!$&'()*+,;=~-._"
