"""Comments and the keys by which ours are found again (pure)."""

from __future__ import annotations

import re
from typing import Final

_MARKED: Final = re.compile(r"\[casebridge:([A-Za-z0-9._:-]{1,80})\]\s*\Z")


def marked(text: str, key: str) -> str:
    """Return a comment's text with its key on a line of its own at the end."""
    return f"{text.rstrip()}\n\n[casebridge:{key}]"


def key_in(text: str) -> str | None:
    """Return the key at the end of a comment's text, or None when it is not one of ours."""
    found = _MARKED.search(text)
    return found.group(1) if found else None


def carries(text: str, key: str) -> bool:
    """Tell whether a text, such as a whole journal, holds the marker of ``key`` anywhere."""
    return f"[casebridge:{key}]" in text
