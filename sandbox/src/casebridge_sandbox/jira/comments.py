"""Jira's calls on comments.

Source: Atlassian, "Issue comments", Jira Cloud platform REST API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casebridge_sandbox.exchange import Call, JsonObject, Reply
from casebridge_sandbox.jira.documents import is_document, text_of
from casebridge_sandbox.jira.errors import not_found, refused

if TYPE_CHECKING:
    from casebridge_sandbox.jira.site import JiraSite
    from casebridge_sandbox.routing import Operation
    from casebridge_sandbox.tickets import Comment, Ticket

__all__ = ("CommentCalls", "comment_body")

_LONGEST_TEXT = 32_767
_PUBLIC_COMMENT = "sd.public.comment"


class CommentCalls:
    """Comments.

    Args:
        site: The site.
    """

    def __init__(self, site: JiraSite) -> None:
        self._site = site

    def operations(self) -> list[Operation]:
        """Return the calls of this group."""
        make, one = self._site.operation, "/issue/{issue}/comment/{comment}"
        return [
            make("list_comments", "GET", "/issue/{issue}/comment", self.comments),
            make("comment", "POST", "/issue/{issue}/comment", self.add),
            make("fetch_comment", "GET", one, self.fetch),
            make("edit_comment", "PUT", one, self.edit),
            make("delete_comment", "DELETE", one, self.delete),
        ]

    def comments(self, call: Call) -> Reply:
        """List the comments of an issue."""
        ticket, shapes = self._site.issue(call), self._site.shapes(call)
        start = _number(call.argument("startAt"), 0)
        limit = _number(call.argument("maxResults"), 100)
        ordered = sorted(
            ticket.comments,
            key=lambda comment: comment.created,
            reverse=(call.argument("orderBy") or "").startswith("-"),
        )
        return Reply.json(
            {
                "startAt": start,
                "maxResults": limit,
                "total": len(ordered),
                "comments": [
                    shapes.comment(ticket, each) for each in ordered[start : start + limit]
                ],
            }
        )

    def add(self, call: Call) -> Reply:
        """Comment on an issue."""
        ticket = self._site.issue(call)
        self._site.need(
            "ADD_COMMENTS", 403, "You do not have the permission to comment on this issue."
        )
        body, internal = comment_body(call, self._site, call.json_object())
        most = self._site.scenario.most_comments
        if most and len(ticket.comments) >= most:
            raise refused(413, "The issue has reached its limit of comments.")
        self._site.count_write(ticket)
        comment = self._site.sandbox.desk.comment(ticket, call.person, body, internal=internal)
        return Reply.json(self._site.shapes(call).comment(ticket, comment), 201)

    def fetch(self, call: Call) -> Reply:
        """Show a comment."""
        ticket, comment = self._comment(call)
        return Reply.json(self._site.shapes(call).comment(ticket, comment))

    def edit(self, call: Call) -> Reply:
        """Replace the text of a comment."""
        ticket, comment = self._comment(call)
        body, _ = comment_body(call, self._site, call.json_object())
        self._site.count_write(ticket)
        self._site.sandbox.desk.edit_comment(ticket, call.person, comment, body)
        return Reply.json(self._site.shapes(call).comment(ticket, comment))

    def delete(self, call: Call) -> Reply:
        """Delete a comment."""
        ticket, comment = self._comment(call)
        self._site.count_write(ticket)
        self._site.sandbox.desk.delete_comment(ticket, call.person, comment)
        return Reply.empty()

    def _comment(self, call: Call) -> tuple[Ticket, Comment]:
        ticket = self._site.issue(call)
        comment = ticket.comment(call.params["comment"])
        if comment is None:
            raise not_found(f"Can not find a comment for the id: {call.params['comment']}.")
        return ticket, comment


def comment_body(call: Call, site: JiraSite, given: JsonObject) -> tuple[object, bool]:
    """Return the body of a comment and whether it is internal.

    Raises:
        Refusal: If the body is not what this version of the API takes.
    """
    body = given.get("body")
    if site.rich_text(call):
        if not is_document(body):
            raise refused(400, errors={"comment": "Comment body is not valid!"})
    elif not isinstance(body, str):
        raise refused(400, errors={"comment": "Comment body is not valid!"})
    text = text_of(body)
    if not text.strip():
        raise refused(400, errors={"comment": "Comment body can not be empty!"})
    if len(text) > _LONGEST_TEXT:
        raise refused(
            400,
            errors={
                "comment": "The entered text is too long. "
                "It exceeds the allowed limit of 32,767 characters."
            },
        )
    return body, site.scenario.service_desk and _is_internal(given.get("properties"))


def _is_internal(properties: object) -> bool:
    for each in properties if isinstance(properties, list) else []:
        if isinstance(each, dict) and each.get("key") == _PUBLIC_COMMENT:
            value = each.get("value")
            return isinstance(value, dict) and value.get("internal") is True
    return False


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdecimal() else otherwise
