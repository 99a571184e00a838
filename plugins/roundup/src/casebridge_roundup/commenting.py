"""Posting a comment, and finding it again by the Message-ID that holds its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_core import CommentRef, ProjectedComment, TicketRef
from casebridge_roundup.client import ids_in
from casebridge_roundup.message_ids import comment_message_id
from casebridge_roundup.wording import clean

if TYPE_CHECKING:
    from casebridge_roundup.client import RoundupClient


async def post_comment(
    client: RoundupClient, ref: TicketRef, comment: ProjectedComment
) -> CommentRef:
    """Create a message and put it on the issue; until then nobody sees it."""
    message = await client.create_message(
        comment_message_id(comment.key, ref.key), clean(comment.text)
    )
    await client.attach(ref.external_id, message)
    return CommentRef(external_id=message)


async def find_comments(client: RoundupClient, ref: TicketRef, key: str) -> tuple[CommentRef, ...]:
    """Return every message on an issue that carries ``key``, oldest first."""
    messages = await client.message_ids(comment_message_id(key, ref.key))
    if not messages:
        return ()
    item = await client.issue(ref.external_id, "messages", ids_only=True)
    held = ids_in(item.attributes.get("messages"))
    return tuple(CommentRef(external_id=each) for each in messages if each in held)
