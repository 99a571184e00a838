"""Text as Jira takes it: without control characters, within limits, cut between characters."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from casebridge_core.documents import Block, Bullets, Heading, Link, Paragraph, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

SUMMARY_LIMIT: Final = 255
"""Source: Atlassian, Jira Cloud REST v3, Issues; counted in UTF-16 units, as Java does."""

TEXT_LIMIT: Final = 32_767
"""Source: the error text of Jira itself for ``description`` and comments."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_JOINERS: Final = "\u200d\ufe0e\ufe0f"
_LONGEST_ITEM: Final = 500
_MOST_ITEMS: Final = 500
_SHORTEST: Final = 100
_FEWEST: Final = 3


def clean(text: str) -> str:
    """Return ``text`` without what no Jira can store, with plain line ends."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def one_line(text: str) -> str:
    """Return ``text`` cleaned, with every run of white space made one blank."""
    return " ".join(clean(text).split())


def summary_of(title: str, fallback: str) -> str:
    """Return an issue's summary: one line, never empty, within `SUMMARY_LIMIT`."""
    line = one_line(title) or fallback
    if utf16_length(line) <= SUMMARY_LIMIT:
        return line
    end = 0
    room = SUMMARY_LIMIT - 1
    for character in line:
        room -= utf16_length(character)
        if room < 0:
            break
        end += 1
    while end > 1 and (_continues(line[end]) or line[end - 1] == "\u200d"):
        end -= 1
    return line[:end].rstrip() + "…"


def utf16_length(text: str) -> int:
    """Return how many UTF-16 units ``text`` has."""
    return len(text) + sum(character > "\uffff" for character in text)


def fit(
    blocks: tuple[Block, ...], size: Callable[[tuple[Block, ...]], int], limit: int
) -> tuple[Block, ...]:
    """Shorten the longest parts until ``size`` of the whole is at most ``limit``.

    Headings and links stay; texts end in an ellipsis, lists in a line that counts what is left out.
    """
    fitted = [_neat(block) for block in blocks]
    while size(tuple(fitted)) > limit:
        longest = max(range(len(fitted)), key=lambda at: _cuttable(fitted[at]))
        shorter = _shortened(fitted[longest], blocks[longest])
        if shorter == fitted[longest]:
            break
        fitted[longest] = shorter
    return tuple(fitted)


def _shortened(block: Block, whole: Block) -> Block:
    match block, whole:
        case Paragraph(text), _ if len(text) > _SHORTEST:
            return Paragraph(shorten(text, len(text) * 3 // 4))
        case Bullets(items), Bullets(every) if len(items) > _FEWEST:
            return _first(items[: len(items) * 3 // 4 - 1], len(every))
        case _:
            return block


def _neat(block: Block) -> Block:
    match block:
        case Heading(text):
            return Heading(one_line(text))
        case Paragraph(text):
            return Paragraph(shorten(clean(text), TEXT_LIMIT))
        case Bullets(items):
            lines = (shorten(one_line(item), _LONGEST_ITEM) for item in items[:_MOST_ITEMS])
            kept = tuple(line for line in lines if line)
            return Bullets(kept) if len(items) <= _MOST_ITEMS else _first(kept, len(items))
        case Link(label, url):
            return Link(one_line(label), one_line(url))


def _first(kept: tuple[str, ...], whole: int) -> Bullets:
    return Bullets((*kept, f"… and {whole - len(kept)} more in the case"))


def _cuttable(block: Block) -> int:
    match block:
        case Paragraph(text):
            return len(text) if len(text) > _SHORTEST else 0
        case Bullets(items):
            return sum(map(len, items)) if len(items) > _FEWEST else 0
        case _:
            return 0


def _continues(character: str) -> bool:
    return bool(unicodedata.combining(character)) or character in _JOINERS
