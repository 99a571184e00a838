"""Journal entries as comments (pure); ours carry their key in their text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from casebridge_core import CommentAction, InboundComment, Person
from casebridge_core.comments import key_in
from casebridge_servicenow.values import moment_of, value_of

if TYPE_CHECKING:
    from casebridge_servicenow.values import Row

JOURNALS: Final[Mapping[str, bool]] = {"work_notes": True, "comments": False}
"""The journal fields of a task, and whether what stands there is internal."""

ENTRY_FIELDS: Final = (
    "sys_id",
    "element_id",
    "element",
    "value",
    "sys_created_on",
    "sys_created_by",
)
"""What every read of ``sys_journal_field`` asks for."""


def carries(text: str, key: str) -> bool:
    """Tell whether a text, such as a whole journal, holds the marker of ``key`` anywhere."""
    return f"[casebridge:{key}]" in text


def read_entry(entry: Row, ticket_id: str) -> InboundComment | None:
    """Return the comment that a journal entry is, or None when it is empty.

    ServiceNow only ever appends to a journal, so every entry is a new comment. One that comes
    without its sys_id gets an id of its content, the same whenever it comes again.
    """
    text = value_of(entry.get("value"))
    if not text:
        return None
    journal = value_of(entry.get("element"))
    author = value_of(entry.get("sys_created_by"))
    written = value_of(entry.get("sys_created_on"))
    return InboundComment(
        external_id=value_of(entry.get("sys_id"))
        or _digest(ticket_id, journal, written, author, text),
        action=CommentAction.CREATED,
        text=text,
        author=Person(id=author) if author else None,
        at=moment_of(written),
        internal=JOURNALS.get(journal),
        key=key_in(text),
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
