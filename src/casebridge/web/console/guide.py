"""Set-up guides as HTML: plugins write them in Markdown, and nothing in them becomes markup."""

from __future__ import annotations

from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml

_LOWEST_HEADING: Final = 6


def to_html(markdown: str) -> str:
    """Return a guide as HTML that is safe to show: what looks like markup in it is text.

    Headings start at the second level, below the page's own; what is to be pasted gets a button
    that copies it.
    """
    parser = MarkdownIt("commonmark", {"html": False}).disable("image")
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, _LOWEST_HEADING)}"
    parser.add_render_rule("fence", _block)
    parser.add_render_rule("code_block", _block)
    return str(parser.renderer.render(tokens, parser.options, {}))


def _block(_: Any, tokens: Any, index: int, *__: Any) -> str:  # noqa: ANN401 - the renderer's own
    name = f"paste-{index}"
    text = escapeHtml(tokens[index].content)
    return (
        f'<div class="paste"><pre id="{name}" tabindex="0">{text}</pre>'
        f'<button type="button" class="plain" data-copy="{name}" hidden>Copy</button></div>\n'
    )
