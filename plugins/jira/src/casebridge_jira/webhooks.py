"""Webhook payloads read into `TicketEvent`s: pure, and total for any JSON object.

Jira sends five shapes, and a field that is absent is not news:

- admin webhooks: ``webhookEvent`` with ``issue`` and ``changelog``; comments on Cloud with a
  cut-down ``issue``, on Data Center without any, so that the id is read from the comment's link;
- a workflow's own webhook (a post function): ``transition`` instead of ``changelog``;
- Automation, "Issue data (Automation format)": the issue itself at the top level;
- Automation, "Issue data (Jira format)": ``issue`` without ``webhookEvent`` and ``changelog``;
- Automation, "Custom data": the template of `casebridge_jira.guide`, under the key ``jira``.

Sources: Atlassian, Webhooks; Atlassian, Managing webhooks (Data Center); Atlassian Automation,
Issue data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from casebridge_core import (
    CommentAction,
    Delivery,
    InboundComment,
    NativeStatus,
    Person,
    TicketEvent,
)
from casebridge_jira.changelog import changed_assignee, changed_status
from casebridge_jira.comments import read_comment
from casebridge_jira.statuses import CATEGORY_OF_KEY, VENDOR
from casebridge_jira.tickets import (
    read_id,
    read_issue_id,
    read_moment,
    read_person,
    read_site,
    read_text,
)

if TYPE_CHECKING:
    from datetime import datetime

Json = Mapping[str, Any]

_DELIVERY_ID: Final = "x-atlassian-webhook-identifier"
_COMMENT_ACTIONS: Final = {
    "comment_created": CommentAction.CREATED,
    "comment_updated": CommentAction.EDITED,
    "comment_deleted": CommentAction.DELETED,
    "issue_commented": CommentAction.CREATED,
    "issue_comment_edited": CommentAction.EDITED,
    "issue_comment_deleted": CommentAction.DELETED,
}


def detect(delivery: Delivery) -> TicketEvent | None:
    """Return the event in a delivery, or None when it is not Jira's or names no issue."""
    payload = delivery.payload
    match payload:
        case {"jira": Mapping() as custom}:
            return _custom(custom)
        case {"webhookEvent": str(), "comment": Mapping() as comment} if _is_comment_event(payload):
            return _comment_event(payload, comment, delivery)
        case {"webhookEvent": str(), "issue": Mapping() as issue}:
            return _issue_event(payload, issue, delivery)
        case {"issue": {"fields": Mapping()} as issue} if _looks_like_an_issue(issue):
            return _issue_event(payload, issue, delivery)
        case {"fields": Mapping()} if _looks_like_an_issue(payload):
            return _issue_event({"changelog": payload.get("changelog")}, payload, delivery)
        case _:
            return None


def _issue_event(payload: Json, issue: Json, delivery: Delivery) -> TicketEvent | None:
    external_id = read_id(issue.get("id")) or read_issue_id(issue.get("self"))
    if external_id is None:
        return None
    fields = _mapping(issue.get("fields"))
    deleted = payload.get("webhookEvent") == "jira:issue_deleted"
    comment = read_comment(payload.get("comment"), _comment_action(payload))
    return TicketEvent(
        vendor=VENDOR,
        external_id=external_id,
        key=read_text(issue.get("key")),
        site=read_site(issue.get("self")),
        status=None if deleted else changed_status(payload, fields),
        assignee=UNSET if deleted else changed_assignee(payload, fields),
        comments=(comment,) if comment is not None else (),
        deleted=deleted,
        actor=read_person(payload.get("user")) or _comment_actor(comment, payload),
        occurred_at=_moment(payload, fields),
        delivery_id=read_text(delivery.headers.get(_DELIVERY_ID)),
    )


def _comment_event(payload: Json, comment: Json, delivery: Delivery) -> TicketEvent | None:
    issue = _mapping(payload.get("issue"))
    external_id = (
        read_id(issue.get("id"))
        or read_issue_id(issue.get("self"))
        or read_issue_id(comment.get("self"))
    )
    read = read_comment(comment, _comment_action(payload))
    if external_id is None or read is None:
        return None
    return TicketEvent(
        vendor=VENDOR,
        external_id=external_id,
        key=read_text(issue.get("key")),
        site=read_site(issue.get("self")) or read_site(comment.get("self")),
        comments=(read,),
        actor=read_person(payload.get("user")) or _comment_actor(read, payload),
        occurred_at=read_moment(payload.get("timestamp")) or read.at,
        delivery_id=read_text(delivery.headers.get(_DELIVERY_ID)),
    )


def _custom(custom: Json) -> TicketEvent | None:
    """Read our own Automation template; an unset smart value arrives as an empty text."""
    external_id = read_id(custom.get("issue_id"))
    if external_id is None:
        return None
    status = read_text(custom.get("status"))
    category = read_text(custom.get("status_category")) or ""
    return TicketEvent(
        vendor=VENDOR,
        external_id=external_id,
        key=read_text(custom.get("issue_key")),
        site=read_site(custom.get("issue_url")),
        status=None
        if status is None
        else NativeStatus(
            name=status,
            id=read_id(custom.get("status_id")),
            category=CATEGORY_OF_KEY.get(category.casefold()),
        ),
        assignee=_custom_person(custom["assignee_id"]) if "assignee_id" in custom else UNSET,
        actor=_custom_person(custom.get("actor_id")),
        occurred_at=read_moment(custom.get("updated")),
    )


def _custom_person(identity: object) -> Person | None:
    text = read_text(identity)
    return Person(id=text) if text is not None else None


def _moment(payload: Json, fields: Json) -> datetime | None:
    return read_moment(payload.get("timestamp")) or read_moment(fields.get("updated"))


def _is_comment_event(payload: Json) -> bool:
    return str(payload.get("webhookEvent")).startswith("comment_")


def _comment_action(payload: Json) -> CommentAction | None:
    names = (payload.get("webhookEvent"), payload.get("issue_event_type_name"))
    actions = (_COMMENT_ACTIONS.get(name) for name in names if isinstance(name, str))
    return next((action for action in actions if action is not None), None)


def _comment_actor(comment: InboundComment | None, payload: Json) -> Person | None:
    """Return who wrote or edited a comment; who deleted one is not told."""
    if comment is None or comment.action is CommentAction.DELETED:
        return None
    if comment.action is CommentAction.EDITED:
        editor = read_person(_mapping(payload.get("comment")).get("updateAuthor"))
        return editor or comment.author
    return comment.author


def _looks_like_an_issue(issue: Json) -> bool:
    """Tell Jira's issues from other vendors' records: by their link, or by id and key."""
    if read_issue_id(issue.get("self")) is not None:
        return True
    key = read_text(issue.get("key")) or ""
    project, _, number = key.rpartition("-")
    return bool(project) and number.isdecimal() and read_id(issue.get("id")) is not None


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}
