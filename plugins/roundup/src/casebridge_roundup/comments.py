"""Messages read as comments. Pure."""

from __future__ import annotations

from typing import Final

from casebridge_core import CommentAction, InboundComment
from casebridge_roundup.message_ids import is_ticket_message, key_in
from casebridge_roundup.tickets import Json, read_id, read_moment, read_person, read_text

MESSAGE_FIELDS: Final = "author,content,creation,messageid"
"""The properties that `read_comment` needs, as ``@fields`` takes them."""


def read_comment(message: Json, action: CommentAction) -> InboundComment | None:
    """Return a message as a comment, or None for a ticket's own text and for what has no id.

    Only one that was just written tells its time: an edit of the text changes no date of the
    message. Source: Roundup 2.6, ``FileClass.set``.
    """
    message_id = read_text(message.get("messageid"))
    external_id = read_id(message.get("id"))
    if external_id is None or is_ticket_message(message_id):
        return None
    content = message.get("content")
    is_new = action is CommentAction.CREATED
    return InboundComment(
        external_id=external_id,
        action=action,
        text=content if isinstance(content, str) else "",
        author=read_person(message.get("author")),
        at=read_moment(message.get("creation")) if is_new else None,
        key=key_in(message_id),
    )
