"""Comments: how ours are written and recognised, and how everybody's are read. Pure.

Ours carry their key in the last line. A comment's properties would be neater, yet webhooks do not
carry them; a visible line crosses every way: REST, webhooks, Cloud and Data Center.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from casebridge_core import CommentAction, InboundComment, ProjectedComment
from casebridge_core.documents import Block, Paragraph
from casebridge_jira import adf, wiki
from casebridge_jira.tickets import read_id, read_moment, read_person

if TYPE_CHECKING:
    from casebridge_jira.config import JiraConfig

_MARK: Final = "casebridge-key:"
_MARKED: Final = re.compile(rf"(?:^|\n)[ \t]*{_MARK}[ \t]*([A-Za-z0-9._:-]{{1,80}})\s*\Z")


def comment_body(config: JiraConfig, comment: ProjectedComment) -> str | dict[str, object]:
    """Return a comment's body, as a document for Cloud and as wiki markup for Data Center."""
    blocks: tuple[Block, ...] = (Paragraph(comment.text), Paragraph(f"{_MARK} {comment.key}"))
    return adf.document(blocks) if config.is_cloud else wiki.document(blocks)


def visibility(config: JiraConfig) -> tuple[dict[str, Any], ...]:
    """Return the comment properties that keep it from customers; other projects ignore them.

    Source: Atlassian, Jira Service Management, the comment property ``sd.public.comment``.
    """
    if config.comments_public:
        return ()
    return ({"key": "sd.public.comment", "value": {"internal": True}},)


def key_in(text: str) -> str | None:
    """Return the key in a comment's last line, or None when the comment is not ours.

    Backslashes are left aside: Jira puts them before characters when it turns a document into
    wiki markup for a webhook.
    """
    found = _MARKED.search(text.replace("\\", ""))
    return found.group(1) if found else None


def read_comment(comment: object, action: CommentAction | None = None) -> InboundComment | None:
    """Return a comment resource as an inbound comment, or None when it is not one.

    Without ``action`` the comment's own times tell whether it was edited since it was written.
    """
    if not isinstance(comment, Mapping):
        return None
    external_id = read_id(comment.get("id"))
    if external_id is None:
        return None
    created, updated = read_moment(comment.get("created")), read_moment(comment.get("updated"))
    edited = created is not None and updated is not None and updated > created
    text = adf.plain_text(comment.get("body"))
    return InboundComment(
        external_id=external_id,
        action=action or (CommentAction.EDITED if edited else CommentAction.CREATED),
        text=text,
        author=read_person(comment.get("author")),
        at=updated or created,
        internal=_internal(comment),
        key=key_in(text),
    )


def _internal(comment: Mapping[str, object]) -> bool | None:
    """Tell whether a comment is hidden from customers; None outside service projects."""
    if isinstance(comment.get("visibility"), Mapping):
        return True
    public = comment.get("jsdPublic")
    return not public if isinstance(public, bool) else None
