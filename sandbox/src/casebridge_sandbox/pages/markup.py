"""Wiki markup and plain text as HTML, as much of it as a ticket's page needs."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

__all__ = ("html_of",)

_HEADING = re.compile(r"h([1-6])\. (.*)")
_BULLET = re.compile(r"([*#-]+) (.*)")
_INLINE = re.compile(
    r"\[(?P<label>[^\]|]+)\|(?P<target>https?://[^\]\s]+)\]"
    r"|(?P<url>https?://[^\s\]\[<>\"]+)"
    r"|\{\{(?P<code>[^}]+)\}\}"
    r"|(?<!\w)\*(?P<strong>[^*\n]+)\*(?!\w)"
)


def html_of(text: str) -> Markup:
    """Return text as HTML: paragraphs, headings, lists, code, bold, and links.

    Everything else is escaped, and a link is made of ``http`` and ``https`` addresses only.
    """
    pieces: list[Markup] = []
    for number, part in enumerate(text.split("{code}")):
        if number % 2:
            pieces.append(Markup("<pre>") + escape(part.strip("\n")) + Markup("</pre>"))
        else:
            blocks = (block for block in re.split(r"\n\s*\n", part) if block.strip())
            pieces.extend(_block(block.strip("\n")) for block in blocks)
    return Markup("\n").join(pieces)


def _block(text: str) -> Markup:
    lines = text.splitlines()
    if all(_BULLET.fullmatch(line) for line in lines):
        items = [
            Markup("<li>") + _inline(line.split(" ", 1)[1]) + Markup("</li>") for line in lines
        ]
        return Markup("<ul>") + Markup("").join(items) + Markup("</ul>")
    if len(lines) == 1 and (heading := _HEADING.fullmatch(lines[0])):
        return Markup("<h3>") + _inline(heading[2]) + Markup("</h3>")
    shown = Markup("<br>").join(_inline(line) for line in lines)
    return Markup("<p>") + shown + Markup("</p>")


def _inline(text: str) -> Markup:
    pieces, position = [], 0
    for found in _INLINE.finditer(text):
        pieces.append(escape(text[position : found.start()]))
        pieces.append(_span(found))
        position = found.end()
    pieces.append(escape(text[position:]))
    return Markup("").join(pieces)


def _span(found: re.Match[str]) -> Markup:
    if found["code"] is not None:
        return Markup("<code>") + escape(found["code"]) + Markup("</code>")
    if found["strong"] is not None:
        return Markup("<strong>") + escape(found["strong"]) + Markup("</strong>")
    target = found["target"] or found["url"]
    label = found["label"] or found["url"]
    return Markup('<a href="') + escape(target) + Markup('">') + escape(label) + Markup("</a>")
