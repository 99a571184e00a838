"""What `casebridge_roundup.detector` sends, read into `TicketEvent`s: pure, total for any JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from casebridge_core import CommentAction, Delivery, InboundComment, TicketEvent
from casebridge_roundup.comments import read_comment
from casebridge_roundup.config import origin_of
from casebridge_roundup.statuses import VENDOR
from casebridge_roundup.tickets import (
    Json,
    read_id,
    read_moment,
    read_person,
    read_status,
    read_text,
)

_ACTIONS: Final = {action.value: action for action in CommentAction}


def detect(delivery: Delivery) -> TicketEvent | None:
    """Return the event in a delivery, or None when it is not Roundup's or names no issue."""
    match delivery.payload:
        case {"roundup": Mapping() as told}:
            return _event(told)
        case _:
            return None


def _event(told: Json) -> TicketEvent | None:
    issue_id = read_id(told.get("id"))
    if issue_id is None:
        return None
    deleted = told.get("event") == "retired"
    status, assignee = "status" in told, "assignedto" in told
    return TicketEvent(
        vendor=VENDOR,
        external_id=issue_id,
        key=f"{read_text(told.get('class')) or 'issue'}{issue_id}",
        site=_site(told.get("tracker")),
        status=read_status(told["status"]) if status and not deleted else None,
        assignee=read_person(told["assignedto"]) if assignee and not deleted else UNSET,
        comments=tuple(_comments(told.get("messages"))),
        deleted=deleted,
        actor=read_person(told.get("actor")),
        occurred_at=read_moment(told.get("activity")),
        delivery_id=read_text(told.get("delivery")),
    )


def _comments(messages: object) -> Iterator[InboundComment]:
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, Mapping):
            continue
        event = message.get("event")
        action = _ACTIONS.get(event) if isinstance(event, str) else None
        if action and (comment := read_comment(message, action)) is not None:
            yield comment


def _site(tracker: object) -> str | None:
    origin = origin_of(tracker) if isinstance(tracker, str) else None
    return origin.partition("://")[2] if origin else None
