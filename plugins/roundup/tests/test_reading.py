"""What is read, and what is made of strange things: pure, and total."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from casebridge_core import (
    CommentAction,
    Delivery,
    InvalidConfig,
    NativeStatus,
    Person,
    Severity,
    TicketEvent,
    decode_config,
)
from casebridge_roundup import RoundupConfig
from casebridge_roundup.comments import read_comment
from casebridge_roundup.message_ids import (
    comment_message_id,
    is_ticket_message,
    key_in,
    ticket_message_id,
)
from casebridge_roundup.statuses import NO_STATUS
from casebridge_roundup.tickets import read_moment, read_person, read_status, written
from casebridge_roundup.webhooks import detect

AT = datetime(2026, 11, 23, 10, 56, 43, tzinfo=UTC)


def told(**members: object) -> TicketEvent | None:
    return detect(Delivery(headers={}, payload={"roundup": {"id": "12", **members}}))


def test_a_date_is_utc_with_or_without_a_fraction() -> None:
    assert read_moment("2026-11-23.10:56:43") == AT
    assert read_moment("2026-11-23.10:56:43.000250") == AT.replace(microsecond=250)
    assert written(AT) == "2026-11-23.10:56:43+0000"


@pytest.mark.parametrize("value", [None, 7, "", "2026-11-23", "2026-13-40.99:00:00", ["x"]])
def test_what_is_no_date_is_none(value: object) -> None:
    assert read_moment(value) is None


def test_a_status_without_a_label_goes_by_its_id_and_an_empty_one_has_a_name() -> None:
    assert read_status({"id": "8", "name": "resolved"}) == NativeStatus(id="8", name="resolved")
    assert read_status({"id": "8"}) == NativeStatus(id="8", name="8")
    assert read_status(None) is read_status({}) is read_status("8") is NO_STATUS


def test_a_person_is_known_by_the_number() -> None:
    assert read_person({"id": 4, "username": "joe"}) == Person(id="4", name="joe")
    assert read_person({"username": "joe"}) is read_person(None) is None


@pytest.mark.parametrize("key", ["CASE-7.action-1", "a:b:c", "sha256.0f_9"])
def test_a_comments_key_survives_the_message_id(key: str) -> None:
    message_id = comment_message_id(key, "issue12")

    assert ":" not in message_id
    assert key_in(message_id) == key
    assert not is_ticket_message(message_id)


@pytest.mark.parametrize(
    "message_id", [None, "", "<1700.3.issue12@example.com>", "<x/issue1@comment.casebridge> "]
)
def test_other_message_ids_hold_no_key(message_id: str | None) -> None:
    assert key_in(message_id) is None


def test_the_text_of_a_ticket_is_no_comment() -> None:
    message = {"id": "7", "content": "Summary", "messageid": ticket_message_id("aisoc-1")}

    assert read_comment(message, CommentAction.CREATED) is None


def test_a_status_is_news_only_when_the_event_names_it() -> None:
    moved = told(status={"id": "8", "name": "resolved"}, actor={"id": "4", "username": "joe"})
    assigned = told(assignedto=None, activity="2026-11-23.10:56:43", tracker="https://a.example/x")

    assert moved is not None
    assert moved.status == NativeStatus(id="8", name="resolved")
    assert (moved.actor, moved.assignee) == (Person(id="4", name="joe"), UNSET)
    assert assigned is not None
    assert (assigned.status, assigned.assignee) == (None, None)
    assert (assigned.site, assigned.occurred_at) == ("a.example", AT)


def test_a_retired_issue_is_deleted_and_says_nothing_else() -> None:
    event = told(event="retired", status={"id": "8", "name": "resolved"}, assignedto=None)

    assert event is not None
    assert (event.deleted, event.status, event.assignee) == (True, None, UNSET)


def test_only_a_new_comment_tells_its_time() -> None:
    message = {"id": "30", "content": "Hello", "creation": "2026-11-23.10:56:43"}
    events = [{**message, "event": name} for name in ("created", "edited", "deleted", "odd")]

    event = told(messages=[*events, "noise", {"event": "created"}])

    assert event is not None
    assert [(comment.action, comment.at) for comment in event.comments] == [
        (CommentAction.CREATED, AT),
        (CommentAction.EDITED, None),
        (CommentAction.DELETED, None),
    ]


@pytest.mark.parametrize(
    "payload", [{}, {"roundup": "x"}, {"roundup": {}}, {"roundup": {"id": "issue12"}}, {"id": "1"}]
)
def test_what_names_no_issue_is_not_claimed(payload: dict[str, object]) -> None:
    assert detect(Delivery(headers={}, payload=payload)) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", " "),
        ("username", "a:b"),
        ("username", "a,b"),
        ("username", "17"),
        ("web_url", "issues.example.com"),
        ("issue_class", "../user"),
        ("extra_fields.title", {"title": "x"}),
        ("extra_fields.Key-word", {"Key-word": "x"}),
        ("extra_fields.keyword", {"keyword": "{nobody}"}),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], field: str, value: object) -> None:
    with pytest.raises(InvalidConfig) as caught:
        decode_config(RoundupConfig, {**settings, field.partition(".")[0]: value})

    assert caught.value.path == field


def test_a_priority_is_the_settings_the_default_or_the_trackers(
    settings: dict[str, object],
) -> None:
    priorities = {"medium": "urgent", "low": ""}
    config = decode_config(RoundupConfig, {**settings, "priorities": priorities})

    assert [config.priority_of(severity) for severity in Severity] == [
        "critical",
        "urgent",
        "urgent",
        "",
        "bug",
    ]
