"""Text as a tracker takes it: without control characters, a title in one line (pure)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from casebridge_core.documents import describe, plain_text, shorten

if TYPE_CHECKING:
    from casebridge_core import CaseProjection

_TITLE_LIMIT: Final = 200
"""Roundup has no limit; the title is also the subject of its mails."""

_TEXT_LIMIT: Final = 100_000
_UNSTORABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def clean(text: str) -> str:
    """Return a text without control characters and halves of characters, shortened."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return shorten(_UNSTORABLE.sub("", plain).strip(), _TEXT_LIMIT)


def title_of(projection: CaseProjection) -> str:
    """Return the title of an issue: one line, never empty."""
    line = " ".join(clean(projection.title).split())
    return shorten(line or f"Case {projection.case_id}", _TITLE_LIMIT)


def text_of(projection: CaseProjection) -> str:
    """Return the first message of an issue."""
    return clean(plain_text(describe(projection)))
