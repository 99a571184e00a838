"""Comments that carry their key in their text, for vendors that give them no other place."""

from __future__ import annotations

import re
from typing import Final

from casebridge_core.cases import ProjectedComment
from casebridge_core.documents import shorten

_MARK: Final = re.compile(r"\[casebridge:([A-Za-z0-9._:-]{1,80})\]\s*\Z")


def marked(comment: ProjectedComment, limit: int = 30_000) -> str:
    """Return a comment's text with its key on a line of its own at the end.

    Never more than ``limit`` characters, and the key is whole; cut is what stands before it.
    """
    mark = f"\n\n[casebridge:{comment.key}]"
    return shorten(comment.text.rstrip(), limit - len(mark)) + mark


def key_in(text: str) -> str | None:
    """Return the key that a text ends in, or None when it is not one of our comments.

    A person who quotes a key somewhere in a text has not written one of ours.
    """
    found = _MARK.search(text)
    return found[1] if found else None
