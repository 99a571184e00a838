"""Our keys as Message-IDs: how a ticket and a comment are found again (pure).

Every Roundup message has the property ``messageid``, which mails about it carry and which the REST
interface searches exactly. So a key needs no property of its own in the tracker's schema, and
stands in no text. Source: Roundup, schema of the classic template; RFC 5322, section 3.6.4.
"""

from __future__ import annotations

import re
from typing import Final

_TICKET: Final = "@ticket.casebridge>"
_COMMENT: Final = re.compile(r"<([A-Za-z0-9._!-]{1,80})/[A-Za-z0-9_]+@comment\.casebridge>")


def ticket_message_id(correlation_key: str) -> str:
    """Return the Message-ID of a ticket's first message."""
    return f"<{_atoms(correlation_key)}{_TICKET}"


def comment_message_id(key: str, designator: str) -> str:
    """Return the Message-ID of a comment on one ticket, such as ``issue12``.

    A tracker may hold two tickets of one case, so that the key alone would be there twice.
    """
    return f"<{_atoms(key)}/{designator}@comment.casebridge>"


def is_ticket_message(message_id: str | None) -> bool:
    """Tell whether a message is the text with which a ticket of ours was created."""
    return message_id is not None and message_id.endswith(_TICKET)


def key_in(message_id: str | None) -> str | None:
    """Return the key of one of our comments, or None when the message is not one."""
    found = _COMMENT.fullmatch(message_id or "")
    return found.group(1).replace("!", ":") if found else None


def _atoms(key: str) -> str:
    """Return a key in characters that a Message-ID may hold: all of ours but the colon."""
    return key.replace(":", "!")
