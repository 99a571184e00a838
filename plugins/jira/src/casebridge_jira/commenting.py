"""Posting a comment, and finding it again by its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_core import CommentRef, ProjectedComment, TicketRef
from casebridge_jira.comments import comment_body, read_comment, visibility

if TYPE_CHECKING:
    from casebridge_jira.client import JiraClient


async def post_comment(client: JiraClient, ref: TicketRef, comment: ProjectedComment) -> CommentRef:
    """Post a comment; on service projects it is internal, unless the settings say otherwise."""
    posted = await client.add_comment(
        ref.external_id, comment_body(client.config, comment), visibility(client.config)
    )
    return CommentRef(external_id=posted)


async def find_comments(client: JiraClient, ref: TicketRef, key: str) -> tuple[CommentRef, ...]:
    """Return every comment on an issue that carries ``key``, oldest first."""
    read = (read_comment(comment) for comment in await client.comments(ref.external_id))
    return tuple(
        CommentRef(external_id=comment.external_id)
        for comment in read
        if comment is not None and comment.key == key
    )
